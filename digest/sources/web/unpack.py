"""Unpack gzip and deflate from strangers under a cap. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from digest.errors import SourceError

_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's numbers for the three forms
# A body appended to a file has some parts; each costs a decompressor, and a hostile body could name half a million.
_MAX_PARTS = 1_000
_MAX_LAYERS = 3  # such as a file that is gzip already, packed again by the server, and again by a proxy
# Codings that need a library of their own. Any other name ("none", "utf-8") is a slip of the server.
_UNKNOWN = frozenset(("br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "aes128gcm", "pack200-gzip"))
_BEGINS_FEED = (b"<", b"{", b"[", b"\xff\xfe", b"\xfe\xff")


class Unpacker:
    """Take a body piece by piece; unpack it if it is gzip, whatever its header says, or if the header says deflate.

    `codings` are those of the Content-Encoding header, in lower case. gzip may be of several parts (RFC 1952), and
    packed more than once; what stands after its end is left out. deflate may be zlib, as RFC 9110 asks, or raw, as
    some servers send it. Brotli and others that were not asked for are refused, unless the bytes are plain all the
    same.

    The bytes on the wire and the unpacked bytes are each held to `cap`: SourceError beyond it. At most one byte past
    the cap is unpacked, so that a bomb costs its wire size and no more.
    """

    def __init__(self, cap: int, codings: Sequence[str] = ()) -> None:
        self._cap = cap
        self._codings = codings
        self._deflates = codings.count("deflate")
        self._wire = 0
        self._plain = bytearray()
        self._head = b""
        self._layer: _Layer | None = None
        self._decided = False

    def feed(self, piece: bytes) -> None:
        """Add the next piece of the body."""
        self._wire += len(piece)
        if self._wire > self._cap:
            raise SourceError(_too_long(self._cap))
        if not self._decided:
            self._head += piece
            if len(self._head) < len(_MAGIC):
                return
            piece, self._decided = self._head, True
            self._layer = self._layer_of(piece)
        if self._layer is None:
            self._plain += piece
        else:
            self._layer.feed(piece)

    def finish(self) -> bytes:
        """Return the whole body; SourceError if its packing ended too early, or is not known here."""
        if not self._decided:
            self._plain += self._head
        body = bytes(self._plain) if self._layer is None else self._layer.finish()
        for _ in range(_MAX_LAYERS - 1 if self._layer else 0):
            layer = self._layer_of(body)
            if layer is None:
                break
            layer.feed(body)
            body = layer.finish()
        if not _UNKNOWN.isdisjoint(self._codings) and not _begins_as_feed(body):
            raise SourceError(
                f"is packed as {','.join(self._codings)[:40]!r}, though only gzip was asked for; tell its publisher"
            )
        return body

    def _layer_of(self, body: bytes) -> _Layer | None:
        """Return the layer in which a body is packed, or None; each deflate that the header names is one layer."""
        form = _form_of(body, self._deflates > 0)
        self._deflates -= form in (_ZLIB, _RAW)
        return _Layer(self._cap, form) if form else None


class _Layer:
    """Unpack one layer: gzip in any number of parts, zlib, or raw deflate."""

    def __init__(self, cap: int, form: int) -> None:
        self._cap = cap
        self._form = form
        self._body = bytearray()
        self._packed = zlib.decompressobj(form)
        self._parts = 1
        self._rest = b""  # what came after the end of a part and may begin the next
        self._ended = False
        self._raw = bytearray()  # kept for raw deflate alone, because plain text may begin as it does

    def feed(self, piece: bytes) -> None:
        """Add the next piece."""
        if self._form == _RAW:
            self._raw += piece
            return
        self._add(piece)

    def finish(self) -> bytes:
        """Return what was packed. Raises SourceError."""
        if self._form == _RAW:
            try:
                self._add(bytes(self._raw))
            except SourceError:
                if not _begins_as_feed(bytes(self._raw)):
                    raise
                return bytes(self._raw)  # named deflate, and sent as it is
        if not self._ended and not self._packed.eof:
            raise SourceError("the answer is cut off (its gzip does not end); it is asked for again next time")
        return bytes(self._body)

    def _add(self, piece: bytes) -> None:
        while piece and not self._ended:
            if self._packed.eof:
                piece = self._next_part(piece)
                continue
            room = self._cap - len(self._body)
            try:
                self._body += self._packed.decompress(piece, room + 1)
            except zlib.error as error:
                raise SourceError(f"the answer is damaged ({error}); tell its publisher") from None
            if len(self._body) > self._cap:
                raise SourceError(_too_long(self._cap))
            piece = self._packed.unused_data

    def _next_part(self, piece: bytes) -> bytes:
        """Begin the next part and return its bytes; b"" where the body ends here, or more must come to tell."""
        following = (self._rest + piece).lstrip(b"\0")  # because tape and disk blocks are filled up with zeros
        self._rest = following if len(following) < len(_MAGIC) else b""
        if self._form != _GZIP or not (_MAGIC.startswith(following) or following.startswith(_MAGIC)):
            self._ended = True
            return b""
        if len(following) < len(_MAGIC):
            return b""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise SourceError(f"is gzip in more than {_MAX_PARTS:,} parts; tell its publisher to send it in one")
        self._packed = zlib.decompressobj(self._form)
        return following


def _form_of(body: bytes, is_deflate: bool) -> int:
    """Return how a body is packed as its first bytes tell, or 0; `is_deflate`: its header says deflate."""
    if body.startswith(_MAGIC):
        return _GZIP
    # A zlib header: method 8, and a number that 31 divides. No feed begins with such bytes but for "x^".
    if body[:1] == b"x" and len(body) > 1 and int.from_bytes(body[:2], "big") % 31 == 0 and body[1:2] != b"^":
        return _ZLIB
    if is_deflate and body:
        has_head = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _ZLIB if has_head else _RAW
    return 0


def _begins_as_feed(body: bytes) -> bool:
    return body[:200].lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(_BEGINS_FEED)


def _too_long(cap: int) -> str:
    return f"is longer than {cap / 1_000_000:g} MB; ask its publisher for a shorter feed"
