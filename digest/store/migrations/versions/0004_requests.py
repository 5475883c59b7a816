"""Rename the columns `batch` and `recall` of deliveries to the glossary's words: `request` and `take_back`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Rename two columns of deliveries and the index of one of them. No row is rewritten."""
    op.drop_index("ix_delivery_batch", table_name="delivery")
    # Plain SQL, because Alembic renames a column of SQLite by copying the whole table.
    op.execute("ALTER TABLE delivery RENAME COLUMN batch TO request")
    op.execute("ALTER TABLE delivery RENAME COLUMN recall TO take_back")
    requested = sa.text("request IS NOT NULL")
    op.create_index(
        "ix_delivery_request",
        "delivery",
        ["request"],
        unique=False,
        sqlite_where=requested,
        postgresql_where=requested,
    )
