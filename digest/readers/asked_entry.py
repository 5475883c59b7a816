"""Find the entry that a reader asks about: by its number, its link, or words of its title."""

from __future__ import annotations

from sqlalchemy import Connection

from digest.model import Entry, Sighting
from digest.sources.newness import LINK, keys_of
from digest.store import entries, entry_titles

MOST = 10  # entries to choose from
_DIGITS = 18  # of the longest number that any database takes as an id
_LONGEST_WORDS = 12
# States of entries that were shown to the public: no editor holds or has refused them, nor their source.
_PUBLIC = ("ready", "baseline", "duplicate")


def asked_entries(conn: Connection, text: str) -> list[Entry]:
    """Return the entries that a reader may mean, newest first; one that was never public is not among them."""
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return _public(entries.get(conn, int(text)))
    if "://" in text:
        return _public(_by_link(conn, text))
    return entry_titles.titled(conn, text.split()[:_LONGEST_WORDS], _PUBLIC, MOST)


def _by_link(conn: Connection, text: str) -> Entry | None:
    """Return the entry with a link; an earlier link and that of a copy count too."""
    if entry := entries.find(conn, text):
        return entry
    key = keys_of(Sighting(None, text, ""), "").get(LINK)
    number = entries.stored_keys(conn, [key]).keys.get(key) if key else None
    return entries.get(conn, number) if number else None


def _public(entry: Entry | None) -> list[Entry]:
    return [entry] if entry and entry.state in _PUBLIC else []
