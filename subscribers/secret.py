"""Read or make the installation's secret file; the secret hashes suppressed addresses, and signs links.

Other keys may sign links in its place (see `link_keys`), because the secret can never be replaced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from subscribers.errors import BadSecret

BYTES = 32
_CURE = (
    "restore it from a backup: without it links in sent letters and all suppressions are lost; if it is lost for"
    " good, `digest db new-secret`"
)


def load_secret(path: Path | str, *, make: bool = True) -> bytes:
    """Return the secret in the file at `path`, 32 or more bytes in hexadecimal; with `make`, create a missing file.

    A new file appears whole or not at all, readable by its owner alone; two processes that create it at the same
    time get the same secret. Raises BadSecret when the file cannot be read or created, is missing (without `make`),
    empty, too short or not hexadecimal; the message never shows the content.
    """
    path = Path(path)
    try:
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            if not make:
                raise BadSecret(f"{path}: secret file is missing; {_CURE}") from None
            # Not replaced, because another process may create it at the same time.
            write_whole(path, secrets.token_hex(BYTES) + "\n", replace=False)
            text = path.read_bytes()
    except OSError as error:
        raise BadSecret(f"{path}: secret file: {error.strerror}; give a file this user may read") from error
    if not text.strip():
        raise BadSecret(f"{path}: secret file is empty; {_CURE}")
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        raise BadSecret(f"{path}: secret file is not hexadecimal; {_CURE}") from None
    if len(secret) < BYTES:
        raise BadSecret(f"{path}: secret file holds fewer than {BYTES} bytes; {_CURE}")
    return secret


def write_whole(path: Path, text: str, *, replace: bool) -> None:
    """Let `path` appear with this text, whole or not at all, on the disk and readable by its owner alone.

    A file that is there is replaced, or, with `replace` false, left as it is. Raises OSError.
    """
    # Written under another name first, because `path` must not exist before its content is on the disk.
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        if replace:
            beside.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
