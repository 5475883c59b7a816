"""Make standard output and standard error safe to write to: a reader that went away must not end the work."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

# The reader of a pipe has gone, the terminal was closed, or the program was started without the stream.
_NOBODY_READS = frozenset((errno.EPIPE, errno.EIO, errno.EBADF))


def guard_streams() -> None:
    """Put streams that outlive their readers in the place of stdout and stderr, for the whole process.

    An error of stderr is always passed over, because the story must not decide over the work. One of stdout is
    passed over when nobody reads it; a full disk is still an error there, because it loses the answer. A character
    that the terminal's encoding lacks becomes "?" or an escape.
    """
    _open_standard_files()
    sys.stdout = forgiving(sys.stdout, 1, "replace")
    sys.stderr = forgiving(sys.stderr, 2, "backslashreplace", always=True)


def _open_standard_files() -> None:
    """Open the null device as each of the files 0, 1 and 2 that is closed.

    Otherwise the next file to be opened, such as the database, would get that number, and with it what a library
    prints.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, which is this one, because those below it are open.
            os.open(os.devnull, os.O_RDWR)


def forgiving(stream: TextIO | None, number: int, errors: str, *, always: bool = False) -> TextIO:
    """Return a text stream to the file `number`, with the encoding of `stream`; None means a closed stream.

    `errors` is what becomes of a character that the encoding lacks. `always`: no error of the file is raised.
    """
    raw = _Forgiving(number, always=always)
    encoding = stream.encoding if stream else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=always or raw.isatty())


class _Forgiving(io.FileIO):
    """A file that takes what it cannot write for written: any of it, or only where nobody reads it."""

    def __init__(self, number: int, *, always: bool) -> None:
        super().__init__(number, "wb", closefd=False)
        self._always = always

    def write(self, data: Any, /) -> int:
        """Write the bytes and return how many; raises OSError unless the error is to be passed over."""
        try:
            written = super().write(data)
        except OSError as error:
            if not self._always and error.errno not in _NOBODY_READS:
                # Told once, because the interpreter writes the rest again when it ends.
                self._always = True
                raise
            return len(data)
        # None: a stream that does not wait takes nothing now.
        return len(data) if written is None and self._always else written or 0
