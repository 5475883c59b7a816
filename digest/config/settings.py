"""Define the frozen settings that config.toml and the environment become; `load.py` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from digest.config.archive import ALL_PUBLIC, ArchiveSettings
from digest.config.cluster import ONE_PROCESS, ClusterSettings
from digest.config.events import NOTHING, EventsSettings
from digest.config.join import ANYBODY, JoinSettings
from digest.config.legal import Accessibility, Privacy
from digest.config.operate import NOBODY_WATCHES, OperateSettings
from digest.config.secret_files import SecretFile
from digest.config.transport import TransportSettings
from digest.errors import ConfigError, WrongUse
from digest.letter.brand import SHIPPED, Brand
from digest.model import Dkim, Retention, Site, Source, Taxonomy
from digest.schedule import Cadence


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice of the operator. Paths are absolute; `gather_timeout` is in seconds.

    `only` holds addresses and "@domains" in lower case, () for all; `templates` is None without templates of the
    operator's own; `lint_clients` () means the lint's own default; `gazetteer` is "uk" or "none". `secret_files` are
    all that the configuration names, also where the environment gives the secret.
    """

    home: Path
    site: Site
    storage_url: str
    secret_file: Path
    fence_file: Path
    receipts: Path
    only: tuple[str, ...]
    transport: TransportSettings
    templates: Path | None
    sources: tuple[Source, ...]
    cadences: tuple[Cadence, ...]
    taxonomy: Taxonomy
    gather_every: timedelta
    gather_timeout: float
    gather_workers: int
    check_pages: bool
    letter_cap: int
    elsewhere_cap: int
    carry_over: int
    welcome: timedelta
    lint_clients: tuple[str, ...]
    retention: Retention
    privacy: Privacy
    accessibility: Accessibility
    gazetteer: str = "uk"
    gather_proxy: str = ""
    steps: tuple[str, ...] = ()
    silence_notices: bool = False
    join: JoinSettings = ANYBODY
    answers: bool = False
    brand: Brand = SHIPPED
    dkim: Dkim | None = None
    events: EventsSettings = NOTHING
    operate: OperateSettings = NOBODY_WATCHES
    archive: ArchiveSettings = ALL_PUBLIC
    cluster: ClusterSettings = ONE_PROCESS
    secret_files: tuple[SecretFile, ...] = ()

    @property
    def default_cadence(self) -> str:
        """Return "weekly" where it is configured, else the first cadence; "weekly" also where there is none."""
        names = [cadence.name for cadence in self.cadences]
        return "weekly" if "weekly" in names or not names else names[0]

    @property
    def leaves_by_mail(self) -> str:
        """Return the address, still without a tag, to which a reader's mail program may send that they leave, or "".

        It is that of bounces, where `digest events` reads what arrives there.
        """
        return (self.transport.bounces or "") if self.events.mailbox else ""

    @property
    def hidden_sources(self) -> frozenset[str]:
        """Return the names of the sources whose entries the archive does not show."""
        return frozenset(source.name for source in self.sources if not source.public)

    def check_source(self, name: str) -> None:
        """Raise WrongUse when config.toml has no source of this name."""
        names = [source.name for source in self.sources]
        if name not in names:
            raise WrongUse(f"source {name!r} is not in config.toml; known: {', '.join(names) or 'none'}")

    def cadence(self, name: str) -> Cadence:
        """Return a configured cadence by its name. Raises ConfigError when config.toml does not have it."""
        for cadence in self.cadences:
            if cadence.name == name:
                return cadence
        raise ConfigError([f"cadence {name!r} is not in config.toml; add [cadence.{name}] or use another"])
