"""The frozen settings that config.toml and the environment become; `load` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from digest.config.events import NOTHING, EventsSettings
from digest.config.transport import TransportSettings
from digest.errors import ConfigError
from digest.letter.brand import SHIPPED, Brand
from digest.model import Dkim, Site, Source, Taxonomy
from digest.schedule import Cadence


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator chose. Paths are absolute; spans are timedeltas; sizes are bytes.

    `lint_clients` () means the lint's own default.
    """

    home: Path
    site: Site
    storage_url: str
    secret_file: Path
    fence_file: Path
    only: tuple[str, ...]
    transport: TransportSettings
    templates: Path | None
    sources: tuple[Source, ...]
    cadences: tuple[Cadence, ...]
    taxonomy: Taxonomy
    gather_every: timedelta
    gather_timeout: float
    gather_workers: int
    letter_cap: int
    elsewhere_cap: int
    welcome: timedelta
    lint_clients: tuple[str, ...]
    brand: Brand = SHIPPED
    dkim: Dkim | None = None
    events: EventsSettings = NOTHING

    @property
    def default_cadence(self) -> str:
        """Return weekly where it is configured, else the first cadence there is."""
        names = [c.name for c in self.cadences]
        return "weekly" if "weekly" in names or not names else names[0]

    def cadence(self, name: str) -> Cadence:
        """Return a configured cadence by name (ConfigError when config.toml has none of it)."""
        for cadence in self.cadences:
            if cadence.name == name:
                return cadence
        raise ConfigError([f"cadence {name!r} is not in config.toml; add [cadence.{name}] or use another"])
