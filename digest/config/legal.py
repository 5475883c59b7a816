"""Read [privacy] and [accessibility] of config.toml: what the two statements say that only the organisation knows.

Everything in them has a default, so that both pages are whole without these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from digest.config.site import mailbox_of
from digest.config.spans import Span
from digest.letter.words import primary
from subscribers.languages import is_language_tag

_PART = ConfigDict(extra="forbid", defer_build=True)
_LARGEST = 100_000  # bytes of a further text
_CONTACT = 'write "privacy@example.org"'
T = TypeVar("T")
Texts = tuple[tuple[str, tuple[str, ...]], ...]


class PrivacyPart(BaseModel):
    """[privacy]: what the privacy notice says beyond what the program knows by itself."""

    model_config = _PART

    controller: str = Field(
        default="", max_length=200, description="The organisation that answers for the data. Empty: `site.name`."
    )
    address: str = Field(
        default="", max_length=300, description="Its postal address. Empty: `brand.address` or `site.postal_address`."
    )
    contact: str = Field(
        default="", description="The address for questions about data. Empty: `site.reply_to` or the sender."
    )
    officer: str = Field(
        default="",
        max_length=200,
        description="The data protection officer, with how to reach them, if there is one.",
    )
    basis: Literal["consent", "public-task", "legitimate-interests"] = Field(
        default="consent", description="The lawful basis on which readers are written to."
    )
    processors: list[str] = Field(
        default=[],
        max_length=20,
        description="Who handles data for you, such as the company that delivers the letters, each as readers should"
        ' see it: "Example Mail Ltd (Ireland)".',
    )
    backups: Span | None = Field(
        default=None, description="For how long you keep backups. Without it the notice does not say."
    )
    authority: str = Field(
        default="",
        max_length=300,
        description='To whom readers may complain, with the address; "none" leaves it out. Empty: the Information'
        ' Commissioner\'s Office, unless `places.gazetteer` is "none".',
    )
    changed: date | None = Field(default=None, description="The day on which you last changed the notice.")
    text: dict[str, str] = Field(
        default={},
        description="Further text by language, each a file of plain text; blank lines part its paragraphs, and a line"
        ' that begins with "# " is a heading: `text = { en = "privacy.en.txt" }`.',
    )


class AccessibilityPart(BaseModel):
    """[accessibility]: what the accessibility statement says beyond what the program knows by itself."""

    model_config = _PART

    contact: str = Field(default="", description="The address for reports. Empty: `site.reply_to` or the sender.")
    answer_within: Span | None = Field(
        default=None, description="How soon a report is answered. Without it the statement does not say."
    )
    failing: dict[str, list[str]] = Field(
        default={},
        description="Name the parts that do not meet WCAG 2.2 AA, by language, a sentence each:"
        ' `failing = { en = ["…"], cy = ["…"] }`.',
    )
    checked: date | None = Field(default=None, description="The day on which the pages were last checked.")
    checked_by: str = Field(default="", max_length=200, description="By whom they were checked.")
    enforcement: Literal["", "ehrc", "ecni", "none"] = Field(
        default="",
        description="Who enforces the accessibility regulations for public bodies: `ehrc` in Great Britain, `ecni` in"
        ' Northern Ireland, `none` leaves it out. Empty: `ehrc`, unless `places.gazetteer` is "none".',
    )
    text: dict[str, str] = Field(default={}, description="Further text by language, as for `privacy.text`.")


@dataclass(frozen=True, slots=True)
class Privacy:
    """The checked values of [privacy], defaults filled in. `authority` is "uk", "" for none, or a text of its own.

    `delivered_by_company`: letters go through a provider. `text` has the paragraphs of each language.
    """

    controller: str
    address: str
    contact: str
    officer: str = ""
    basis: str = "consent"
    processors: tuple[str, ...] = ()
    delivered_by_company: bool = False
    backups: timedelta | None = None
    authority: str = "uk"
    changed: date | None = None
    text: Texts = ()


@dataclass(frozen=True, slots=True)
class Accessibility:
    """The checked values of [accessibility], defaults filled in. `enforcement` is "ehrc", "ecni" or ""."""

    contact: str
    answer_within: timedelta | None = None
    failing: Texts = ()
    checked: date | None = None
    checked_by: str = ""
    enforcement: str = "ehrc"
    text: Texts = ()


@dataclass(frozen=True, slots=True)
class LegalDefaults:
    """Defaults of both statements from the rest of config.toml; `british`: with the regions of the UK."""

    name: str
    address: str
    contact: str
    british: bool
    delivered_by_company: bool


def privacy_of(part: PrivacyPart, defaults: LegalDefaults, home: Path) -> tuple[Privacy, list[str]]:
    """Return the values of [privacy], and a line for each mistake in it."""
    contact, problems = _contact("privacy.contact", part.contact, defaults.contact)
    text, mistakes = _texts("privacy.text", part.text, lambda file: _paragraphs(home / file))
    named = part.authority.strip()
    return Privacy(
        controller=part.controller.strip() or defaults.name,
        address=part.address.strip() or defaults.address,
        contact=contact,
        officer=part.officer.strip(),
        basis=part.basis,
        processors=tuple(name.strip() for name in part.processors if name.strip()),
        delivered_by_company=defaults.delivered_by_company,
        backups=part.backups,
        authority="" if named == "none" else named or ("uk" if defaults.british else ""),
        changed=part.changed,
        text=text,
    ), problems + mistakes


def accessibility_of(part: AccessibilityPart, defaults: LegalDefaults, home: Path) -> tuple[Accessibility, list[str]]:
    """Return the values of [accessibility], and a line for each mistake in it."""
    contact, problems = _contact("accessibility.contact", part.contact, defaults.contact)
    text, mistakes = _texts("accessibility.text", part.text, lambda file: _paragraphs(home / file))
    failing, more = _texts("accessibility.failing", part.failing, lambda lines: tuple(lines))
    chosen = part.enforcement or ("ehrc" if defaults.british else "none")
    return Accessibility(
        contact=contact,
        answer_within=part.answer_within,
        failing=failing,
        checked=part.checked,
        checked_by=part.checked_by.strip(),
        enforcement="" if chosen == "none" else chosen,
        text=text,
    ), [*problems, *mistakes, *more]


def _contact(key: str, value: str, default: str) -> tuple[str, list[str]]:
    """Return the address that readers may write to, and a line if it is none."""
    if not value.strip():
        return default, []
    mailbox, problems = mailbox_of(key, value.strip(), mailed=False, cure=_CONTACT)
    return (mailbox.address if mailbox else default), problems


def _texts(key: str, by_language: Mapping[str, T], read: Callable[[T], tuple[str, ...]]) -> tuple[Texts, list[str]]:
    """Return the paragraphs of each language, and a line for each that cannot be read."""
    texts: dict[str, tuple[str, ...]] = {}
    problems = []
    for tag, value in by_language.items():
        if not is_language_tag(tag):
            problems.append(f'{key}.{tag[:40]}: is not a language tag; write one like "en" or "cy"')
            continue
        try:
            texts[primary(tag)] = read(value)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            problems.append(f"{key}.{tag}: {value}: {error}; name a file of plain text (UTF-8)")
    return tuple(texts.items()), problems


def _paragraphs(path: Path) -> tuple[str, ...]:
    """Return the paragraphs of a file. Raises OSError, UnicodeDecodeError, and ValueError for a file too large."""
    with path.open("rb") as stream:
        raw = stream.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise ValueError(f"has more than {_LARGEST} bytes")
    blocks = raw.decode("utf-8-sig").replace("\r\n", "\n").split("\n\n")
    return tuple(" ".join(block.split()) for block in blocks if block.strip())
