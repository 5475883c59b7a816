"""Serve the icon that a browser shows beside a page's title: lines of a letter, in the colour of the brand."""

from __future__ import annotations

from digest.letter.colours import ink_on
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="4" fill="{ground}"/>'
    '<path d="M8 10h16M8 16h16M8 22h9" stroke="{ink}" stroke-width="3" stroke-linecap="round"/></svg>'
)


def _icon(pages: ReaderPages, _visit: Visit) -> ReaderAnswer:
    accent = pages.settings.brand.light.accent
    body = _ICON.format(ground=accent, ink=ink_on(accent)).encode()
    return ReaderAnswer(body=body, media_type="image/svg+xml", indexed=True)


PAGES = (ReaderRoute("/icon.svg", _icon),)
