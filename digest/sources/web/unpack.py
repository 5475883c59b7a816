"""Unpack gzip from strangers under a cap. Pure."""

from __future__ import annotations

import zlib

from digest.errors import SourceError

_MAGIC = b"\x1f\x8b"


class Unpacker:
    """Take a body piece by piece and unpack it if it is gzip, whatever its header says.

    The bytes on the wire and the unpacked bytes are each held to `cap`: SourceError beyond it. At most one byte past
    the cap is unpacked, so that a bomb costs its wire size and no more.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._wire = 0
        self._body = bytearray()
        self._head = b""
        self._gzip: zlib._Decompress | None = None
        self._decided = False

    def feed(self, piece: bytes) -> None:
        """Add the next piece of the body."""
        self._wire += len(piece)
        if self._wire > self._cap:
            raise SourceError(self._too_long())
        if not self._decided:
            self._head += piece
            if len(self._head) < len(_MAGIC):
                return
            piece, self._decided = self._head, True
            if piece.startswith(_MAGIC):
                self._gzip = zlib.decompressobj(31)
        self._add(piece)

    def finish(self) -> bytes:
        """Return the whole body; SourceError if its gzip ended too early."""
        if not self._decided:
            self._body += self._head
        if self._gzip is not None and not self._gzip.eof:
            raise SourceError("the answer is cut off (its gzip does not end); it is asked for again next time")
        return bytes(self._body)

    def _add(self, piece: bytes) -> None:
        if self._gzip is None:
            self._body += piece
            return
        if self._gzip.eof:
            return  # leave out padding after the end
        room = self._cap - len(self._body)
        try:
            self._body += self._gzip.decompress(piece, room + 1)
        except zlib.error as error:
            raise SourceError(f"the answer is damaged ({error}); tell its publisher") from None
        if len(self._body) > self._cap:
            raise SourceError(self._too_long())
        if self._gzip.unused_data.startswith(_MAGIC):
            raise SourceError("the answer is gzip in several parts; tell its publisher to send it in one")

    def _too_long(self) -> str:
        return f"is longer than {self._cap / 1_000_000:g} MB; ask its publisher for a shorter feed"
