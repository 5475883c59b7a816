"""Add the tables of the readers' pages: confirmations, limits, recorded consent, answers and invitations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import KEY, Key, UtcDateTime

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add empty tables, and columns with a default."""
    op.add_column("subscriber", sa.Column("silence_notices", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("consent_event", sa.Column("network", sa.String(43), nullable=False, server_default=""))
    op.add_column("consent_event", sa.Column("words", sa.String(KEY), nullable=False, server_default=""))
    _consent()
    _told()


def _consent() -> None:
    op.create_table(
        "consent_words",
        sa.Column("key", sa.String(KEY), primary_key=True),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", Key, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("key", sa.String(KEY), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE")),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("network", sa.String(43), nullable=False),
        sa.Column("words", sa.String(KEY), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('join', 'back', 'move')", name="kind"),
        sqlite_autoincrement=True,
    )
    for column in ("address_hash", "subscriber_id", "asked_at"):
        op.create_index(f"ix_confirmation_{column}", "confirmation", [column])
    op.create_table(
        "asked",
        sa.Column("id", Key, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("network", sa.String(43), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asked_at", "asked", ["at"])
    op.create_index("ix_asked_kind_address_hash_at", "asked", ["kind", "address_hash", "at"])
    op.create_index("ix_asked_kind_network_at", "asked", ["kind", "network", "at"])
    op.create_table(
        "leaving",
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def _told() -> None:
    op.create_table(
        "answer",
        sa.Column("id", Key, primary_key=True),
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("decided_at", UtcDateTime()),
        sa.UniqueConstraint("subscriber_id", "entry_id", "kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_answer_entry_id", "answer", ["entry_id"])
    op.create_table(
        "answer_reader",
        sa.Column("answer_id", Key, sa.ForeignKey("answer.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subscriber_id", Key, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("edition_id", Key, sa.ForeignKey("edition.id")),
    )
    op.create_index("ix_answer_reader_subscriber_id", "answer_reader", ["subscriber_id"])
    op.create_index("ix_answer_reader_edition_id", "answer_reader", ["edition_id"])
    op.create_table(
        "invitation",
        sa.Column("id", Key, primary_key=True),
        sa.Column("key", sa.String(KEY), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id")),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("invited_at", UtcDateTime(), nullable=False),
        sa.Column("story", sa.JSON()),
        sa.Column("told_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("told_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invitation_entry_id", "invitation", ["entry_id"])
