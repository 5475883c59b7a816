"""Every form in two tabs: the older one undoes nothing of the newer in silence, and loses nothing that was typed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.every import Cells, Every
from tests.browser.every_form import opened, pressed, typed_in
from tests.browser.every_page import FORMS, Typed

pytestmark = pytest.mark.browser

# Of what the server writes down for each act, whatever it is.
_CLOCKS = re.compile(r"(?:.*[_.])?at|.*version|.*key|value")
# Where the last word of a person counts, and the page that follows tells it.
LAST_WORD = {"/yours/{token}/pause", "/unsubscribe/{token}/reason"}
Changes = dict[tuple[str, str, str], Any]  # by table, row and column


def changes(before: Cells, after: Cells) -> Changes:
    return {
        (*row, column): value
        for row, cells in after.items()
        for column, value in cells.items()
        if before.get(row, {}).get(column) != value and not _CLOCKS.fullmatch(column)
    }


@pytest.mark.parametrize("route", [route for route, form in FORMS.items() if form.other])
def test_the_older_of_two_tabs_undoes_nothing_in_silence(put_back: tuple[Every, tuple[Any, Any]], route: str) -> None:
    house, pages = put_back
    form = FORMS[route]
    newer = pages[form.stranger]

    def act(page: Any, typed: Typed) -> int:
        typed_in(house, page, typed)
        return pressed(house, page, form)

    house.put_back()
    before = house.cells()
    opened(house, newer, form)
    act(newer, form.other)
    alone = changes(before, house.cells())
    house.put_back()
    older = newer.context.new_page()
    opened(house, newer, form)
    opened(house, older, form)
    assert act(newer, form.typed) == 200
    first = changes(before, house.cells())
    status = act(older, form.other)
    both = changes(before, house.cells())
    typed = [text for _, text in form.other if text]
    told = older.locator("main").inner_text() + " ".join(
        older.locator("input, textarea").evaluate_all("all => all.map(each => each.value)")
    )
    older.close()
    lost = {cell: (value, both.get(cell)) for cell, value in first.items() if both.get(cell) != value}
    # A cell that both change holds the two together, or the page says that it was changed meanwhile.
    lost = {cell: pair for cell, pair in lost.items() if cell not in alone or pair[1] == alone[cell]}
    assert status == 409 or lost == {} or route in LAST_WORD
    assert status != 409 or all(text in told for text in typed), "the words of the older tab are lost"
