"""Let a reader switch carry-over off, and mark the entries that an edition had no room for in some letter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add two columns with a default. Carry-over begins with what editions frozen from now on have no room for."""
    op.add_column("subscriber", sa.Column("carry_over", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("edition_entry", sa.Column("over_cap", sa.Boolean(), nullable=False, server_default=sa.false()))
