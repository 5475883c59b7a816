"""Declare every table of the digest, in the same catalogue as the tables of `subscribers`.

A change here needs a migration in `migrations/versions/`; a test compares the two. Partial indexes stand in
`partial_indexes`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import false as sa_false

from subscribers.database import KEY, Key, UtcDateTime, metadata, random_key

# The state of each source between two fetches.
source_state = Table(
    "source_state",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", String(64)),
    Column("first_ok_at", UtcDateTime),  # the time of the baseline, of which only a backfill is owed
    Column("checked_at", UtcDateTime),
    Column("ok_at", UtcDateTime),
    Column("not_before", UtcDateTime),  # no fetch before this: Retry-After, or a wait after failures
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text),
    Column("gone", Boolean, nullable=False, default=False),
    Column("location", Text),  # the configured url or path these facts belong to
    Column("moved_to", Text),
    Column("moved_count", Integer, nullable=False, default=0),
    Column("moved_since", UtcDateTime),
    # The next new entries are held for an editor, because after a restore they may have been sent already.
    Column("hold_next", Boolean, nullable=False, server_default=sa_false()),
    Column("cut", Text),  # that it shows more entries than are read; null: all are read
    Column(
        "parts", Text
    ),  # the entries of the last good reading by their bytes, see digest.sources.read.KnownEntries
    Column("shown", JSON),  # the entries of the last good reading, newest first, to tell which are missing
)

# One row for each gather of a source: its health, and the usual number of new entries (a surge is held).
gathering = Table(
    "gathering",
    metadata,
    Column("id", Key, primary_key=True),
    Column("source", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("status", String(20), nullable=False),
    Column("new", Integer, nullable=False, default=0),
    Column("changed", Integer, nullable=False, default=0),
    Column("same", Integer, nullable=False, default=0),
    Column("held", Integer, nullable=False, default=0),
    Column("error", Text),
    Index("ix_gathering_source_at", "source", "at"),
)

entry = Table(
    "entry",
    metadata,
    Column("id", Key, primary_key=True),
    Column("source", String(200), nullable=False, index=True),
    Column("guid", Text),
    Column("url", Text),
    Column("title", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("published", UtcDateTime, index=True),
    Column("first_seen", UtcDateTime, nullable=False, index=True),
    Column("summary", Text, nullable=False, default=""),
    Column("html", Text, nullable=False, default=""),
    Column("author", Text, nullable=False, default=""),
    Column("publisher", Text, nullable=False, server_default=""),
    Column("language", String(35)),
    Column("image", JSON),
    Column("categories", JSON, nullable=False),
    Column("place", Text, nullable=False, default=""),
    Column("policy_areas", JSON, nullable=False),
    Column("regions", JSON, nullable=False),
    Column("themes", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("print", String(32), nullable=False),  # a hash of its content: tells "changed" from "same"
    Column("retagged", Boolean, nullable=False, default=False),  # an editor gave the facets; no gather changes them
    # The mark that keeps the entry back, as a code and in words, and the code that an editor has overruled; see
    # digest.sources.withdrawal.
    Column("held_by", String(12), nullable=False, server_default=""),
    Column("held_why", Text, nullable=False, server_default=""),
    Column("overruled", String(12), nullable=False, server_default=""),
    Column("missing_since", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("not_after", UtcDateTime),
    Column("asked_at", UtcDateTime),  # when its page was asked whether it is still there
    # The earlier entry of another source that tells the same. No foreign key, because SQLite would copy the table.
    Column("duplicate_of", Key),
    sqlite_autoincrement=True,
)

# The other sources that show an entry: a copy of it, which is no entry, or a near-duplicate, which is one.
also_at = Table(
    "also_at",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(200), primary_key=True),
    Column("url", Text),
    Column("first_seen", UtcDateTime, nullable=False),
)

# The lines of ingredients that a person gave of an entry, and those that an editor dropped. Lines that are read from
# its text are not stored, because reading them again is cheap.
ingredient = Table(
    "ingredient",
    metadata,
    Column("id", Key, primary_key=True),  # the order of the lines
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("barriers", JSON, nullable=False),
    Column("signed_by", Text, nullable=False),  # of a dropped line: who dropped it
    Column("state", String(8), nullable=False),  # source, editor, dropped
    Column("decided_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Editors' rules for the facets and kinds of entries that are classified from then on. `added` and `removed` hold
# [facet, slug] pairs; a condition that is "" is none.
rule = Table(
    "rule",
    metadata,
    Column("id", Key, primary_key=True),
    Column("phrase", Text, nullable=False),
    Column("source", String(200), nullable=False),
    Column("address", Text, nullable=False),
    Column("added", JSON, nullable=False),
    Column("removed", JSON, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# The keys by which an entry is recognised again. A key of several entries identifies none: entry_id is NULL.
entry_key = Table(
    "entry_key",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("entry_id", ForeignKey("entry.id"), index=True),
)

# The whole text of the page that an entry links to, "" where it could not be read. `retry_at` NULL: it was read, or
# is asked no more; `problem` is why the last try failed. The text is last: SQLite reads rows only as far as needed.
entry_text = Table(
    "entry_text",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("retry_at", UtcDateTime),
    Column("problem", Text, nullable=False),
    Column("text", Text, nullable=False),
)

# The robots.txt of each server whose pages are read, as it was read last ("": it has none).
robots_file = Table(
    "robots_file",
    metadata,
    Column("origin", String(300), primary_key=True),  # https://www.example.org
    Column("rules", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("etag", Text),
)

# The row "release" is locked while releases are numbered, so that their order is that of the commits on any database.
# The row "silence" is 1 while a run has still to look for silent readers.
counter = Table(
    "counter",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("value", Integer, nullable=False),
)

release = Table(
    "release",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry_id", ForeignKey("entry.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("why", String(20), nullable=False),  # new, retagged, let-go
)

# The last release considered for a subscriber. No foreign key, because a mark may outlive its subscriber.
mark = Table(
    "mark",
    metadata,
    Column("subscriber_id", Key, primary_key=True, autoincrement=False),
    Column("release", Integer, nullable=False),
)

edition = Table(
    "edition",
    metadata,
    Column("id", Key, primary_key=True),
    Column("cadence", String(10), nullable=False),
    Column("slot", String(10), nullable=False),  # the local date, 2027-10-31
    Column("state", String(10), nullable=False),  # draft, approved, frozen
    Column("held", Boolean, nullable=False, default=False),
    Column("note", Text, nullable=False, default=""),
    # The editors' own words for all its letters ("": as the program words them), and the order that they gave its
    # entries: ids, those that they have pinned first. `pinned` is how many of `arranged` are pinned.
    Column("subject", Text, nullable=False, server_default=""),
    Column("question", Text, nullable=False, server_default=""),
    Column("step", Text, nullable=False, server_default=""),
    Column("arranged", JSON, nullable=False, server_default="[]"),
    Column("pinned", Integer, nullable=False, server_default="0"),
    # When the editors were told that it is ready, and that its deadline is near; what was done at a deadline that
    # nobody met ("": nothing).
    Column("told_ready_at", UtcDateTime),
    Column("told_near_at", UtcDateTime),
    Column("unapproved", Text, nullable=False, server_default=""),
    Column("from_release", Integer, nullable=False, server_default="0"),  # the lowest mark it was drafted for
    Column("to_release", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("look", String(64), nullable=False, server_default=""),  # templates and words when it was approved
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("frozen_at", UtcDateTime),
    Column("eligible", Integer, nullable=False, default=0),  # counted apart when frozen: the left side of the receipt
    # Tags and browser links are bound to it, because after a restore the number may be given again (see
    # subscribers.tables). `old_links`: those made before there were keys count too.
    Column("key", String(KEY), nullable=False, unique=True, index=True, default=random_key, server_default=""),
    Column("old_links", Boolean, nullable=False, server_default=sa_false()),
    UniqueConstraint("cadence", "slot"),
    sqlite_autoincrement=True,
)

# An edition's entries in order. `content` is each entry as it will be shown, so that no later gather changes it.
# `release` is 0 of an entry that is there only to be carried over; `over_cap`: some letter of the edition had no
# room for it.
edition_entry = Table(
    "edition_entry",
    metadata,
    Column("edition_id", ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("entry_id", ForeignKey("entry.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("release", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("over_cap", Boolean, nullable=False, server_default=sa_false()),
)

# Each date on which a cadence was due, so that a missed slot is accounted for as well.
slot = Table(
    "slot",
    metadata,
    Column("cadence", String(10), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("outcome", String(10), nullable=False),  # run, missed
    Column("edition_id", ForeignKey("edition.id")),
    Column("at", UtcDateTime, nullable=False),
)

# The digests of an edition. `plan` has each entry with its reason, and why the others are left out (see store.plans).
digest = Table(
    "digest",
    metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("edition.id"), nullable=False, index=True),
    Column("plan", JSON, nullable=False),
)

# The entries of each digest, to find the readers who had an entry.
digest_entry = Table(
    "digest_entry",
    metadata,
    Column("digest_id", ForeignKey("digest.id"), primary_key=True),
    Column("entry_id", ForeignKey("entry.id"), primary_key=True, index=True),
)

# One row for each eligible reader of an edition; in the states suppressed, empty and held no letter is owed.
delivery = Table(
    "delivery",
    metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("edition.id"), nullable=False),
    Column("subscriber_id", Key, nullable=False, index=True),
    Column("digest_id", ForeignKey("digest.id"), index=True),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("run_id", Key),  # the run that claimed it last
    Column("updated_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # how often it was claimed
    Column("retry_at", UtcDateTime),  # while pending, not claimed before this
    Column("fate", String(10)),  # of an accepted delivery, by events: delivered, bounced, complained
    Column("provider_id", String(100)),  # the provider's own id of the letter
    # In slot mode: the hour for which the provider waits, the batch id of the request that carries the letter (NULL
    # in a claim of which no byte has left), and how far its taking back has come (see digest.ledger.states).
    Column("send_at", UtcDateTime),
    Column("request", String(100)),
    Column("take_back", String(6)),
    UniqueConstraint("edition_id", "subscriber_id"),
    # With the digest, because deliveries are claimed by digest: the readers of a digest share a request.
    Index("ix_delivery_edition_state_digest", "edition_id", "state", "digest_id"),
    sqlite_autoincrement=True,
)

# Of a delivery that was condensed (see store.condense): that a subscriber has had the entries of a digest, and on
# which day. It goes with the subscriber.
had = Table(
    "had",
    metadata,
    Column("digest_id", ForeignKey("digest.id"), primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("day", String(10), nullable=False),  # of UTC, 2027-10-31
)

# Lines by which an editor corrects or withdraws an entry that readers have had. `title` is the entry's at that time.
correction = Table(
    "correction",
    metadata,
    Column("id", Key, primary_key=True),
    Column("entry_id", ForeignKey("entry.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("cancelled_at", UtcDateTime),  # taken back: nobody more is told
    sqlite_autoincrement=True,
)

# The readers who are to be told of a correction, and the edition whose letter tells each (NULL: none so far).
correction_reader = Table(
    "correction_reader",
    metadata,
    Column("correction_id", ForeignKey("correction.id"), primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("edition_id", ForeignKey("edition.id")),
    Index("ix_correction_reader_edition", "edition_id", "subscriber_id"),
)

# The condensed deliveries of an edition, counted for its receipt: those of a row share run, state, fate and reason.
tally = Table(
    "tally",
    metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("edition.id"), nullable=False, index=True),
    Column("run_id", Key),
    Column("state", String(10), nullable=False),
    Column("fate", String(10)),
    Column("reason", Text, nullable=False),  # as the receipt shows it, without any address
    Column("count", Integer, nullable=False),
)

# The events, each once, without any address. delivery_id is no foreign key, because after a restore an event may name
# a delivery that this database does not have.
event = Table(
    "event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("provider", String(20), nullable=False),
    Column("event_id", String(100), nullable=False),
    Column("delivery_id", Key),
    Column("kind", String(12), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("status", String(11)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("action", String(10), nullable=False, server_default=""),  # strike, alert, bounced, complained, left
    Column("address_hash", String(64)),  # of a strike, to count the strikes of an address
    Column("domain", String(253)),  # of an alert: the domain that refused
    UniqueConstraint("provider", "event_id"),
    Index("ix_event_delivery_id", "delivery_id"),
)

# The copy of the fence's token inside the database (see store.fence): one row. `earlier`: tokens before `previous` of
# claims of which the file may not tell yet, separated by spaces. `claims` counts the claims of all hosts.
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", String(32), nullable=False),
    Column("previous", String(32), nullable=False),
    Column("held", Boolean, nullable=False),
    Column("claims", BigInteger, nullable=False, server_default="0"),
    Column("earlier", Text, nullable=False, server_default=""),
)

run = Table(
    "run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("command", String(20), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("outcome", Text),
    Column("account", JSON),  # receipts and sources, as printed
    sqlite_autoincrement=True,
)

# Mails that are no digests, each handed over at most once. The address and the facts are NULL once the notice is owed
# no more.
notice = Table(
    "notice",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("email", String(254)),
    Column("address_hash", String(64), nullable=False),
    Column("state", String(10), nullable=False),  # pending, claimed, accepted, refused, uncertain, dropped
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("facts", JSON),  # what a notice of silence tells, while it is owed
    # Each run asks whether any is open, and the limits of an hour count those of a kind.
    Index(None, "state"),
    Index(None, "kind", "created_at"),
    sqlite_autoincrement=True,
)

# When each subscriber was last told, or looked at to be told, why they have heard nothing: one row for each, so that
# nobody is told twice in a month.
silence = Table(
    "silence",
    metadata,
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
    Column("told_at", UtcDateTime, nullable=False),
)
