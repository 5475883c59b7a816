"""Keep an opened installation for each thread of a worker, and open it anew when what it was opened with changes."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from digest.installation import Installation
from digest.store.sqlstate import DatabaseAway


@dataclass(slots=True)
class _Opened:
    """An installation of a thread, with the fingerprint of the files that it was opened with."""

    installation: Installation
    fingerprint: bytes


class Installations:
    """Give each thread an installation of its own. `make` opens one by `config`, the path of config.toml."""

    def __init__(self, make: Callable[[], Installation], config: Path) -> None:
        self._make, self._config = make, config
        self._mine = threading.local()
        self._all: list[Installation] = []
        self._lock = threading.Lock()

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """Yield this thread's installation, with what others may have changed in the database read anew.

        It is made anew when config.toml or a file that it includes has other bytes, and after its connections broke.
        Raises ConfigError, or SchemaTooOld and SchemaTooNew for a database that was upgraded meanwhile.
        """
        opened = self._current()
        try:
            opened.installation.read_anew()
            opened.installation.require_schema()
            yield opened.installation
        except DatabaseAway:
            self._forget(opened)
            raise

    def close(self) -> None:
        """Close the connections of all threads; none may be at work."""
        with self._lock:
            closing, self._all = self._all, []
        for installation in closing:
            installation.close()
        self._mine = threading.local()

    def _current(self) -> _Opened:
        opened: _Opened | None = getattr(self._mine, "opened", None)
        fingerprint = fingerprint_of(self._config)
        if opened is not None and opened.fingerprint != fingerprint:
            self._forget(opened)
            opened = None
        if opened is None:
            installation = self._make()
            with self._lock:
                self._all.append(installation)
            opened = self._mine.opened = _Opened(installation, fingerprint)
        return opened

    def _forget(self, opened: _Opened) -> None:
        self._mine.opened = None
        with self._lock, suppress(ValueError):  # because `close` may have been faster
            self._all.remove(opened.installation)
        opened.installation.close()


def fingerprint_of(config: Path) -> bytes:
    """Return a hash of config.toml and of the files that it includes; a file that cannot be read counts as empty."""
    raw = _bytes_of(config)
    beside = [_bytes_of(config.resolve().parent / name) for name in _included(raw)]
    return sha256(b"\0".join([raw, *beside])).digest()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return b""  # opening the installation tells why


@lru_cache(maxsize=4)
def _included(raw: bytes) -> tuple[str, ...]:
    """Return the names in `include` of config.toml; none of a file that is mistaken."""
    try:
        names = tomllib.loads(raw.decode("utf-8-sig")).get("include", [])
    except (ValueError, RecursionError):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
