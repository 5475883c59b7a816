"""Do in Chromium with a form what people do: open it, type, press its button once or twice, and wait for the end."""

from __future__ import annotations

from typing import Any

from tests.browser.every import Every
from tests.browser.every_page import FORMS, PRESS, Form, Typed

_OPEN = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


def opened(every: Every, page: Any, form: Form) -> None:
    """Open the page that has a form, and what is folded on it."""
    if form.after:
        first = FORMS[form.after]
        opened(every, page, first)
        typed_in(every, page, first.typed)
        pressed(every, page, first)
    if form.page:
        page.goto(every.address(form.page))
    page.evaluate(_OPEN)


def typed_in(every: Every, page: Any, typed: Typed) -> None:
    """Type into the fields of a form, and press its boxes."""
    for selector, text in typed:
        field = page.locator(every.selector(selector)).first
        if text == PRESS:
            field.click(force=True)
        elif field.evaluate("each => each.localName") == "select":
            field.select_option(text)
        else:
            field.fill(text)


_BETWEEN = 40  # milliseconds between pressing a button down and letting it go
_LATE = 0.4  # seconds that the answer to the first press takes, so that the second one comes before it


def pressed(every: Every, page: Any, form: Form, times: int = 1) -> int:
    """Press the button of a form, and wait until the server has done all of it; return the status of the page."""
    from playwright.sync_api import Error

    every.counted.late = _LATE if times > 1 else 0.0
    answers: list[Any] = []
    take = lambda answer: answers.append(answer) if answer.request.is_navigation_request() else None  # noqa: E731
    page.on("response", take)
    button = page.locator(every.selector(form.button)).first
    button.scroll_into_view_if_needed()
    try:
        with page.expect_navigation():
            button.click(click_count=times, delay=_BETWEEN)
    except Error as error:
        # The second press ends the way that the first began.
        if times == 1 or "ERR_ABORTED" not in str(error):
            raise
    every.counted.idle()
    page.wait_for_load_state("load")
    page.remove_listener("response", take)
    return int(answers[-1].status)


def main_text(page: Any) -> str:
    """Return what a page says."""
    return str(page.locator("main").inner_text())
