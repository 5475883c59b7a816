"""Make a new key for the links in letters, so that one that somebody may have seen can be retired.

The secret itself is never changed, because the suppressions are hashes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digest.installation import Installation
from digest.operations.new_secret import set_aside
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.system.disk import ANOTHER_KEY_FILE, unwritable
from digest.system.failpoint import failpoint
from subscribers.errors import BadSecret
from subscribers.keyring import LinkKeys
from subscribers.link_keys import LinkKeyFile, add_link_key, link_key_path, seal_link_keys


@dataclass(frozen=True, slots=True)
class KeyCount:
    """Say where the link keys are, how many are `in_use`, the new one included, and how many are `retired`."""

    file: Path
    in_use: int
    retired: int


def add_new_key(installation: Installation, *, retire_older: bool) -> KeyCount:
    """Make a key that signs all links from now on; older ones go on to verify, with `retire_older` leaving alone.

    Raises TryLater while a run is under way, BadSecret when the secret is lost, or the file of link keys is and older
    keys are not to be retired: a file that was lost may have retired the secret, and nothing may put it in use again.
    """
    path, engine = link_key_path(installation.settings.secret_file), installation.engine
    with run_lock(engine):
        secret = installation.secret
        keys = _present(installation, path, secret, lost_too=retire_older)
        try:
            # Before the seal, because a file that is newer than the seal is in order, and an older one is not.
            changed = add_link_key(path, keys, secret, retire_older=retire_older)
        except OSError as error:
            raise unwritable(f"{path} cannot be written", error, ANOTHER_KEY_FILE) from error
        failpoint("new link key: written")
        with writing(engine, "new link key") as conn:
            seal_link_keys(conn, changed)
    return KeyCount(path, len(changed), len(changed.retired))


def _present(installation: Installation, path: Path, secret: bytes, *, lost_too: bool) -> LinkKeys:
    """Return the keys of the file; with `lost_too`, of a lost or older file what is there. Raises BadSecret."""
    try:
        file = LinkKeyFile(path, secret)
    except BadSecret:
        if not lost_too:
            raise
        set_aside(path, f"{installation.clock():%Y%m%dT%H%M%S}")
        return LinkKeys([secret])
    if not lost_too:
        with reading(installation.engine) as conn:
            file.check(conn)
    return file.keys
