"""Add the table of ingredients: lines of case studies that a person gave, and those that an editor dropped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add an empty table."""
    op.create_table(
        "ingredient",
        sa.Column("id", Key, primary_key=True),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("barriers", sa.JSON(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ingredient_entry_id"), "ingredient", ["entry_id"])
