"""At every form: a double click is one act, and load again, back and forward do nothing more and show what is so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.every import Cells, Every
from tests.browser.every_form import main_text, opened, pressed, typed_in
from tests.browser.every_page import FORMS, Form, forgotten_lines

pytestmark = pytest.mark.browser


def test_no_page_is_forgotten() -> None:
    assert forgotten_lines() == set()


# Of askings by people who may be anybody: each is counted, whatever becomes of it.
COUNTED = {"asked", "notice", "confirmation"}


def rows(cells: Cells) -> Counter[str]:
    return Counter(table for table, _ in cells if table not in COUNTED)


@contextmanager
def sending_nothing(page: Any) -> Iterator[None]:
    """Fail when the browser sends a form again, for which it would ask a person."""
    methods: list[str] = []
    take = lambda request: methods.append(request.method)  # noqa: E731
    page.on("request", take)
    yield
    page.remove_listener("request", take)
    assert "POST" not in methods, "a browser would ask whether to send the form again"


def done(house: Every, page: Any, form: Form, times: int) -> tuple[int, Cells, int]:
    """Press the button of a form; return the status of the page that follows, the database, and the mails."""
    house.put_back()
    opened(house, page, form)
    typed_in(house, page, form.typed)
    mails = len(house.desk.boxes.taken)
    status = pressed(house, page, form, times)
    return status, house.cells(), len(house.desk.boxes.taken) - mails


LAST = {"/yours/{token}/erase"}


@pytest.mark.parametrize("route", FORMS)
def test_a_form_acts_once(put_back: tuple[Every, tuple[Any, Any]], route: str) -> None:
    house, pages = put_back
    form = FORMS[route]
    page = pages[form.stranger]
    twice, after_two, mails_of_two = done(house, page, form, 2)
    heading = page.locator("h1").inner_text()
    status, after, mails = done(house, page, form, 1)
    assert status == twice == 200
    # The second press finds that nobody is here any more, and says so.
    assert page.locator("h1").inner_text() == heading or route in LAST
    more = {name: count for name, count in rows(after_two).items() if count != rows(after)[name]}
    assert (more, mails_of_two) == ({}, mails), "the second press did more"
    text = main_text(page)
    with sending_nothing(page):
        page.reload()
        assert main_text(page) == text
        page.go_back()
        before = main_text(page)
        page.reload()
        assert main_text(page) == before, "back shows what is not so any more"
        page.go_forward()
        assert main_text(page) == text
    assert house.cells() == after, "to look again has changed something"
