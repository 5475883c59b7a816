"""Show admins the editors with their roles and sessions, and let them add, change, remove and end."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from digest.desk.editors import (
    add_editor,
    change_role,
    end_session,
    end_sessions_of,
    every_editor,
    open_sessions,
    remove_editor,
)
from digest.errors import WrongUse
from digest.model import ROLES
from digest.store import acts
from digest.store.engine import reading
from digest.web.desk.page import ADMIN, Asker, Desk, DeskAnswer, DeskPage, Parameters, number_in_path
from subscribers.errors import BadAddress

_PAGE = "/desk/editors"
_MAY = {
    "viewer": "reads", "editor": "also changes", "approver": "also approves and stops",
    "admin": "also manages the editors",
}  # fmt: skip
# {word in the address: the sentence that the page tells after an act}.
_TOLD = {
    "added": "They may sign in now, with a link by mail.", "role": "The new role counts from their next page on.",
    "removed": "They were removed, and their sessions have ended.", "ended": "That browser must sign in again.",
}  # fmt: skip


def _show(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    return _page(desk, told=_TOLD.get(given.text("told"), ""))


def _page(desk: Desk, *, told: str = "", problem: str = "", typed: Parameters | None = None) -> DeskAnswer:
    """Return the page; `problem` is why nothing was done, `typed` has the fields of an editor who was not added."""
    installation = desk.installation
    with reading(installation.engine) as conn:
        seen = acts.newest(conn)  # first, so that an act that comes meanwhile makes a form stale
    fields = {name: typed.text(name) if typed else "" for name in ("name", "email", "role")}
    values = {
        "title": "Editors", "people": every_editor(installation), "sessions": open_sessions(installation),
        "roles": ROLES, "may": _MAY, "seen": seen, "told": told, "typed": fields,
        "problem": problem[:1].upper() + problem[1:],
    }  # fmt: skip
    return DeskAnswer("editors.html.j2", values, status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK)


def _add(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    try:
        add_editor(desk.installation, asker.hand(form), form.text("email"), form.text("name"), form.text("role"))
    except (WrongUse, BadAddress) as error:
        return _page(desk, problem=str(error), typed=form)
    return _back("added")


def _change(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number, role = number_in_path(form, "editor"), form.text("role")
    return _done(desk, "role", lambda: change_role(desk.installation, asker.hand(form), number, role))


def _remove(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = number_in_path(form, "editor")
    return _done(desk, "removed", lambda: remove_editor(desk.installation, asker.hand(form), number))


def _end_all(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = number_in_path(form, "editor")
    return _done(desk, "ended", lambda: end_sessions_of(desk.installation, asker.hand(form), number))


def _end(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = number_in_path(form, "session")
    return _done(desk, "ended", lambda: end_session(desk.installation, asker.hand(form), number))


def _done(desk: Desk, told: str, act: Callable[[], object]) -> DeskAnswer:
    """Do an act, and return to the page, which tells that it was done, or why not."""
    try:
        act()
    except WrongUse as error:
        return _page(desk, problem=str(error))
    return _back(told)


def _back(told: str) -> DeskAnswer:
    return DeskAnswer(location=f"{_PAGE}?told={told}")


PAGES = (
    DeskPage(_PAGE, ADMIN, get=_show, post=_add),
    DeskPage(_PAGE + "/{editor}/role", ADMIN, post=_change),
    DeskPage(_PAGE + "/{editor}/remove", ADMIN, post=_remove),
    DeskPage(_PAGE + "/{editor}/sessions", ADMIN, post=_end_all),
    DeskPage(_PAGE + "/sessions/{session}/end", ADMIN, post=_end),
)
