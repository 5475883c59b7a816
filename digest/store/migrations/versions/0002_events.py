"""Add the events, and to each delivery its attempts and its later fate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table of events and four columns of deliveries. Rows already there are not rewritten."""
    op.add_column("delivery", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("delivery", sa.Column("retry_at", UtcDateTime(), nullable=True))
    op.add_column("delivery", sa.Column("fate", sa.String(length=10), nullable=True))
    op.add_column("delivery", sa.Column("provider_id", sa.String(length=100), nullable=True))
    op.create_table(
        "event",
        sa.Column("id", Key, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=100), nullable=False),
        sa.Column("delivery_id", Key, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=11), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("action", sa.String(length=10), server_default="", nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=True),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("uq_event_provider_event_id")),
    )
    op.create_index(op.f("ix_event_delivery_id"), "event", ["delivery_id"], unique=False)
    struck, acted = sa.text("address_hash IS NOT NULL"), sa.text("action <> ''")
    op.create_index(
        "ix_event_address_hash", "event", ["address_hash"], sqlite_where=struck, postgresql_where=struck
    )  # fmt: skip
    op.create_index(
        "ix_event_action_received_at",
        "event",
        ["action", "received_at"],
        sqlite_where=acted,
        postgresql_where=acted,
    )
