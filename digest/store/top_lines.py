"""Read what stands above the first part of a reader's letter: corrections, then what places tried; at most three."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from digest.model import TopLine
from digest.store import corrections, tried_told


def lines_due(conn: Connection, reader: int, entries: Collection[int]) -> tuple[TopLine, ...]:
    """Return what a reader's next letter tells of earlier entries if it has `entries`."""
    corrected = corrections.corrections_due(conn, reader, entries)
    return (*corrected, *tried_told.tried_due(conn, reader, corrections.MOST - len(corrected)))


def carry_lines(conn: Connection, number: int) -> None:
    """Write down what the letters of an edition tell of earlier entries, once its deliveries are stored."""
    corrections.carry_due(conn, number)
    tried_told.carry_tried(conn, number)


def carries_any_line(conn: Connection, edition: int) -> bool:
    """Return whether a letter of a frozen edition tells anything of an earlier entry."""
    return corrections.carries_any(conn, edition) or tried_told.carries_tried(conn, edition)


def carried_lines(conn: Connection, edition: int, subscribers: Collection[int]) -> dict[int, tuple[TopLine, ...]]:
    """Return what the letters of a frozen edition tell these subscribers of earlier entries, in their order."""
    corrected = corrections.carried_to(conn, edition, subscribers)
    tried = tried_told.carried_tried(conn, edition, subscribers)
    return {reader: (*corrected.get(reader, ()), *tried.get(reader, ())) for reader in {*corrected, *tried}}
