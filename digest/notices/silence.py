"""Tell silent readers, at most once a month, why they have heard nothing, and what would have helped."""

from __future__ import annotations

from datetime import timedelta

from digest.editions.silence import explain_silence, find_silent
from digest.installation import Installation
from digest.store import notices, silence
from digest.store.engine import reading, writing
from digest.store.notices import SILENCE
from subscribers.suppression import address_hash, seal

_MOST_AN_HOUR = 200  # so that many notices at once hold up no letter, and no provider takes them for a flood


def owe_silence(installation: Installation) -> None:
    """Write down the notices to silent readers who were not told within a month; the run hands them over then.

    The next runs go on where there are too many for an hour. A reader for whom something else than their choices was
    in the way gets none: `digest status --silent` shows them to an editor. Hold the run lock.
    """
    settings, secret, now = installation.settings, installation.secret, installation.clock()
    with reading(installation.engine) as conn:
        room = _MOST_AN_HOUR - notices.count_all_since(conn, SILENCE, now - timedelta(hours=1))
        readers = find_silent(conn, settings, secret, now, untold=room) if room > 0 else []
        explained = explain_silence(conn, settings, readers, now)
    with writing(installation.engine, "silence") as conn:
        silence.keep_look(conn, due=len(readers) >= room)
        for reader in readers:
            told = explained[reader.id]
            if silence.note_told(conn, reader.id, now) and not told.matching:
                hashed = address_hash(secret, reader.email_key)
                notices.add(conn, SILENCE, reader.email, hashed, now, told._asdict())
        # As for a letter: the hash of the address holds with this secret only.
        seal(conn, secret)
