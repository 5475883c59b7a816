"""Let a correction be taken back before everybody has been told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import UtcDateTime

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add an empty column."""
    op.add_column("correction", sa.Column("cancelled_at", UtcDateTime(), nullable=True))
