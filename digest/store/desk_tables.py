"""Declare the tables of the desk, in the catalogue of `schema`: editors, their sessions, and what they decided.

A change here needs a migration in `migrations/versions/`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text

from subscribers.database import Key, UtcDateTime, metadata

# How editors have an entry shown, beside what its source says: one row for an entry that they have edited. A text
# that is "" is the source's own.
entry_edit = Table(
    "entry_edit",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("note", Text, nullable=False),  # the editors' own words below the entry
    Column("open_question", Text, nullable=False),  # what is still to be settled before it may go out
    Column("not_for", JSON, nullable=False),  # slugs of regions and policy areas whose followers do not get it
    Column("last_day", String(10), nullable=False),  # local date after which it is offered no more, or ""
    Column("worded_by", Text, nullable=False),  # the name of the editor of title and summary
    Column("note_by", Text, nullable=False),
    Column("edited_at", UtcDateTime, nullable=False),
)

# Everything that a person decided, in order: the audit log. `object_name` is what it was done to ("entry 12",
# "edition 3", "rule 2"); `before` and `after` hold the values that changed, so that an act can be shown and undone.
# No reader is named. The newest act of an object is its version: a form that was opened before it is stale.
act = Table(
    "act",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("verb", String(20), nullable=False),
    Column("object_name", String(60), nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("undoes", Key),  # the act that this one took back
    Index(None, "object_name", "id"),
    sqlite_autoincrement=True,
)

# The people who may use the desk. One who was removed keeps the row, because the log names them.
editor = Table(
    "editor",
    metadata,
    Column("id", Key, primary_key=True),
    Column("email", String(254), nullable=False),
    Column("email_key", String(254), nullable=False, unique=True),  # to compare addresses, as that of a subscriber
    Column("name", Text, nullable=False),
    Column("role", String(10), nullable=False),  # viewer, editor, approver, admin
    Column("added_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    sqlite_autoincrement=True,
)

# Each asking for a link to sign in. `token_hash` NULL: the address is no editor's, or too many were asked for; the
# row counts for the limits all the same.
sign_in = Table(
    "sign_in",
    metadata,
    Column("id", Key, primary_key=True),
    Column("editor_id", ForeignKey("editor.id", ondelete="CASCADE"), index=True),
    Column("token_hash", String(64), unique=True),
    Column("address_hash", String(64), nullable=False),
    Column("network_hash", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    sqlite_autoincrement=True,
)

session = Table(
    "session",
    metadata,
    Column("id", Key, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("editor_id", ForeignKey("editor.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("device", Text, nullable=False),  # the kind of browser, in words
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    sqlite_autoincrement=True,
)

# The state in which each person saw an edition when they last said that they had looked through it: in `entries` an
# object for each entry, in order, with its id, title and facets and hashes of the rest; and the words of the edition.
look = Table(
    "look",
    metadata,
    Column("by", String(254), primary_key=True),
    Column("edition_id", ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("entries", JSON, nullable=False),
    Column("words", JSON, nullable=False),
)

# Sources that an editor has muted: what is new in them is held until they are heard again.
muted_source = Table(
    "muted_source",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
