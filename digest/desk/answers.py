"""Show editors what readers answer to entries, never who; accept an answer, or leave it aside.

An accepted answer "we tried this" whose reader wants their place to be named stands under its entry in the archive.
It is told once to those who have had the entry, above the first part of their next letter. Any other stands nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from digest.desk.acts import Hand, check_fresh, record
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.store import answers, editions, tried_told
from digest.store.acts import Act
from digest.store.answers import ACCEPTED, ASIDE, TRIED, WAITING, EntryAnswer, EntryAnswers
from digest.store.engine import reading, writing
from subscribers import store as people


@dataclass(frozen=True, slots=True)
class AnswersListed:
    """Hold the counts of answers by entry, those that wait for an editor, and those decided, the newest first.

    `waits` counts all that wait, where not all are listed.
    """

    counts: tuple[EntryAnswers, ...]
    waiting: tuple[EntryAnswer, ...]
    decided: tuple[EntryAnswer, ...]
    waits: int


def answer_name(number: int) -> str:
    """Return the name of an answer in the log."""
    return f"answer {number}"


def list_answers(installation: Installation, most: int | None = None) -> AnswersListed:
    """Return what readers have answered; `most`: of each list no more than so many."""
    with reading(installation.engine) as conn:
        return AnswersListed(
            tuple(answers.counted_answers(conn, most)),
            tuple(answers.waiting_answers(conn, most)),
            tuple(answers.decided_answers(conn, most)),
            answers.count_waiting(conn),
        )


def accept_answer(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Accept an answer; return lines for a person. Raises WrongUse for one that does not exist or has no words."""
    return _decide(installation, hand, number, ACCEPTED)


def leave_answer_aside(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Leave an answer aside, so that it stands nowhere; return and raise as `accept_answer` does."""
    return _decide(installation, hand, number, ASIDE)


def take_back_decision(installation: Installation, hand: Hand, act: Act) -> list[str]:
    """Set the state of an answer as it was before an act. Raises WrongUse when it has changed or gone since."""
    number = int(act.object_name.partition(" ")[2])
    return _decide(installation, hand, number, act.before["state"], since=act.after["state"])


def _decide(installation: Installation, hand: Hand, number: int, state: str, since: str = "") -> list[str]:
    """Set the state of an answer; `since`: only where it has this state now."""
    with writing(installation.engine, "decide answer") as conn:
        editions.serialise(conn)
        check_fresh(conn, answer_name(number), hand)
        answer = answers.get(conn, number)
        if answer is None or not answer.text:
            gone = "it was taken back or worded anew by its reader, who may have been erased"
            raise WrongUse(f"there is no answer {number}: perhaps {gone}; see `digest answers list`")
        if since and answer.state != since:
            raise WrongUse(f"answer {number} is {answer.state} now; nothing was taken back")
        if answer.state == state:
            return [f"answer {number} is {state} already; nothing was changed"]
        answers.decide(conn, number, state, hand.by, installation.clock())
        lines = [_in_words(answer, state), *_tell(conn, answer, state)]
        # Without its words and its place, because the log outlives the reader.
        values = {"state": answer.state}, {"state": state}
        record(conn, installation, hand, _VERBS[state], answer_name(number), values)
        return lines


_VERBS = {ACCEPTED: "accept", ASIDE: "leave aside", WAITING: "ask again about"}


def _in_words(answer: EntryAnswer, state: str) -> str:
    words = {ACCEPTED: "is accepted", ASIDE: "is left aside", WAITING: "waits for an editor again"}[state]
    return f"answer {answer.number} to entry {answer.entry} {words}"


def _tell(conn: Connection, answer: EntryAnswer, state: str) -> list[str]:
    """Owe an answer to the readers of its entry, or take it back from those who are not told yet; return lines."""
    if answer.kind != TRIED:
        return []
    if state != ACCEPTED:
        answers.untell(conn, answer.number)
        return ["it stands nowhere any more"] if answer.named and answer.state == ACCEPTED else []
    if not answer.named:
        return ["it stands nowhere, because its reader does not want their place to be named"]
    people.keep_still(conn)  # because a reader who is erased meanwhile can be owed nothing
    readers = tried_told.owe_tried(conn, answer.number, answer.entry)
    verb = "is" if readers == 1 else "are"
    return [
        f"it stands under entry {answer.entry} with the name {answer.place}; {counted(readers, 'reader')} of it"
        f" {verb} told once, at the top of the next letter"
    ]
