"""Add the table of the rules that editors make of their corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add an empty table."""
    op.create_table(
        "rule",
        sa.Column("id", Key, primary_key=True),
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
