"""One installation, opened: its settings, its database, its secret and the tools the stories work with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine

from digest import __version__
from digest.classify import Classifier
from digest.config.settings import Settings
from digest.errors import WrongUse
from digest.facets.places.gazetteer import load_gazetteer as load_gazetteer
from digest.sources.web.fetch import Fetcher, Limits
from digest.store import migrate
from digest.store.engine import make_engine, reading
from digest.store.fence import Fence
from digest.transports.base import Transport
from subscribers.secret import load_secret
from subscribers.suppression import is_sealed


class Installation:
    """Everything a story needs, made when first asked for. `now` (aware UTC) stands still when given."""

    def __init__(self, settings: Settings, now: datetime | None = None) -> None:
        self.settings = settings
        self._now = now

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return what tells the time: the real clock, or the hour that --now set."""
        fixed = self._now
        return (lambda: fixed) if fixed else (lambda: datetime.now(UTC))

    @cached_property
    def engine(self) -> Engine:
        """Return the database, made on first use; WrongUse when its schema is older than this program."""
        engine = make_engine(self.settings.storage_url)
        if migrate.current(engine) is None:
            migrate.upgrade(engine)
        elif not migrate.check_schema(engine):
            raise WrongUse(
                "the database's schema is older than this program; back it up, then run `digest db upgrade`"
            )
        return engine

    @cached_property
    def secret(self) -> bytes:
        """Return the secret that signs links and hashes suppressed addresses, made on first use.

        Raises BadSecret when it is lost: a new one would let mail go to those whom the old one kept apart.
        """
        with reading(self.engine) as conn:
            sealed = is_sealed(conn)
        return load_secret(self.settings.secret_file, make=not sealed)

    @cached_property
    def fence(self) -> Fence:
        """Return what keeps a restored or copied database from being mailed from."""
        return Fence(self.engine, self.settings.fence_file)

    @cached_property
    def classifier(self) -> Classifier:
        """Return the classifier of the configured taxonomy."""
        return Classifier(self.settings.taxonomy, load_gazetteer())

    def fetcher(self) -> Fetcher:
        """Return a fetcher that names us to the sources and keeps the configured limits."""
        agent = f"learning-digest/{__version__} (+{self.settings.site.base_url})"
        return Fetcher(Limits(seconds=self.settings.gather_timeout), agent)

    def transport(self) -> Transport:
        """Return the configured transport, ready for one run."""
        return self.settings.transport.open(self.secret, self.clock)
