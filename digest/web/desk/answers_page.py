"""Show editors what readers answered to entries, those that wait first, and let them accept or leave aside."""

from __future__ import annotations

from digest.desk.acts import Hand
from digest.desk.answers import AnswersListed, accept_answer, answer_name, leave_answer_aside, list_answers
from digest.desk.undo import undo
from digest.errors import WrongUse
from digest.store import acts
from digest.store.answers import Answer
from digest.store.engine import reading
from digest.web.desk.edition_page import done_of
from digest.web.desk.page import EDITOR, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters

_PAGE = "/desk/answers"
_MOST_WAITING, _MOST_DECIDED, _MOST_COUNTED = 100, 50, 50


def _show(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    listed = list_answers(desk.installation)
    waiting, decided = listed.waiting[:_MOST_WAITING], listed.decided[:_MOST_DECIDED]
    with reading(desk.installation.engine) as conn:
        versions = acts.newest_of(conn, [answer_name(each.number) for each in (*waiting, *decided)])
        done = done_of(conn, query)
    values = {
        "title": "Answers of readers",
        "asked": desk.installation.settings.answers,
        "waiting": _by_entry(listed, waiting),
        "more_waiting": len(listed.waiting) - len(waiting),
        "decided": decided,
        "title_of": listed.title,
        "counts": listed.counts[:_MOST_COUNTED],
        "more_counts": len(listed.counts) - _MOST_COUNTED,
        "seen": lambda number: versions.get(answer_name(number), 0),
        "may_edit": asker.may(EDITOR),
        "done": done,
        "undo_at": f"{_PAGE}/undo",
        "cadence": "",
        "query": "",
    }
    return DeskAnswer("answers.html.j2", values)


def _by_entry(listed: AnswersListed, waiting: tuple[Answer, ...]) -> list[tuple[int, str, list[Answer]]]:
    """Return (entry, title, answers) of the answers that wait."""
    by_entry: dict[int, list[Answer]] = {}
    for answer in waiting:
        by_entry.setdefault(answer.entry, []).append(answer)
    return [(entry, listed.title(entry), answers) for entry, answers in by_entry.items()]


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
