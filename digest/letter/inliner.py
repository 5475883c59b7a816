"""Move styles inline: the only home of premailer."""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from types import ModuleType

_FETCHER = "requests"  # which premailer loads to fetch style sheets


# A letter has no foreign style sheet, and the fetcher takes 7 MB and 50 ms: an empty module stands in for it while
# premailer is loaded, unless something else has loaded the fetcher before.
_stand_in = ModuleType(_FETCHER)
sys.modules.setdefault(_FETCHER, _stand_in)
try:
    from premailer import Premailer
finally:
    if sys.modules[_FETCHER] is _stand_in:
        del sys.modules[_FETCHER]


# Cached because each run compiles the same trial letter, and an editor often asks for the same preview again.
@lru_cache(maxsize=8)
def inline_styles(html: str) -> str:
    """Return `html` with the plain rules of its first style element moved onto the elements."""
    page = Premailer(
        html,
        strip_important=False,
        disable_basic_attributes=["width", "height", "bgcolor", "align", "valign"],
        allow_network=False,
        cssutils_logging_level=logging.CRITICAL,
    )
    # No pretty printing, because it adds line breaks that depend on an element's neighbours.
    return str(page.transform(pretty_print=False))
