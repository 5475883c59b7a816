"""Declare the tables of what readers tell: answers to entries, and the stories of places that were invited.

In the catalogue of `schema`. A change here needs a migration in `migrations/versions/`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text, UniqueConstraint
from sqlalchemy import false as sa_false

from subscribers.database import KEY, Key, UtcDateTime, metadata, random_key

# A reader's answer to an entry: useful, not-for-me (`text` is the reason), or tried (`text` is what they did). An
# editor accepts an answer or leaves it aside; only an accepted "tried" of a reader who wants to be `named` by their
# `place` is ever shown. It goes with the subscriber.
answer = Table(
    "answer",
    metadata,
    Column("id", Key, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("named", Boolean, nullable=False, server_default=sa_false()),
    Column("state", String(8), nullable=False),  # waiting, accepted, aside
    Column("answered_at", UtcDateTime, nullable=False),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", UtcDateTime),
    UniqueConstraint("subscriber_id", "entry_id", "kind"),
    sqlite_autoincrement=True,
)

# An accepted "tried", and the readers who have had its entry: each is told in one letter, that of the edition (NULL:
# none so far).
answer_reader = Table(
    "answer_reader",
    metadata,
    Column("answer_id", ForeignKey("answer.id", ondelete="CASCADE"), primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("edition_id", ForeignKey("edition.id"), index=True),
)

# An editor's invitation to a place to tell its own story, and the story that came in. `given` is what the form begins
# with, `story` what the place sent; `entry_id` is the entry whose story it is (NULL: a new one), or that it became.
invitation = Table(
    "invitation",
    metadata,
    Column("id", Key, primary_key=True),
    Column("key", String(KEY), nullable=False, default=random_key),
    Column("place", Text, nullable=False),
    Column("entry_id", ForeignKey("entry.id"), index=True),
    Column("given", JSON, nullable=False),
    Column("state", String(8), nullable=False),  # open, told, taken, ended
    Column("invited_by", Text, nullable=False),
    Column("invited_at", UtcDateTime, nullable=False),
    Column("story", JSON),
    Column("told_by", Text, nullable=False, server_default=""),
    Column("told_at", UtcDateTime),
    sqlite_autoincrement=True,
)
