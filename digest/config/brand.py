"""Read [brand] of config.toml: names, logo, colours and words of the organisation's own letters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest.config.mistakes import EMPTY
from digest.config.site import split_url
from digest.errors import without_secrets
from digest.letter import colours
from digest.letter.brand import DARK, LIGHT, Brand, Colours, Logo
from digest.letter.words import primary

_PART = ConfigDict(extra="forbid", defer_build=True, validate_default=True)
_LONGEST_LOGO = 2000  # characters of a logo's address


def _colour(value: object) -> object:
    if isinstance(value, str) and colours.HEX.fullmatch(value):
        return value.lower()
    raise ValueError(f'{value!r} is not a colour; write it like "#12545a"')


Colour = Annotated[str, BeforeValidator(_colour)]


class Palette(BaseModel):
    """[brand.light] or [brand.dark]; a colour that is left out stays as shipped."""

    model_config = _PART

    accent: Colour | None = Field(default=None, description="The band, the buttons and the rule beside a case study.")
    link: Colour | None = Field(default=None, description="Links.")
    heading: Colour | None = Field(default=None, description="Headings.")
    text: Colour | None = Field(default=None, description="Text.")
    soft: Colour | None = Field(default=None, description="Small print: dates, sources, reasons.")
    background: Colour | None = Field(default=None, description="Around the sheet.")
    sheet: Colour | None = Field(default=None, description="The sheet that carries the letter.")
    panel: Colour | None = Field(default=None, description="Under a case study.")
    rule: Colour | None = Field(default=None, description="Lines between parts.")


class LogoPart(BaseModel):
    """[brand.logo]: sizes in CSS pixels, within the column of the letter."""

    model_config = _PART

    url: str = Field(description="The https address of the picture, at twice its shown size.")
    width: int = Field(ge=16, le=528, description="Its shown width.")
    height: int = Field(ge=16, le=200, description="Its shown height.")
    alt: str = Field(default="", max_length=120, description="Its text, for readers who do not see it.")


class BrandPart(BaseModel):
    """[brand]: names, logo, colours and words that make letters the organisation's own."""

    model_config = _PART

    name: str = Field(default="", max_length=80, description="The name on top of a letter. Empty: `site.name`.")
    tagline: str = Field(default="", max_length=160, description="A line below the name.")
    address: str = Field(default="", description="The address in the footer. Empty: `site.postal_address`.")
    logo: LogoPart | None = Field(default=None, description="A picture above the name.")
    light: Palette = Field(default=EMPTY, description="Colours on a light screen.")
    dark: Palette = Field(default=EMPTY, description="Colours on a dark screen.")
    words: dict[str, dict[str, Any]] = Field(
        default={},
        description="Changed words by language, each by its key in `templates/email/words/`: `[brand.words.en]`.",
    )


def check_brand(part: BrandPart, languages: Collection[str]) -> list[str]:
    """Return a line for each colour that is too faint to read, for an unfit logo, and for words without a catalogue.

    `languages` are those with a catalogue of words.
    """
    problems = _check_words(part.words, languages)
    for side, chosen, shipped in (("light", part.light, LIGHT), ("dark", part.dark, DARK)):
        given = list(chosen.model_dump(exclude_none=True))
        problems += [f"brand.{side}.{line}" for line in colours.colour_problems(_colours(chosen, shipped), given)]
    if part.logo is not None:
        url = split_url(part.logo.url)
        if url is None or url.scheme != "https" or not part.logo.url.isascii() or " " in part.logo.url:
            problems.append(
                f"brand.logo.url: {without_secrets(part.logo.url)[:200]!r} is not an https address;"
                " mail programs fetch it there"
            )
        elif "@" in url.netloc:
            problems.append(
                "brand.logo.url: holds a user name or password, which every reader would see; take it out"
            )
        elif len(part.logo.url) > _LONGEST_LOGO:
            problems.append(f"brand.logo.url: is longer than {_LONGEST_LOGO} characters; give a shorter address")
    return problems


def _check_words(words: Collection[str], languages: Collection[str]) -> list[str]:
    problems, seen = [], set[str]()
    for tag in words:
        language = primary(tag)
        if language not in languages:
            problems.append(
                f"brand.words.{tag}: there is no catalogue of words in this language; letters come in"
                f" {', '.join(sorted(languages))}, add words/{language}.toml to [letter] templates or remove it"
            )
        elif language in seen:
            problems.append(f"brand.words.{tag}: another table is for {language} too; put them into one")
        seen.add(language)
    return problems


def brand_of(part: BrandPart) -> Brand:
    """Return the brand of a part without mistakes."""
    return Brand(
        part.name,
        part.tagline,
        part.address,
        Logo(**part.logo.model_dump()) if part.logo else None,
        _colours(part.light, LIGHT),
        _colours(part.dark, DARK),
        tuple((primary(language), words) for language, words in part.words.items()),
    )


def _colours(chosen: Palette, shipped: Colours) -> Colours:
    return Colours(**{name: getattr(chosen, name) or getattr(shipped, name) for name in Palette.model_fields})
