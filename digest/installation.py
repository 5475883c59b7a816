"""Open an installation: its settings, database, secret, clock, fence, classifier, fetcher and transport."""

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
    """Give the stories what they work with, each part opened on first use.

    `now` (aware, UTC) fixes the clock, as the option `--now` does; None means the real time.
    """

    def __init__(self, settings: Settings, now: datetime | None = None) -> None:
        self.settings = settings
        self._now = now

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return a function that gives the time: the real time, or the fixed instant of `--now` (aware, UTC)."""
        fixed = self._now
        return (lambda: fixed) if fixed else (lambda: datetime.now(UTC))

    @cached_property
    def engine(self) -> Engine:
        """Return the engine of the database, which is created on first use.

        Raises WrongUse when the database's schema is older than this program.
        """
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
        """Return the secret that signs links and hashes suppressed addresses, created on first use.

        Raises BadSecret when the secret of an installation in use is lost: with a new secret no stored hash would
        match, and suppressed people would be mailed again.
        """
        with reading(self.engine) as conn:
            sealed = is_sealed(conn)
        return load_secret(self.settings.secret_file, make=not sealed)

    @cached_property
    def fence(self) -> Fence:
        """Return the fence, which stops mail from a restored or copied database."""
        return Fence(self.engine, self.settings.fence_file)

    @cached_property
    def classifier(self) -> Classifier:
        """Return the classifier of the configured taxonomy."""
        return Classifier(self.settings.taxonomy, load_gazetteer())

    def fetcher(self) -> Fetcher:
        """Return a fetcher that names this installation to the sources and obeys the configured limits."""
        agent = f"learning-digest/{__version__} (+{self.settings.site.base_url})"
        return Fetcher(Limits(seconds=self.settings.gather_timeout), agent)

    def transport(self) -> Transport:
        """Open the configured transport for a run; the caller closes it."""
        return self.settings.transport.open(self.clock)
