"""Read and write the file of link keys: they sign the links in letters in place of the secret, and can be replaced.

The file lies beside the secret and has its name with ".links" behind it. Each line is a key in hexadecimal, the
oldest first; the first line is the word "secret", which stands for the secret itself. "retired" behind a key says
that it serves leaving alone. Without the file the secret is the only key, as it was before there were link keys. The
database holds a fingerprint of the newest key, so that a file that was lost, or is older, is told from the right one.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from pathlib import Path

from sqlalchemy import Connection, select

from subscribers.database import dialect_insert
from subscribers.errors import BadSecret
from subscribers.keyring import LinkKeys
from subscribers.secret import BYTES, write_whole
from subscribers.suppression import fingerprint
from subscribers.tables import OF_LINK_KEY, suppression_secret

_SECRET, _RETIRED = "secret", "retired"
_CURE = (
    "put back the newest copy of it; if it is lost for good, `digest db new-link-key --retire-older`: the links that"
    " the lost keys signed are dead, and the page that they lead to offers a new link by mail"
)
_log = logging.getLogger(__name__)


def link_key_path(secret_file: Path) -> Path:
    """Return the path of the file of link keys that belongs to a secret file."""
    return secret_file.with_name(f"{secret_file.name}.links")


def load_link_keys(path: Path, secret: bytes) -> LinkKeys:
    """Return the keys of links; the secret alone where there is no file. Raises BadSecret for a file that is no such.

    The message names the line, and never shows a key.
    """
    try:
        lines = path.read_bytes().decode("ascii", "replace").splitlines()
    except FileNotFoundError:
        return LinkKeys([secret])
    except OSError as error:
        raise BadSecret(f"{path}: file of link keys: {error.strerror}; let this account read it") from error
    in_use: list[bytes] = []
    retired: list[bytes] = []
    for number, line in enumerate(lines, 1):
        word, _, state = line.strip().partition(" ")
        key = secret if number == 1 and word == _SECRET else _key(path, number, word)
        if state not in ("", _RETIRED) or (state and in_use):
            raise BadSecret(
                f"{path}: line {number}: only {_RETIRED!r}, of the oldest keys, may follow a key; {_CURE}"
            )
        (retired if state else in_use).append(key)
    if not in_use or (*retired, *in_use)[0] != secret:
        raise BadSecret(f"{path}: its first line is not {_SECRET!r}, or its last is not a key in use; {_CURE}")
    return LinkKeys(in_use, retired)


def _key(path: Path, number: int, word: str) -> bytes:
    """Return the key that a line holds. Raises BadSecret."""
    try:
        key = bytes.fromhex(word)
    except ValueError:
        key = b""
    if len(key) < BYTES:
        raise BadSecret(f"{path}: line {number}: not a key of {BYTES} or more bytes in hexadecimal; {_CURE}")
    return key


def add_link_key(path: Path, keys: LinkKeys, secret: bytes, *, retire_older: bool) -> LinkKeys:
    """Write the file of `keys` and a new one, whole or not at all; return what it holds. Raises OSError.

    With `retire_older`, all of `keys` serve leaving alone from now on.
    """
    new = secrets.token_bytes(BYTES)
    if retire_older:
        changed = LinkKeys([new], (*keys.retired, *keys))
    else:
        changed = LinkKeys((*keys, new), keys.retired)
    # The retired ones stand first, because they are the older ones; so does the secret, which is the oldest.
    lines = [(key, _RETIRED) for key in changed.retired] + [(key, "") for key in changed]
    text = "".join(f"{_SECRET if key == secret else key.hex()} {state}".rstrip() + "\n" for key, state in lines)
    write_whole(path, text, replace=True)
    return changed


def seal_link_keys(conn: Connection, keys: LinkKeys) -> None:
    """Let only files with the newest of these keys do from now on."""
    row = dialect_insert(conn)(suppression_secret).values(id=OF_LINK_KEY, fingerprint=fingerprint(keys[-1]))
    conn.execute(row.on_conflict_do_update(index_elements=["id"], set_={"fingerprint": row.excluded.fingerprint}))


class LinkKeyFile:
    """The file of link keys, read again when it has changed, because a server lives through a change of keys.

    A file that cannot be read any more is told to the log, and the keys of before go on.
    """

    def __init__(self, path: Path, secret: bytes) -> None:
        """Read the file. Raises BadSecret."""
        self._path = path
        self._secret = secret
        self._state = self._stamp(), load_link_keys(path, secret)

    @property
    def keys(self) -> LinkKeys:
        """Return the keys as the file holds them now."""
        stamp, (before, keys) = self._stamp(), self._state
        if stamp != before:
            try:
                if stamp is None:
                    raise BadSecret(f"{self._path}: file of link keys is missing; {_CURE}")
                keys = load_link_keys(self._path, self._secret)
            except BadSecret as error:
                _log.error("%s", error)
            # Only now, so that another thread sees the stamp with the keys; the stamp too, so that it is told once.
            self._state = stamp, keys
        return keys

    def check(self, conn: Connection) -> None:
        """Check that the newest key by which this database's links were signed is in the file. Raises BadSecret."""
        query = select(suppression_secret.c.fingerprint).where(suppression_secret.c.id == OF_LINK_KEY)
        stored, keys = conn.scalar(query), self.keys
        if stored and not any(hmac.compare_digest(stored, fingerprint(key)) for key in (*keys, *keys.retired)):
            state = "lacks the newest key of this database's links" if self._path.exists() else "is missing"
            raise BadSecret(f"{self._path}: the file of link keys {state}; {_CURE}")

    def _stamp(self) -> tuple[int, int, int] | None:
        """Return what differs when the file was replaced, None where there is none."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size
