"""Add the tables of the desk, what editors decide about an edition as a whole, and an index of what is new a week."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key, UtcDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add empty tables, and columns with a default."""
    _edition()
    _decisions()
    _editors()
    brought = sa.text("new > 0")
    op.create_index(
        "ix_gathering_new", "gathering", ["source", "at", "new"], sqlite_where=brought, postgresql_where=brought
    )


def _edition() -> None:
    for name in ("subject", "question", "step", "unapproved"):
        op.add_column("edition", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("edition", sa.Column("arranged", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("edition", sa.Column("pinned", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("edition", sa.Column("told_ready_at", UtcDateTime()))
    op.add_column("edition", sa.Column("told_near_at", UtcDateTime()))


def _decisions() -> None:
    op.create_table(
        "entry_edit",
        sa.Column("entry_id", Key, sa.ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("open_question", sa.Text(), nullable=False),
        sa.Column("not_for", sa.JSON(), nullable=False),
        sa.Column("last_day", sa.String(10), nullable=False),
        sa.Column("worded_by", sa.Text(), nullable=False),
        sa.Column("note_by", sa.Text(), nullable=False),
        sa.Column("edited_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "act",
        sa.Column("id", Key, primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("object_name", sa.String(60), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("undoes", Key),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_act_object_name_id", "act", ["object_name", "id"])
    op.create_table(
        "look",
        sa.Column("by", sa.String(254), primary_key=True),
        sa.Column("edition_id", Key, sa.ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
    )
    op.create_table(
        "muted_source",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def _editors() -> None:
    op.create_table(
        "editor",
        sa.Column("id", Key, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sign_in",
        sa.Column("id", Key, primary_key=True),
        sa.Column("editor_id", Key, sa.ForeignKey("editor.id", ondelete="CASCADE")),
        sa.Column("token_hash", sa.String(64), unique=True),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("network_hash", sa.String(64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_in_editor_id", "sign_in", ["editor_id"])
    op.create_index("ix_sign_in_asked_at", "sign_in", ["asked_at"])
    op.create_table(
        "session",
        sa.Column("id", Key, primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("editor_id", Key, sa.ForeignKey("editor.id", ondelete="CASCADE"), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_editor_id", "session", ["editor_id"])
