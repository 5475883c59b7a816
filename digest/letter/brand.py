"""Define the brand of letters as frozen values: names, logo, colours and changed words.

`digest/config/brand.py` reads them from [brand] of config.toml. Imports the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a letter on a light or on a dark screen, each "#rrggbb"; text in them must be readable.

    `accent` is the band, the buttons and the rule beside a case study; `background` lies around the `sheet`
    that carries the letter, `panel` under a case study.
    """

    accent: str = "#12545a"
    link: str = "#0b4f86"
    heading: str = "#17212b"
    text: str = "#17212b"
    soft: str = "#4d575f"
    background: str = "#f2f1ec"
    sheet: str = "#ffffff"
    panel: str = "#eef5f3"
    rule: str = "#c9cdd0"


LIGHT = Colours()
DARK = Colours(
    accent="#7fd0c8",
    link="#8ec5ff",
    heading="#f1f2ee",
    text="#f1f2ee",
    soft="#bcc4c9",
    background="#0f1417",
    sheet="#171d21",
    panel="#202b2e",
    rule="#3d474d",
)


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture above the name: absolute https `url`, size in CSS pixels, and its `alt` text."""

    url: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """Names, colours, logo and words that make letters the organisation's own without a template.

    An empty `name` or `address` means the site's.
    `words` are changes to the catalogue by language: (("en", {"areas": "For your patch"}),).
    """

    name: str = ""
    tagline: str = ""
    address: str = ""
    logo: Logo | None = None
    light: Colours = LIGHT
    dark: Colours = DARK
    words: tuple[tuple[str, Mapping[str, object]], ...] = ()


SHIPPED = Brand()  # for a configuration without [brand]
