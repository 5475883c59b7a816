"""Correct or withdraw an entry for an editor: those who have had it are told once, at the top of their next letter.

Nothing is mailed for it, and no digest changes. A reader who gets the entry afterwards reads the line above that
letter. It also stands on the web copies of the letters with the entry.
"""

from __future__ import annotations

from sqlalchemy import Connection

from digest.desk.acts import Hand, check_fresh, record
from digest.desk.edit import cancelled_in_words, drop_entry, entry_of, still_to_come
from digest.desk.entry_acts import entry_act, entry_name
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Entry
from digest.store import corrections, editions
from digest.store.engine import writing
from subscribers import store as people
from subscribers.invisible import one_line

LONGEST = 200  # characters of a correction, because a provider takes 10,000 bytes of a reader's own words


def correct(installation: Installation, hand: Hand, number: int, text: str) -> list[str]:
    """Owe a correction, decided by the person, to the readers who have had an entry; return lines for a person.

    They name the editions whose letters still bring the entry as it is. The same text again reaches only those who
    are not told it yet. Raises WrongUse for a text that is no line, and for an entry that does not exist, that is
    withdrawn or that nobody has had.
    """
    line = _line(text)
    with writing(installation.engine, "correct") as conn:
        editions.serialise(conn)
        check_fresh(conn, entry_name(number), hand)
        entry = _not_withdrawn(conn, number)
        told = _owe(conn, installation, entry, line, hand.by, withdrawn=False)
        if told is None:
            nobody = f"nobody has had entry {number}, so there is nobody to tell; nothing was changed"
            raise WrongUse(nobody + _first_of(entry, "correct"))
        # The text tells which correction it is, because the same text of the same entry is the same one.
        record(conn, installation, hand, "correct", entry_name(number), ({}, {"correction": line}))
        return [told, *still_to_come(conn, number)]


def cancel(installation: Installation, hand: Hand, number: int, text: str | None = None) -> list[str]:
    """Take back the corrections of an entry for those who are not told yet; return lines for a person.

    `text`: only the correction with that text. Raises WrongUse for an entry that does not exist or that has none.
    """
    with writing(installation.engine, "cancel correction") as conn:
        editions.serialise(conn)
        entry_of(conn, number)
        cancelled = corrections.cancel_corrections(conn, number, installation.clock(), withdrawn=False, text=text)
        if not cancelled:
            which = "no correction" if text is None else f"no correction “{text}” any more"
            raise WrongUse(f"entry {number} has {which}; see `digest entry {number}`; nothing was changed")
        texts = {"correction": "; ".join(given.text for given in cancelled)}
        record(conn, installation, hand, "cancel correction", entry_name(number), (texts, {}))
    return [f"entry {number}: {cancelled_in_words(given)}" for given in cancelled]


def withdraw(installation: Installation, hand: Hand, number: int, text: str) -> list[str]:
    """Drop an entry, and owe the readers who have had it a line that says so; return lines for a person.

    Raises WrongUse for a text that is no line, and for an entry that does not exist or that is withdrawn.
    """
    line = _line(text)
    with writing(installation.engine, "withdraw") as conn:
        editions.serialise(conn)
        entry = _not_withdrawn(conn, number)
        with entry_act(conn, installation, hand, "withdraw", [number]):
            dropped = drop_entry(conn, installation, number)
            told = _owe(conn, installation, entry, line, hand.by, withdrawn=True)
        nobody = f"nobody has had entry {number}, so it is dropped and nobody is told{_first_of(entry, 'withdraw')}"
        return [*dropped, told or nobody]


def set_withdrawal(conn: Connection, installation: Installation, hand: Hand, entry: Entry, text: str) -> list[str]:
    """Owe the withdrawal of an entry with this text again, or with "" take it back; return lines for a person.

    For the caller's transaction, which sets the state of the entry; nothing is done where it is so already.
    """
    present = corrections.texts_in_force(conn, entry.id, withdrawn=True)
    if text in present or not (text or present):
        return []
    if text:
        told = _owe(conn, installation, entry, text, hand.by, withdrawn=True)
        return [told or f"nobody has had entry {entry.id}, so nobody is told that it is withdrawn"]
    given = corrections.cancel_corrections(conn, entry.id, installation.clock(), withdrawn=True)
    return [f"entry {entry.id}: {cancelled_in_words(each)}" for each in given]


def _not_withdrawn(conn: Connection, number: int) -> Entry:
    """Return an entry. Raises WrongUse when it does not exist or is withdrawn."""
    entry = entry_of(conn, number)
    if corrections.is_withdrawn(conn, entry):
        cure = f"`digest release {number}` takes that back"
        raise WrongUse(f"entry {number} is withdrawn already; {cure}; nothing was changed")
    return entry


def _first_of(entry: Entry, command: str) -> str:
    """Return a clause on the entry that a near-duplicate tells again, because readers may have had that one."""
    first = entry.duplicate_of
    cure = f"`digest {command} {first} --text …` tells those readers"
    return f"; readers may have had entry {first}, which tells the same: {cure}" if first else ""


def _owe(
    conn: Connection, installation: Installation, entry: Entry, text: str, by: str, *, withdrawn: bool
) -> str | None:
    """Owe a correction to those who have had the entry; return a line that counts them, or None if nobody has."""
    people.keep_still(conn)  # because a reader who is erased meanwhile can be owed nothing
    readers = corrections.owe_correction(conn, entry, text, by, installation.clock(), withdrawn=withdrawn)
    if not readers:
        already = f"everybody who has had entry {entry.id} is told this already; nobody more is told"
        return already if corrections.count_readers(conn, entry.id) else None
    verb = "is" if readers == 1 else "are"
    return (
        f"{counted(readers, 'reader')} of entry {entry.id} {verb} told once, at the top of the next letter;"
        " a reader without a next letter is not told"
    )


def _line(text: str) -> str:
    """Return an editor's text on one line. Raises WrongUse for one that is empty or too long."""
    line = one_line(text)
    if not line or len(line) > LONGEST:
        raise WrongUse(f"the text has {len(line)} characters; write 1 to {LONGEST}; nothing was changed")
    return line
