"""Serve the icon of the readers' pages."""

from __future__ import annotations

from digest.web.icon import ICON_TYPE, icon_of
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit


def _icon(pages: ReaderPages, _visit: Visit) -> ReaderAnswer:
    return ReaderAnswer(body=icon_of(pages.settings.brand), media_type=ICON_TYPE, indexed=True)


PAGES = (ReaderRoute("/icon.svg", _icon),)
