"""Add the time zone of each subscriber, by which their letters come at an hour of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add a column with a default."""
    op.add_column("subscriber", sa.Column("zone", sa.String(64), nullable=False, server_default=""))
