"""Show editors what readers answered to entries, those that wait first, and let them accept or leave aside."""

from __future__ import annotations

from digest.desk.acts import Hand
from digest.desk.answers import accept_answer, answer_name, leave_answer_aside, list_answers
from digest.desk.undo import undo
from digest.errors import WrongUse
from digest.store import acts
from digest.store.answers import EntryAnswer
from digest.store.engine import reading
from digest.web.desk.edition_page import done_of
from digest.web.desk.page import EDITOR, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters

_PAGE = "/desk/answers"
_MOST = 100  # of each list


def _show(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    listed = list_answers(desk.installation, _MOST)
    waiting, decided = listed.waiting, listed.decided
    with reading(desk.installation.engine) as conn:
        versions = acts.newest_of(conn, [answer_name(each.number) for each in (*waiting, *decided)])
        done = done_of(conn, query)
    values = {
        "title": "Answers of readers",
        "asked": desk.installation.settings.answers,
        "waiting": _by_entry(waiting),
        "more_waiting": listed.waits - len(waiting),
        "decided": decided,
        "counts": listed.counts,
        "most": _MOST,
        "seen": lambda number: versions.get(answer_name(number), 0),
        "may_edit": asker.may(EDITOR),
        "done": done,
        "undo_at": f"{_PAGE}/undo",
        "cadence": "",
        "query": "",
    }
    return DeskAnswer("answers.html.j2", values)


def _by_entry(waiting: tuple[EntryAnswer, ...]) -> list[tuple[int, str, list[EntryAnswer]]]:
    """Return (entry, title, answers) of the answers that wait."""
    by_entry: dict[int, list[EntryAnswer]] = {}
    for answer in waiting:
        by_entry.setdefault(answer.entry, []).append(answer)
    return [(entry, answers[0].title, answers) for entry, answers in by_entry.items()]


def _decide(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number, wanted = form.number("answer"), form.text("do")
    if number is None or wanted not in ("accept", "aside"):
        raise WrongUse("the form names no answer, or says neither accept nor aside; nothing was changed")
    act = accept_answer if wanted == "accept" else leave_answer_aside
    act(desk.installation, asker.hand(form), number)
    with reading(desk.installation.engine) as conn:
        done = acts.version_of(conn, answer_name(number))
    return DeskAnswer(location=f"{_PAGE}?done={done}")


def _undo(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = form.number("act")
    if number is None:
        raise WrongUse("the form names no act; nothing was changed")
    undo(desk.installation, Hand(asker.name), number)
    with reading(desk.installation.engine) as conn:
        done = acts.undone(conn, [number])[number]
    return DeskAnswer(location=f"{_PAGE}?done={done}")


PAGES = (
    DeskPage(_PAGE, VIEWER, get=_show, post=_decide, post_role=EDITOR),
    DeskPage(f"{_PAGE}/undo", EDITOR, post=_undo),
)
