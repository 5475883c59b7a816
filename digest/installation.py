"""Open an installation: its settings, database, secret, clock, fence, classifier, fetcher and transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from digest import __version__
from digest.config.settings import Settings
from digest.errors import SchemaTooOld
from digest.store import deliveries, migrate
from digest.store.engine import HOW_TO_MAKE, NoDatabase, make_engine, reading, writing
from digest.store.fence import Fence
from digest.store.pace import StoredPaces
from subscribers.keyring import Keyring, LinkKeys
from subscribers.link_keys import LinkKeyFile, link_key_path
from subscribers.secret import load_secret
from subscribers.suppression import check_secret, is_sealed, seal

if TYPE_CHECKING:
    from digest.classify import Classifier
    from digest.facets.rules import Rules
    from digest.model import Taxonomy
    from digest.sources.web.fetch import Fetcher
    from digest.transports.base import Transport


@dataclass(frozen=True, slots=True)
class Work:
    """Name work that waits, for the workers of a cluster; the ledger decides whether it is still to be done.

    `kind` is "gather" (`key`: the name of a source), "turn" (all steps of a run but reading sources and sending;
    `key`: ""), "send" (`key`: the number of an edition; `batches`: how many batches of it wait), "recover" or
    "events" (`key`: "").
    """

    kind: str
    key: str = ""
    batches: int = 1


_BATCH = 1000  # letters, as many as most transports take at once (`digest.transports.base.BATCH`)


def batches_of(letters: int) -> int:
    """Return in how many batches so many letters leave, about."""
    return -(-letters // _BATCH)


Announce = Callable[[Connection, Work], None]


def _announce_to_nobody(_conn: Connection, _work: Work) -> None:
    """Announce nothing, because cron and the daemon find work by looking."""


class Installation:
    """Give the stories what they work with, each part opened on first use.

    `now` (aware, UTC) fixes the clock, as the option `--now` does; None means the real time. `create`: whether a
    database that is not there is made. `announce` tells workers of work, in the transaction that writes it.
    """

    announce: Announce

    def __init__(self, settings: Settings, now: datetime | None = None, *, create: bool = True) -> None:
        self.announce = _announce_to_nobody
        self.settings = settings
        self._now = now
        self._create = create

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return a function that gives the time: the real time, or the fixed instant of `--now` (aware, UTC)."""
        fixed = self._now
        return (lambda: fixed) if fixed else (lambda: datetime.now(UTC))

    @property
    def has_fixed_clock(self) -> bool:
        """Return whether the time is one that `--now` gave, and not the real time."""
        return self._now is not None

    @cached_property
    def engine(self) -> Engine:
        """Return the engine of the database, which is created on first use where that is allowed.

        Raises WrongUse when the database's schema is older than this program, DigestError when it is not there and
        may not be made, or is another program's.
        """
        # The fence is made with the first subscriber, so a missing database beside it was lost, not yet to be made.
        create = self._create and not self.settings.fence_file.exists()
        engine = make_engine(self.settings.storage_url, create=create)
        fits = migrate.check_schema(engine)
        if fits is None and not migrate.holds_nothing(engine):
            raise migrate.why_old(engine)
        if fits is None:
            if not create:
                raise NoDatabase(f"the database holds nothing yet; {HOW_TO_MAKE}")
            migrate.upgrade(engine)
        elif not fits:
            raise SchemaTooOld
        return engine

    def require_schema(self, *, of_run: bool = False) -> None:
        """Raise an error unless the open database has this program's schema still, and takes changes.

        It may be upgraded or moved, or another put in its place, beneath a process that lives long. `of_run`: whether
        it was moved is left to the fence, because a run ends a move that was killed after its hand-over.
        """
        if not migrate.check_schema(self.engine, to_write=not of_run):
            raise SchemaTooOld

    def close(self) -> None:
        """Close the connections to the database, if there are any; they are opened anew when they are used again.

        The last one to an SQLite file brings its log back into the file.
        """
        if "engine" in vars(self):
            self.engine.dispose()

    @cached_property
    def secret(self) -> bytes:
        """Return the secret that signs links and hashes suppressed addresses, created on first use.

        Raises BadSecret when the secret of a database in use is lost, or is another one: then no stored hash would
        match, suppressed people would be mailed again, and no link in a sent letter would work.
        """
        with reading(self.engine) as conn:
            return stored_secret(conn, self.settings.secret_file, make=not is_secret_used(conn))

    @property
    def link_keys(self) -> LinkKeys:
        """Return the keys of the links in letters and notices, the newest last: it signs, all verify.

        They are those that the file holds now, because `digest db new-link-key` may have changed it. Raises BadSecret
        as `secret` does, and for a file that was lost or is too old.
        """
        return self.link_key_file.keys

    @property
    def keyring(self) -> Keyring:
        """Return the secret and the link keys, for what signs both links and numbers. Raises BadSecret."""
        return Keyring(self.secret, self.link_keys)

    @cached_property
    def link_key_file(self) -> LinkKeyFile:
        """Return the file that `link_keys` reads. Raises BadSecret."""
        with reading(self.engine) as conn:
            return stored_link_keys(conn, self.settings.secret_file, self.secret)

    @cached_property
    def fence(self) -> Fence:
        """Return the fence, which stops mail from a restored or copied database."""
        return Fence(self.engine, self.settings.fence_file)

    @cached_property
    def classifier(self) -> Classifier:
        """Return the classifier of the configured taxonomy."""
        return _classifier(self.settings.taxonomy, self.settings.gazetteer)

    @cached_property
    def rules(self) -> Rules:
        """Return the editors' rules, read once; values that config.toml no longer has are left out."""
        from digest.facets.known import known_facets
        from digest.facets.rules import Rules
        from digest.store import rules as stored_rules

        with reading(self.engine) as conn:
            rules = stored_rules.every_rule(conn)
        return Rules(rule.within(known_facets(self.settings.taxonomy)) for rule in rules)

    def read_anew(self) -> None:
        """Forget what was read of the database, because in a process that lives long others may have changed it."""
        vars(self).pop("rules", None)

    def fetcher(self) -> Fetcher:
        """Return a fetcher that names this installation to the sources and obeys the configured limits."""
        from digest.sources.web.fetch import Fetcher, Limits
        from digest.sources.web.politeness import Turns

        agent = f"learning-digest/{__version__} (+{self.settings.site.base_url})"
        limits = Limits(seconds=self.settings.gather_timeout)
        fetcher = Fetcher(limits, agent)
        fetcher.turns = Turns(limits.gap, self._paces())
        fetcher.proxy = self.settings.gather_proxy
        return fetcher

    def require_secret(self) -> None:
        """Open the secret and the link keys now, so that nothing begins with lost or foreign ones. Raises BadSecret.

        A database of an earlier version from which letters have left gets its seal here.
        """
        secret, file = self.secret, self.link_key_file
        with reading(self.engine) as conn:
            file.check(conn)
            unsealed = not is_sealed(conn) and deliveries.has_handed_over(conn)
        if unsealed:
            with writing(self.engine, "seal") as conn:
                seal(conn, secret)

    def transport(self) -> Transport:
        """Open the configured transport for a run; the caller closes it."""
        return self.settings.transport.open(self.clock, self._paces())

    def _paces(self) -> StoredPaces | None:
        """Return the limits of rate that all processes of a cluster share, None where each keeps its own."""
        return StoredPaces(self.engine) if self.settings.cluster.enabled else None


@lru_cache(maxsize=4)
def _classifier(taxonomy: Taxonomy, shipped: str) -> Classifier:
    # Here, because most commands classify nothing and fetch nothing, and both are slow to import.
    from digest.classify import Classifier
    from digest.facets.places.gazetteer import gazetteer_of

    return Classifier(taxonomy, gazetteer_of(taxonomy, shipped))


def is_secret_used(conn: Connection) -> bool:
    """Return whether a database was used with a secret, so that a new one must not be made.

    A database of an earlier version may have no seal though letters have left.
    """
    return is_sealed(conn) or deliveries.has_handed_over(conn)


def stored_link_keys(conn: Connection, secret_file: Path, secret: bytes) -> LinkKeyFile:
    """Return the file of link keys beside a secret's if it is this database's. Raises BadSecret."""
    file = LinkKeyFile(link_key_path(secret_file), secret)
    file.check(conn)
    return file


def stored_secret(conn: Connection, file: Path, *, make: bool = False) -> bytes:
    """Return the secret in `file` if it is this database's, with `make` a new one if missing. Raises BadSecret."""
    secret = load_secret(file, make=make)
    check_secret(conn, secret)
    return secret
