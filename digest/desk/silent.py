"""List the silent readers for an editor: what each follows, why nothing came, and which choice would have helped."""

from __future__ import annotations

from digest.editions.silence import WhySilent, explain_silence, find_silent
from digest.installation import Installation
from digest.store.engine import reading
from subscribers.model import Reader


def list_silent(installation: Installation) -> list[tuple[Reader, WhySilent]]:
    """Return the readers to whom no letter was written for four weeks, in the order of ids, each with the reason."""
    settings, secret, now = installation.settings, installation.secret, installation.clock()
    with reading(installation.engine) as conn:
        readers = find_silent(conn, settings, secret, now)
        explained = explain_silence(conn, settings, readers, now)
    return [(reader, explained[reader.id]) for reader in readers]
