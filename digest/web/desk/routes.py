"""List every page of the desk: its path, role and functions. A page that is not listed here does not exist."""

from __future__ import annotations

from starlette.routing import Route

from digest.web.desk import (
    answers_page,
    approve_page,
    assets,
    coverage_page,
    edition_acts,
    edition_list,
    edition_page,
    editor_pages,
    letter_view,
    log_page,
    sent_page,
    source_pages,
    stories_page,
)
from digest.web.desk.gate import Door, route
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, NoPage, Parameters

_ANY = "/desk/{rest:path}"

PAGES: tuple[DeskPage, ...] = (
    *assets.PAGES,
    *edition_list.PAGES,
    *editor_pages.PAGES,
    *log_page.PAGES,
    *answers_page.PAGES,
    *stories_page.PAGES,
    *source_pages.PAGES,
    *sent_page.PAGES,
    *letter_view.PAGES,
    *approve_page.PAGES,
    *coverage_page.PAGES,
    *edition_acts.PAGES,
    # Last, because the name of a cadence stands where others have their own.
    *edition_page.PAGES,
)


def desk_routes(desk: Desk, door: Door, *more: DeskPage) -> list[Route]:
    """Return the routes of the desk; `more` are pages of its door."""
    return [route(desk, door, page) for page in (*more, *PAGES, DeskPage(_ANY, VIEWER, get=_nothing, post=_nothing))]


def _nothing(_desk: Desk, _asker: Asker, _given: Parameters) -> DeskAnswer:
    """Answer an address that has no page, and one to which only a form leads."""
    raise NoPage("The address may have lost a part, or it is one to which only the button of a page leads.")
