"""Add the tables of corrections, and of the readers who are to be told of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add two empty tables."""
    op.create_table(
        "correction",
        sa.Column("id", Key, primary_key=True),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_correction_entry_id"), "correction", ["entry_id"])
    op.create_table(
        "correction_reader",
        sa.Column("correction_id", Key, sa.ForeignKey("correction.id"), primary_key=True),
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("edition_id", Key, sa.ForeignKey("edition.id")),
    )
    op.create_index(op.f("ix_correction_reader_subscriber_id"), "correction_reader", ["subscriber_id"])
    op.create_index("ix_correction_reader_edition", "correction_reader", ["edition_id", "subscriber_id"])
