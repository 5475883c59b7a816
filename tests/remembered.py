"""Share work among the tests of one process: inlined styles, trial letters, compiled SQL.

Each test house has an engine of its own, and many houses have the same letters; a fifth of the suite's time went into
compiling the same statements and pages again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from digest.config.settings import Settings
from digest.delivery import trial
from digest.letter import inliner
from digest.letter.inliner import SheetKeeper
from tests.browsing import answer_in_own_thread

_PAGES: LRUCache[tuple[str, bool], str] = LRUCache(400)
_STATEMENTS: LRUCache[Any, Any] = LRUCache(2000)
_TRIED: set[str] = set()
_trial_letter = trial.trial_letter


class RememberingPremailer(SheetKeeper):
    """The product's, asked once for each page, because the product gives it fixed options."""

    def transform(self, *, pretty_print: bool) -> str:
        """Return the page with its styles moved inline."""
        key = (self.html, pretty_print)
        if key not in _PAGES:
            _PAGES[key] = str(super().transform(pretty_print=pretty_print))
        return _PAGES[key]


class _Alike:
    """A dialect that equals all of its class, because the dialect is part of a compiled statement's key."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class SqliteAlike(_Alike, SQLiteDialect_pysqlite):
    """SQLite's dialect; that of one engine equals that of another."""

    supports_statement_cache = True


class PostgresqlAlike(_Alike, PGDialect_psycopg):
    """PostgreSQL's dialect; that of one engine equals that of another."""

    supports_statement_cache = True


def share() -> None:
    """Let all engines made from now on share their compiled statements, and all letters their pages."""
    inliner.SheetKeeper = RememberingPremailer  # type: ignore[misc]
    trial.trial_letter = _tried_once
    registry.register("sqlite", __name__, SqliteAlike.__name__)
    registry.register("postgresql.psycopg", __name__, PostgresqlAlike.__name__)
    event.listen(Engine, "engine_connect", _remember)
    answer_in_own_thread()


def _tried_once(settings: Settings) -> None:
    """Try a trial letter, but only once where nothing that it is made from has changed."""
    key = repr((settings.site, settings.taxonomy, settings.brand, settings.transport.capabilities))
    if settings.templates or settings.dkim:
        _trial_letter(settings)
    elif key not in _TRIED:
        _trial_letter(settings)
        _TRIED.add(key)


def _remember(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_STATEMENTS)
