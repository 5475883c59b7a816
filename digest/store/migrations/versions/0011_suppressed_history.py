"""Let the consent history say that a subscriber's address was suppressed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0011"
down_revision = "0010"

_EVENTS = [
    "imported", "added", "confirmed", "left", "paused", "resumed", "changed", "suppressed", "unsuppressed", "erased",
]  # fmt: skip
_WHAT = f"what IN ({', '.join(repr(word) for word in _EVENTS)})"


def upgrade() -> None:
    """Add the word "suppressed" to those of the consent history."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_consent_event_what"), "consent_event", type_="check")
        op.create_check_constraint(op.f("ck_consent_event_what"), "consent_event", _WHAT)
        return
    # SQLite keeps a check only inside the table's definition, so the table is copied to one with the new check.
    with op.batch_alter_table("consent_event", recreate="always", copy_from=_consent_event()):
        pass


def _consent_event() -> sa.Table:
    """Return the table of consent events as it is after this migration."""
    return sa.Table(
        "consent_event",
        sa.MetaData(),
        sa.Column("id", Key, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("how", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(_WHAT, name=op.f("ck_consent_event_what")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
        sa.Index(op.f("ix_consent_event_subscriber_id"), "subscriber_id"),
        sqlite_autoincrement=True,
    )
