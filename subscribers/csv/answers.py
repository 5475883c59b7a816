"""Define the seam by which answers to entries go into a CSV file and come out of it.

This package does not know entries; `digest.readers.answer_cells` does. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy import Connection


class AnswerColumn(Protocol):
    """Write and read the cells in which a file keeps what subscribers answered to entries."""

    def cells(self, conn: Connection, ids: Collection[int]) -> Mapping[int, str]:
        """Return the cell of each of these subscribers who has answered anything."""

    def problem(self, cell: str) -> str:
        """Return what is wrong with a cell and the cure, or ""."""

    def take(self, conn: Connection, cells: Mapping[str, str], ids: Mapping[str, int]) -> Mapping[str, str]:
        """Store the answers of cells without a problem, {address: cell}, of the subscribers with an id in `ids`.

        Stored answers stay. Returns {address: remark} for cells of which something cannot be stored now,
        also of subscribers without an id, because a trial run stores nobody.
        """
