"""Declare the partial indexes of the tables in `schema`.

They stand apart, because SQLAlchemy loads the code of both databases to declare one, which takes longer than to read
the rest of the schema. Only an upgrade and the test that compares schema and migrations need them.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from digest.store.schema import delivery, entry, event, gathering

_REQUESTED = text("request IS NOT NULL")
_STRUCK = text("address_hash IS NOT NULL")
_ACTED = text("action <> ''")
_MISSED = text("missing_since IS NOT NULL")
_BROUGHT = text("new > 0")
_WAITS = text("state = 'pending' AND reason <> ''")

Index("ix_delivery_request", delivery.c.request, sqlite_where=_REQUESTED, postgresql_where=_REQUESTED)
# A million may be pending, and few of them for a reason.
Index("ix_delivery_waiting", delivery.c.edition_id, delivery.c.state, sqlite_where=_WAITS, postgresql_where=_WAITS)
# Few events have an action, and only these are searched for.
Index("ix_event_address_hash", event.c.address_hash, sqlite_where=_STRUCK, postgresql_where=_STRUCK)
Index(
    "ix_event_action_received_at", event.c.action, event.c.received_at, sqlite_where=_ACTED, postgresql_where=_ACTED
)
# Each gather asks whether any entry of its sources is missing, and few are.
Index("ix_entry_missing", entry.c.source, sqlite_where=_MISSED, postgresql_where=_MISSED)
# Of hundreds of thousands of gathers few bring anything, and the health of all sources is told by these.
Index(
    "ix_gathering_new", gathering.c.source, gathering.c.at, gathering.c.new,
    sqlite_where=_BROUGHT, postgresql_where=_BROUGHT,
)  # fmt: skip
