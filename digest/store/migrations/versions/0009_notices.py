"""Add the table of notices: mails that are no digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add an empty table."""
    op.create_table(
        "notice",
        sa.Column("id", Key, primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
