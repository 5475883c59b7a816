"""Add what keeps an entry back: withdrawn, not released yet, expired, or its page gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add seven columns of entries, and the entries of each source's last reading. No row is rewritten."""
    op.add_column("entry", sa.Column("held_by", sa.String(length=12), server_default="", nullable=False))
    op.add_column("entry", sa.Column("held_why", sa.Text(), server_default="", nullable=False))
    op.add_column("entry", sa.Column("overruled", sa.String(length=12), server_default="", nullable=False))
    for name in ("missing_since", "not_before", "not_after", "asked_at"):
        op.add_column("entry", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("source_state", sa.Column("shown", sa.JSON(), nullable=True))
