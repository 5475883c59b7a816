"""Define the tables of subscribers, consent and suppressions, in the catalogue that all tables share.

Interests are three text columns of sorted slugs joined by ";", not rows of a table. The reason: a run reads every
subscriber with their interests, which is about five times faster without a join, and nothing asks the database for
the subscribers of a single policy area.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, false, true

from subscribers.database import KEY, Key, UtcDateTime, metadata, random_key

STATES = ("pending", "active", "left")
REASONS = ("left", "bounced", "editor", "complained", "erased")
EVENTS = (
    "imported",
    "added",
    "confirmed",
    "left",
    "paused",
    "resumed",
    "changed",
    "suppressed",
    "unsuppressed",
    "erased",
)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=column)


subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("email", String(254), nullable=False),
    # To compare addresses: lower case, with an ASCII (IDNA) domain.
    Column("email_key", String(254), nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("cadence", String(16), nullable=False),
    Column("policy_areas", Text, nullable=False, server_default=""),
    Column("regions", Text, nullable=False, server_default=""),
    Column("themes", Text, nullable=False, server_default=""),
    Column("elsewhere", Boolean, nullable=False),
    Column("carry_over", Boolean, nullable=False, server_default=true()),
    Column(
        "silence_notices", Boolean, nullable=False, server_default=true()
    ),  # told of a long silence, if others are
    Column("language", String(35), nullable=False),
    # An IANA time zone, for the hour of their letters; "": the site's.
    Column("zone", String(64), nullable=False, server_default=""),
    Column("state", String(8), nullable=False),
    Column("paused_until", UtcDateTime),
    Column("joined_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    # Links and tags are bound to it, because a restore lets an id be given again, to another person. Made by the
    # default for each row, also of a bulk insert; the database's "" is there only for the upgrade.
    Column("key", String(KEY), nullable=False, unique=True, index=True, default=random_key, server_default=""),
    # True: a link without the key counts too, because it was made before there were keys (see `links`).
    Column("old_links", Boolean, nullable=False, server_default=false()),
    _one_of("state", STATES),
    # For reading the active subscribers of a cadence, page by page, in the order of ids.
    Index(None, "cadence", "state", "id"),
    # Never give an id again while the database lives; after a restore, only `key` tells two persons apart.
    sqlite_autoincrement=True,
)

# No foreign key, because the history outlives the subscriber: its number then names nobody.
consent_event = Table(
    "consent_event",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("subscriber_id", Key, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("what", String(16), nullable=False),
    Column("how", Text, nullable=False, server_default=""),
    # Of a person's own word on a page: the network that it came from (203.0.113.0/24), and which words the page
    # showed, by their key in `consent_words`; "" of an event that came another way.
    Column("network", String(43), nullable=False, server_default=""),
    Column("words", String(KEY), nullable=False, server_default=""),
    _one_of("what", EVENTS),
    sqlite_autoincrement=True,
)

# The words that people agreed to on a page, each text once, because many people agree to the same. The key is a hash
# of language and text.
consent_words = Table(
    "consent_words",
    metadata,
    Column("key", String(KEY), primary_key=True),
    Column("language", String(35), nullable=False),
    Column("text", Text, nullable=False),
)

# A wish of somebody on a page that they have to confirm by a link that is mailed: to join, to come back, or to move
# to another address. `choices` is what they chose, `key` a random value to which the link is bound. Rows that nobody
# confirmed are removed after seven days.
confirmation = Table(
    "confirmation",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),
    Column("key", String(KEY), nullable=False, default=random_key),
    Column("email", String(254), nullable=False),
    Column("address_hash", String(64), nullable=False, index=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), index=True),  # whom it is of, if anybody
    Column("choices", JSON, nullable=False),
    Column("network", String(43), nullable=False),
    Column("words", String(KEY), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    _one_of("kind", ("join", "back", "move")),
    sqlite_autoincrement=True,
)

# Each time that somebody asked for a mail or sent a form that is limited: by an address (its hash) and by the network
# that it came from. Kept for 30 days, because the longest limit counts those.
asked = Table(
    "asked",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("address_hash", String(64), nullable=False),
    Column("network", String(43), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Index(None, "kind", "address_hash", "at"),
    Index(None, "kind", "network", "at"),
    sqlite_autoincrement=True,
)

# Why a reader left, if they liked to say it: a word of ours, and their own words. It goes with the subscriber.
leaving = Table(
    "leaving",
    metadata,
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

suppression = Table(
    "suppression",
    metadata,
    Column("address_hash", String(64), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    _one_of("reason", REASONS),
)

# The seals: a fingerprint of the secret that made hashes and links, because with another secret no suppression would
# match and no link in a letter would work; and one of the newest link key, once there is one (see `link_keys`).
OF_SECRET, OF_LINK_KEY = 1, 2
suppression_secret = Table(
    "suppression_secret",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),
)

# A row for each change of a subscriber or a suppression (see `changes`). `what` is a reason of `suppression` or
# "lifted" when the suppression of `address_hash` changed; `kept`: the files outside the database have it.
consent_change = Table(
    "consent_change",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("token", String(16), nullable=False),
    Column("address_hash", String(64), nullable=False, server_default=""),
    Column("what", String(16), nullable=False, server_default=""),
    Column("kept", Boolean, nullable=False, server_default=false()),
    # Never give an id again, because the newest change is the one with the highest id.
    sqlite_autoincrement=True,
)
