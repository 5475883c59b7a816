"""Tell whether a text is a language tag, for config, feeds, letters and the CSV import alike. Pure."""

from __future__ import annotations

import re

LONGEST_TAG = 35  # characters, which RFC 5646 §4.4.1 asks for and a row can hold

# RFC 5646: language, extended language, script, region, variants. No extensions, private use or old irregular tags,
# because mail programs do not know them.
_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*",
    re.IGNORECASE | re.ASCII,
)


def is_language_tag(text: str) -> bool:
    """Return whether `text` is a tag like "en", "en-GB" or "zh-Hant-TW" (BCP 47) of at most 35 characters."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text) is not None
