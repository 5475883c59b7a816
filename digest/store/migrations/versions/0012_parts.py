"""Let a source keep its entries by their bytes, and find entries by their date and those that are missing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_MISSED = sa.text("missing_since IS NOT NULL")


def upgrade() -> None:
    """Add an empty column, which the next full reading of each source fills, and two indexes."""
    op.add_column("source_state", sa.Column("parts", sa.Text()))
    op.create_index(op.f("ix_entry_published"), "entry", ["published"])
    op.create_index("ix_entry_missing", "entry", ["source"], sqlite_where=_MISSED, postgresql_where=_MISSED)
