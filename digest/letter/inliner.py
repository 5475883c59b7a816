"""Move styles inline: the only home of premailer."""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, ClassVar

from lxml.etree import LxmlError  # type: ignore[import-untyped]

from digest.errors import ConfigError

_FETCHER = "requests"  # which premailer loads to fetch style sheets
_MOST_SHEETS = 8


# A letter has no foreign style sheet, and the fetcher takes 7 MB and 50 ms: an empty module stands in for it while
# premailer is loaded, unless something else has loaded the fetcher before.
_stand_in = ModuleType(_FETCHER)
sys.modules.setdefault(_FETCHER, _stand_in)
try:
    from premailer import Premailer
finally:
    if sys.modules[_FETCHER] is _stand_in:
        del sys.modules[_FETCHER]


class SheetKeeper(Premailer):  # type: ignore[misc]
    """Inlines pages, and keeps the rules of the last style sheets: to read one takes most of the time of an inlining.

    A letter is inlined twice, to be proven, and each preview of an edition has the same style sheet.
    """

    _kept: ClassVar[dict[tuple[str, int], tuple[list[Any], list[Any]]]] = {}

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        key = css_body, ruleset_index
        if key not in self._kept:
            if len(self._kept) >= _MOST_SHEETS:
                self._kept.clear()
            self._kept[key] = super()._parse_style_rules(css_body, ruleset_index)
        rules, leftover = self._kept[key]
        return [*rules], [*leftover]


# Cached because each run compiles the same trial letter, and an editor often asks for the same preview again.
@lru_cache(maxsize=8)
def inline_styles(html: str) -> str:
    """Return `html` with the plain rules of its first style element moved onto the elements.

    Raises ConfigError for what is no page.
    """
    page = SheetKeeper(
        html,
        strip_important=False,
        disable_basic_attributes=["width", "height", "bgcolor", "align", "valign"],
        allow_network=False,
        cssutils_logging_level=logging.CRITICAL,
    )
    try:
        # No pretty printing, because it adds line breaks that depend on an element's neighbours.
        return str(page.transform(pretty_print=False))
    except (AttributeError, LxmlError, ValueError) as error:
        # The library raises AttributeError for a page without an element.
        problem = "is empty" if not html.strip() else f"is no HTML page ({type(error).__name__})"
        raise ConfigError([f"letter.html.j2: {problem}; write <html> with a <body>, or remove the file"]) from error
