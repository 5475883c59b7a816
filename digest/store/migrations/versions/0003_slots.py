"""Add slot mode: requests that wait at the provider for their hour, and can be taken back until then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the hour, request and taking back of a delivery, and an index to claim by digest. No row is rewritten."""
    op.add_column("delivery", sa.Column("send_at", UtcDateTime(), nullable=True))
    op.add_column("delivery", sa.Column("batch", sa.String(length=100), nullable=True))
    op.add_column("delivery", sa.Column("recall", sa.String(length=6), nullable=True))
    batched = sa.text("batch IS NOT NULL")
    op.create_index(
        "ix_delivery_batch", "delivery", ["batch"], unique=False, sqlite_where=batched, postgresql_where=batched
    )  # fmt: skip
    op.drop_index("ix_delivery_edition_state", table_name="delivery")
    op.create_index(
        "ix_delivery_edition_state_digest", "delivery", ["edition_id", "state", "digest_id"], unique=False
    )
