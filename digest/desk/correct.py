"""Correct or withdraw an entry for an editor: those who have had it are told once, at the top of their next letter.

Nothing is mailed for it, and no digest changes. The line also stands on the web copies of the letters with the entry.
"""

from __future__ import annotations

from sqlalchemy import Connection

from digest.desk.edit import drop_entry, entry_of
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Entry
from digest.store import corrections, editions
from digest.store.engine import writing
from subscribers import store as people
from subscribers.invisible import one_line

LONGEST = 200  # characters of a correction, because a provider takes 10,000 bytes of a reader's own words


def correct(installation: Installation, number: int, text: str, by: str) -> list[str]:
    """Owe a correction, decided by `by`, to the readers who have had an entry; return lines for a person.

    Raises WrongUse for a text that is no line, and for an entry that does not exist or that nobody has had.
    """
    line = _line(text)
    with writing(installation.engine, "correct") as conn:
        editions.serialise(conn)
        entry = entry_of(conn, number)
        told = _owe(conn, installation, entry, line, by, withdrawn=False)
        if told is None:
            why = f"nobody has had entry {number}, so there is nobody to tell"
            raise WrongUse(f"{why}; nothing was changed{_first_of(entry)}")
        return [told]


def withdraw(installation: Installation, number: int, text: str, by: str) -> list[str]:
    """Drop an entry, and owe the readers who have had it a line that says so; return lines for a person.

    Raises WrongUse for a text that is no line, and for an entry that does not exist.
    """
    line = _line(text)
    with writing(installation.engine, "withdraw") as conn:
        editions.serialise(conn)
        entry = entry_of(conn, number)
        dropped = drop_entry(conn, installation, number)
        told = _owe(conn, installation, entry, line, by, withdrawn=True)
        return [
            *dropped,
            told or f"nobody has had entry {number}, so it is dropped and nobody is told{_first_of(entry)}",
        ]


def _first_of(entry: Entry) -> str:
    """Return a clause on the entry that a near-duplicate tells again, because readers may have had that one."""
    return f"; readers may have had entry {entry.duplicate_of}, which tells the same" if entry.duplicate_of else ""


def _owe(
    conn: Connection, installation: Installation, entry: Entry, text: str, by: str, *, withdrawn: bool
) -> str | None:
    """Owe a correction to those who have had the entry; return a line that counts them, or None if nobody has."""
    people.keep_still(conn)  # because a reader who is erased meanwhile can be owed nothing
    if not corrections.count_readers(conn, entry.id):
        return None
    readers = corrections.owe_correction(conn, entry, text, by, installation.clock(), withdrawn=withdrawn)
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
