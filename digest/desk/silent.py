"""List the silent readers for an editor: what each follows, why nothing came, and which choice would have helped."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from digest.editions.silence import WhySilent, explain_silence, find_silent
from digest.installation import Installation
from digest.store.engine import reading
from subscribers.model import Interests, Reader


class SilentReader(NamedTuple):
    """Hold a silent reader without their address."""

    subscriber: int
    interests: Interests
    told: WhySilent


class SilentReaders(NamedTuple):
    """Hold the number of the silent readers of a cadence, and the first of them with their reasons."""

    readers: int = 0
    first: tuple[SilentReader, ...] = ()


def list_silent(installation: Installation) -> list[tuple[Reader, WhySilent]]:
    """Return the readers to whom no letter was written for four weeks, in the order of ids, each with the reason."""
    settings, secret, now = installation.settings, installation.secret, installation.clock()
    with reading(installation.engine) as conn:
        readers = find_silent(conn, settings, secret, now)
        explained = explain_silence(conn, settings, readers, now)
    return [(reader, explained[reader.id]) for reader in readers]


def look_silent(conn: Connection, installation: Installation, cadence: str, most: int) -> SilentReaders:
    """Return how many readers of a cadence had no letter for four weeks, and why it is so for the first `most`."""
    settings, now = installation.settings, installation.clock()
    readers = [each for each in find_silent(conn, settings, installation.secret, now) if each.cadence == cadence]
    explained = explain_silence(conn, settings, readers[:most], now)
    first = [SilentReader(each.id, each.interests, explained[each.id]) for each in readers[:most]]
    return SilentReaders(len(readers), tuple(first))
