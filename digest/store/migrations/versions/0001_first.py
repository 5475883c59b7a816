"""Make the first schema: every table that the program began with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; those with foreign keys come after the tables that they name."""
    _make_consent_events_and_counter()
    _make_editions()
    _make_entries()
    _make_gatherings_and_marks()
    _make_runs_and_installation()
    _make_source_states()
    _make_subscribers()
    _make_contents()
    _make_releases_and_slots()
    _make_deliveries()


def _make_consent_events_and_counter() -> None:
    """Make the history of consents, and the counter that numbers releases."""
    op.create_table(
        "consent_event",
        sa.Column("id", Key, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("how", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "what IN ('imported', 'added', 'confirmed', 'left', 'paused', 'resumed', 'changed', 'erased')",
            name=op.f("ck_consent_event_what"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_consent_event_subscriber_id"), "consent_event", ["subscriber_id"], unique=False)
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )


def _make_editions() -> None:
    """Make the editions."""
    op.create_table(
        "edition",
        sa.Column("id", Key, nullable=False),
        sa.Column("cadence", sa.String(length=10), nullable=False),
        sa.Column("slot", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("from_release", sa.Integer(), server_default="0", nullable=False),
        sa.Column("to_release", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("look", sa.String(length=64), server_default="", nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint("cadence", "slot", name=op.f("uq_edition_cadence_slot")),
        sqlite_autoincrement=True,
    )


def _make_entries() -> None:
    """Make the entries."""
    op.create_table(
        "entry",
        sa.Column("id", Key, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("published", UtcDateTime(), nullable=True),
        sa.Column("first_seen", UtcDateTime(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("image", sa.JSON(), nullable=True),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("policy_areas", sa.JSON(), nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("themes", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("print", sa.String(length=32), nullable=False),
        sa.Column("retagged", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entry_first_seen"), "entry", ["first_seen"], unique=False)
    op.create_index(op.f("ix_entry_source"), "entry", ["source"], unique=False)
    op.create_index(op.f("ix_entry_state"), "entry", ["state"], unique=False)


def _make_gatherings_and_marks() -> None:
    """Make the record of gathers, and the last release considered for each subscriber."""
    op.create_table(
        "gathering",
        sa.Column("id", Key, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gathering")),
    )
    op.create_index("ix_gathering_source_at", "gathering", ["source", "at"], unique=False)
    op.create_table(
        "mark",
        sa.Column("subscriber_id", Key, autoincrement=False, nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_mark")),
    )


def _make_runs_and_installation() -> None:
    """Make the record of runs, and the fence's half inside the database."""
    op.create_table(
        "run",
        sa.Column("id", Key, nullable=False),
        sa.Column("command", sa.String(length=20), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("account", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("previous", sa.String(length=32), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )


def _make_source_states() -> None:
    """Make the state of each source between two gathers."""
    op.create_table(
        "source_state",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=True),
        sa.Column("first_ok_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("ok_at", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("moved_count", sa.Integer(), nullable=False),
        sa.Column("moved_since", UtcDateTime(), nullable=True),
        sa.Column("hold_next", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source_state")),
    )


def _make_subscribers() -> None:
    """Make the subscribers and the suppressions."""
    op.create_table(
        "subscriber",
        sa.Column("id", Key, autoincrement=True, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("cadence", sa.String(length=16), nullable=False),
        sa.Column("policy_areas", sa.Text(), server_default="", nullable=False),
        sa.Column("regions", sa.Text(), server_default="", nullable=False),
        sa.Column("themes", sa.Text(), server_default="", nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("paused_until", UtcDateTime(), nullable=True),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'active', 'left')", name=op.f("ck_subscriber_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("email_key", name=op.f("uq_subscriber_email_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_subscriber_cadence_state_id"), "subscriber", ["cadence", "state", "id"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "reason IN ('left', 'bounced', 'editor', 'complained', 'erased')", name=op.f("ck_suppression_reason")
        ),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "suppression_secret",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_secret")),
    )


def _make_contents() -> None:
    """Make the digests, the entries of an edition, and the keys that recognise an entry."""
    op.create_table(
        "digest",
        sa.Column("id", Key, nullable=False),
        sa.Column("edition_id", Key, nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_digest_edition_id_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
    )
    op.create_index(op.f("ix_digest_edition_id"), "digest", ["edition_id"], unique=False)
    op.create_table(
        "edition_entry",
        sa.Column("edition_id", Key, nullable=False),
        sa.Column("entry_id", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_entry_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_edition_entry_entry_id_entry")),
        sa.PrimaryKeyConstraint("edition_id", "entry_id", name=op.f("pk_edition_entry")),
    )
    op.create_table(
        "entry_key",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("entry_id", Key, nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_key_entry_id_entry")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_entry_key")),
    )
    op.create_index(op.f("ix_entry_key_entry_id"), "entry_key", ["entry_id"], unique=False)


def _make_releases_and_slots() -> None:
    """Make the releases of entries, and the slots that are accounted for."""
    op.create_table(
        "release",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_release_entry_id_entry")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_release")),
    )
    op.create_index(op.f("ix_release_entry_id"), "release", ["entry_id"], unique=False)
    op.create_table(
        "slot",
        sa.Column("cadence", sa.String(length=10), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("edition_id", Key, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_slot_edition_id_edition")),
        sa.PrimaryKeyConstraint("cadence", "day", name=op.f("pk_slot")),
    )


def _make_deliveries() -> None:
    """Make the deliveries, and the entries of a digest."""
    op.create_table(
        "delivery",
        sa.Column("id", Key, nullable=False),
        sa.Column("edition_id", Key, nullable=False),
        sa.Column("subscriber_id", Key, nullable=False),
        sa.Column("digest_id", Key, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run_id", Key, nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_delivery_digest_id_digest")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_delivery_edition_id_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("edition_id", "subscriber_id", name=op.f("uq_delivery_edition_id_subscriber_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_digest_id"), "delivery", ["digest_id"], unique=False)
    op.create_index("ix_delivery_edition_state", "delivery", ["edition_id", "state"], unique=False)
    op.create_index(op.f("ix_delivery_subscriber_id"), "delivery", ["subscriber_id"], unique=False)
    op.create_table(
        "digest_entry",
        sa.Column("digest_id", Key, nullable=False),
        sa.Column("entry_id", Key, nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_digest_entry_digest_id_digest")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_digest_entry_entry_id_entry")),
        sa.PrimaryKeyConstraint("digest_id", "entry_id", name=op.f("pk_digest_entry")),
    )
    op.create_index(op.f("ix_digest_entry_entry_id"), "digest_entry", ["entry_id"], unique=False)
