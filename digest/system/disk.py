"""Tell why a file or folder cannot be written to, and the cure: the number of the error decides."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from digest.errors import DigestError, of_disk

_ANOTHER = "name another file or folder"
ANOTHER_KEY_FILE = "name another file as `secret_file` in [storage] of config.toml, and take this one there"
_LET = "let this account write there"
# By number: the cure, and whether another place is a cure too.
_CURES: dict[int, tuple[str, bool]] = {
    errno.EROFS: ("mount it for writing", True),
    errno.EACCES: (_LET, True),
    errno.EPERM: (f"{_LET} (a mark such as that of `chattr +i` forbids it)", True),
    errno.ENOSPC: ("make room (also for more files: `df -i`)", True),
    errno.EDQUOT: ("remove files of this account, or raise its quota", True),
    errno.EFBIG: ("raise the limit of a file's size (`ulimit -f`)", True),
    errno.ENAMETOOLONG: ("shorten the path", True),
    errno.ENOENT: ("make the folder that is missing", True),
    errno.ENOTDIR: ("a part of the path is a file: move it away", True),
    errno.EISDIR: ("it is a folder: move it away", True),
    errno.EEXIST: ("something else has this name: move it away", True),
    errno.ELOOP: ("correct its symbolic links, which lead in a circle", True),
    errno.EIO: ("look at the disk, and at the log of the system", True),
    errno.ESTALE: ("mount the network's disk anew", True),
    errno.EMFILE: ("raise the limit of open files (`ulimit -n`)", False),
    errno.ENFILE: ("raise the limit of open files of the system (fs.file-max)", False),
    errno.ENOMEM: ("free memory", False),
}


def cure_of(error: OSError, another: str = _ANOTHER) -> str:
    """Return the cure of a file or folder that cannot be used; `another`: how to name another place for it."""
    cure, has_other = _CURES.get(error.errno or 0, (_LET, True))
    return f"{cure}, or {another}" if has_other else cure


def unwritable(what: str, error: OSError, another: str = _ANOTHER) -> DigestError:
    """Return the error to raise for a file or folder that cannot be written to: TryLater where the cause may pass.

    `what` begins the message: the file or folder, and what it is for.
    """
    return of_disk(error, f"{what}: {reason_of(error)}; {cure_of(error, another)}")


def reason_of(error: OSError) -> str:
    """Return the system's words for an error."""
    return error.strerror or str(error)


def why_unwritable(path: Path, look: Callable[[Path], os.statvfs_result] = os.statvfs) -> OSError | None:
    """Return the error that a program meets which writes into a folder, or to a file, or None. Nothing is written.

    Of what is not there yet, the nearest folder above it that is there must take it.
    """
    try:
        nearest = path
        while not _is_there(nearest):
            nearest = nearest.parent
        if nearest != path and not nearest.is_dir():
            return _error(errno.ENOTDIR, nearest)
        if look(nearest).f_flag & os.ST_RDONLY:
            return _error(errno.EROFS, nearest)
        needed = os.W_OK | os.X_OK if nearest.is_dir() else os.W_OK
        if not os.access(nearest, needed):
            return _error(errno.EACCES, nearest)
    except OSError as error:
        return error
    return None


def _is_there(path: Path) -> bool:
    """Return whether a path is there. Raises OSError unless it is only missing, or below a file."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.stat()
        return True
    return False


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
