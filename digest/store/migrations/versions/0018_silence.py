"""Add what a notice of silence tells, when each subscriber was told last, and the indexes of notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add an empty column, an empty table and two indexes. No row is rewritten."""
    op.add_column("notice", sa.Column("facts", sa.JSON(), nullable=True))
    op.create_index(op.f("ix_notice_state"), "notice", ["state"])
    op.create_index(op.f("ix_notice_kind_created_at"), "notice", ["kind", "created_at"])
    op.create_table(
        "silence",
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("told_at", UtcDateTime(), nullable=False),
    )
