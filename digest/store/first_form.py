"""Complete a database of the first schema in its first form, from before a fence stopped mail from copies.

The first migration was extended after databases had been made by it: it got one table and three columns. A later
migration fails without them, up to the one that changes the table.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from digest.store.shape import Difference

_LACKS = {
    ("edition", "column from_release"),
    ("edition", "column look"),
    ("installation", ""),
    ("source_state", "column hold_next"),
}
_LAST = "0024"  # the next migration changes the table `installation`


def is_first_form(revision: str, left: Iterable[Difference]) -> bool:
    """Return whether a database differs from a schema by what the first form lacks, and by nothing else."""
    lacks = {(difference.table, difference.fact) for difference in left if difference.has is None}
    return revision <= _LAST and lacks == _LACKS and all(difference.has is None for difference in left)


def complete(connection: Connection) -> None:
    """Add what the first form lacks, with the defaults that the first migration gives. No row is rewritten.

    The fence begins with the next run, as in a new database: such a database has none of a copy's marks.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    op = Operations(MigrationContext.configure(connection))
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("previous", sa.String(length=32), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.add_column("edition", sa.Column("from_release", sa.Integer(), server_default="0", nullable=False))
    op.add_column("edition", sa.Column("look", sa.String(length=64), server_default="", nullable=False))
    op.add_column("source_state", sa.Column("hold_next", sa.Boolean(), server_default=sa.false(), nullable=False))
