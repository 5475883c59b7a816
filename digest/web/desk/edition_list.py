"""Show the first page of the desk: the editions due and past."""

from __future__ import annotations

from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters


def _editions(_desk: Desk, _asker: Asker, _given: Parameters) -> DeskAnswer:
    return DeskAnswer("editions.html.j2", {"title": "Editions"})


PAGES = (DeskPage("/desk", VIEWER, get=_editions),)
