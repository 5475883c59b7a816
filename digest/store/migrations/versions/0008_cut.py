"""Add `cut` to the state of a source: that it shows more entries than are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add an empty column; the next gather of each source fills it."""
    op.add_column("source_state", sa.Column("cut", sa.Text()))
