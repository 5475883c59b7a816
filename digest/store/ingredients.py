"""Store the ingredients that people give of entries, and the lines that an editor has dropped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from digest.learning.choose import Given
from digest.model import Ingredient
from digest.store.schema import ingredient
from subscribers.database import chunks

_SOURCE, _EDITOR, _DROPPED = "source", "editor", "dropped"


def given(conn: Connection, entries: Iterable[int]) -> dict[int, Given]:
    """Return what people have given, by the id of the entry; an entry of which nobody has is left out."""
    lines: dict[int, list[tuple[str, Ingredient]]] = {}
    for chunk in chunks(sorted(set(entries))):
        for row in conn.execute(select(ingredient).where(ingredient.c.entry_id.in_(chunk)).order_by(ingredient.c.id)):
            line = Ingredient(row.name, row.text, tuple(row.barriers), row.signed_by)
            lines.setdefault(row.entry_id, []).append((row.state, line))
    return {
        entry: Given(
            tuple(line for state, line in pairs if state == _SOURCE),
            tuple(line for state, line in pairs if state == _EDITOR),
            frozenset((line.name, line.text) for state, line in pairs if state == _DROPPED),
        )
        for entry, pairs in lines.items()
    }


def replace_source(conn: Connection, entry: int, lines: Iterable[Ingredient], now: datetime) -> None:
    """Store the lines that the source itself gives of an entry in the place of those it gave before."""
    conn.execute(delete(ingredient).where(ingredient.c.entry_id == entry, ingredient.c.state == _SOURCE))
    _insert(conn, entry, lines, _SOURCE, now)


def store_given(conn: Connection, entry: int, lines: Iterable[Ingredient], now: datetime) -> None:
    """Add an editor's lines to an entry; a line that is there already, or was dropped, is written anew."""
    lines = tuple(lines)
    for line in lines:
        _remove(conn, entry, line, (_EDITOR, _DROPPED))
    _insert(conn, entry, lines, _EDITOR, now)


def store_dropped(conn: Connection, entry: int, line: Ingredient, by: str, now: datetime) -> None:
    """Store that an editor has dropped a line of an entry, wherever the line came from."""
    _remove(conn, entry, line, (_DROPPED,))
    _insert(conn, entry, [line._replace(barriers=(), by=by)], _DROPPED, now)


def forget_editor(conn: Connection, entry: int) -> None:
    """Forget all that editors gave or dropped of an entry."""
    conn.execute(
        delete(ingredient).where(ingredient.c.entry_id == entry, ingredient.c.state.in_((_EDITOR, _DROPPED)))
    )


def of_editors(conn: Connection, entry: int) -> list[tuple[str, Ingredient]]:
    """Return the lines that editors gave ("editor") or dropped ("dropped") of an entry, in order, with that word."""
    theirs = ingredient.c.entry_id == entry, ingredient.c.state.in_((_EDITOR, _DROPPED))
    return [
        (row.state, Ingredient(row.name, row.text, tuple(row.barriers), row.signed_by))
        for row in conn.execute(select(ingredient).where(*theirs).order_by(ingredient.c.id))
    ]


def replace_editors(conn: Connection, entry: int, lines: Iterable[tuple[str, Ingredient]], now: datetime) -> None:
    """Store lines, as `of_editors` returns them, in the place of all that editors gave or dropped of an entry."""
    forget_editor(conn, entry)
    for state, line in lines:
        _insert(conn, entry, [line], state, now)


def _remove(conn: Connection, entry: int, line: Ingredient, states: tuple[str, ...]) -> None:
    same = (ingredient.c.entry_id == entry, ingredient.c.name == line.name, ingredient.c.text == line.text)
    conn.execute(delete(ingredient).where(*same, ingredient.c.state.in_(states)))


def _insert(conn: Connection, entry: int, lines: Iterable[Ingredient], state: str, now: datetime) -> None:
    rows = [
        {
            "entry_id": entry, "name": line.name, "text": line.text, "barriers": list(line.barriers),
            "signed_by": line.by, "state": state, "decided_at": now,
        }
        for line in lines
    ]  # fmt: skip
    if rows:
        conn.execute(insert(ingredient), rows)
