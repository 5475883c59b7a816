"""Read and write the half of the fence that is a file: one line on the disk of each host that hands letters over."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from digest.errors import DigestError
from digest.system.disk import unwritable
from digest.system.flush import flush, flush_names
from digest.system.private import open_private

ANYWHERE = (
    "anywhere"  # instead of a location: before the first run a folder may still be prepared, and moved or copied
)
_NONE = "-"  # instead of a change, where there was none
_LEFT_OVER = 86_400  # seconds after which a prepared file is that of a process that was killed


@dataclass(frozen=True, slots=True)
class Half:
    """The half of the fence in the file: the token of the last claim, and of the last change of consent ("": none).

    `here` false: the file was made on another machine or path. `anywhere`: it tells none, before the first run.
    `claims`: how many claims of all hosts it knows of. `further`: the host sends beside the first, and its tokens
    stand in the table `host`.
    """

    token: str
    change: str = ""
    here: bool = True
    anywhere: bool = False
    claims: int = 0
    further: bool = False


class FenceFile:
    """The file at `path`. `shared`: several processes of this host write it at once."""

    def __init__(self, path: Path, *, shared: bool) -> None:
        self.path, self._shared = path, shared
        self._ready = Half("")  # what was prepared, and not put in place yet

    @property
    def location(self) -> str:
        """Return a hash of the machine and the file's path on it, which a copied folder does not share.

        Only the folder's symlinks are resolved, because a file that is a symlink is replaced by a plain file when it
        is next written.
        """
        try:
            machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            machine = ""  # a container may have none; the path still tells the folders apart
        path = self.path.parent.resolve() / self.path.name
        return hashlib.sha256(f"{machine} {path}".encode()).hexdigest()[:32]

    def read(self) -> Half | None:
        """Return what the file holds, None when it is not there. Raises DigestError when it cannot be read."""
        try:
            # A file of an earlier version has no claims, no change, or no location either.
            words = [*self.path.read_text(encoding="ascii").split(), *[""] * 5]
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"{self.path}: cannot be read ({error}); nothing is mailed without it") from error
        token, location, change, claims, further, *_ = words
        return Half(
            token, "" if change == _NONE else change, location in ("", ANYWHERE, self.location), location == ANYWHERE,
            int(claims) if claims.isdigit() else 0, bool(further),
        )  # fmt: skip

    def prepare(self, half: Half) -> None:
        """Write the content under another name, so that a full disk shows before it is needed. Raises TryLater."""
        self._fill(self.beside, half)
        self._ready = half

    def put(self, half: Half) -> None:
        """Put the content in place, prepared or not. Raises TryLater when the disk is full."""
        if self._ready != half:
            self.prepare(half)
        self._ready = Half("")
        self._replace(self.beside)

    def correct(self, half: Half) -> None:
        """Put the content in place, and leave alone what was prepared, which is renamed after a claim."""
        beside = self.path.with_name(f".{self.path.name}.follow")
        self._fill(beside, half)
        self._replace(beside)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the other processes of this host from writing the file during the block."""
        if not self._shared:
            yield
            return
        with self.disk_errors():
            handle = open_private(self.path.with_name(f".{self.path.name}.lock"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def remove_left_over(self) -> None:
        """Remove what processes that were killed had prepared."""
        for path in self.path.parent.glob(f".{self.path.name}.*.new"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - _LEFT_OVER:
                    path.unlink()

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turn an error of the disk into a message with the file and the cure."""
        try:
            yield
        except OSError as error:
            another = "name another file as `fence_file` in [storage] of config.toml, and take this one there"
            raise unwritable(f"{self.path} cannot be written", error, another) from error

    @property
    def beside(self) -> Path:
        """Return the path under which the next content is prepared, of each process and thread its own if shared."""
        own = f"{os.getpid()}-{threading.get_ident()}." if self._shared else ""
        return self.path.with_name(f".{self.path.name}.{own}new")

    def _fill(self, beside: Path, half: Half) -> None:
        location = ANYWHERE if half.anywhere else self.location
        words = (half.token, location, half.change or _NONE, str(half.claims), *(["further"] if half.further else []))
        with self.disk_errors():
            handle = open_private(beside, os.O_TRUNC)
            try:
                os.write(handle, " ".join(words).encode() + b"\n")
            finally:
                os.close(handle)
            flush(beside)

    def _replace(self, beside: Path) -> None:
        with self.disk_errors():
            beside.replace(self.path)
            # The name is flushed as well, because a power cut could bring back an older token: HOLD without cause.
            flush_names(self.path.parent)
