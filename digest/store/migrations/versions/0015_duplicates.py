"""Let an entry name the earlier entry of another source that tells the same, and the other sources that show it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add an empty column and an empty table. No row is rewritten."""
    op.add_column("entry", sa.Column("duplicate_of", Key, nullable=True))
    op.create_table(
        "also_at",
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("url", sa.Text()),
        sa.Column("first_seen", UtcDateTime(), nullable=False),
    )
