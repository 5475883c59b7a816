"""Let a reader switch carry-over off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add a column with a default: carry-over is on for everybody. No row is rewritten."""
    op.add_column("subscriber", sa.Column("carry_over", sa.Boolean(), nullable=False, server_default=sa.true()))
