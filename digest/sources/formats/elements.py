"""Read values of what feedparser made of an element, whatever a hostile feed put in their place. Pure."""

from __future__ import annotations

import re
from typing import Any

# A section that its publisher escaped, so that its marks are part of the text.
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*?)(?:\]\]>)?\s*\Z", re.DOTALL)


def text_in(element: Any, key: str) -> str:
    """Return the text of a key, "" where there is none or it holds something else."""
    # Use dict.get, because feedparser's own get answers for an absent key with another key's value.
    value = dict.get(element, key) if isinstance(element, dict) else None
    if not isinstance(value, str):
        return ""
    section = _CDATA.match(value) if "<![CDATA[" in value[:50] else None
    return section[1] if section else value


def parts_in(element: Any, key: str) -> list[Any]:
    """Return the elements of a key that holds a list of them."""
    # Check each type, because an element named like one of feedparser's own keys (<links x="y">) replaces its value.
    value = dict.get(element, key) if isinstance(element, dict) else None
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def part_in(element: Any, key: str) -> Any:
    """Return the one element of a key, or None."""
    value = dict.get(element, key) if isinstance(element, dict) else None
    return value if isinstance(value, dict) else None
