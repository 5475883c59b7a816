"""Keep the whole texts of the pages that entries link to, and the robots.txt of their servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add two empty tables, which gathers fill."""
    op.create_table(
        "entry_text",
        sa.Column("entry_id", Key, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_entry_text_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_text")),
    )
    op.create_table(
        "robots_file",
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("etag", sa.Text()),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_robots_file")),
    )
