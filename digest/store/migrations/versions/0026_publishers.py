"""Name the blog or body that a feed of many has an entry from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add a column that is empty for the entries stored before."""
    op.add_column("entry", sa.Column("publisher", sa.Text(), nullable=False, server_default=""))
