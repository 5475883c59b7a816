"""Import the parsers once, then fork a limited child for each feed or page: the main of a reading process.

Run by digest.sources.sandbox.child, never imported by the program itself; a process reads either feeds or pages,
because it has only the parsers of what it reads. Every request comes as one byte with a socket attached. The child
reads the bytes from that socket and answers on it; the zygote adds how the child ended. Frames are a kind byte, a
length (8 bytes, big-endian) and that many bytes: "R" what was read, "E" a reason, "X" an exit status.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

HEADER = struct.Struct(">cQ")
_TEXT = b"&lt;p&gt;Words &lt;a href='/b?utm_source=c'&gt;on it&lt;/a&gt;.&lt;/p&gt;"
_SAMPLES = (
    b"<rss version='2.0'><channel><title>T</title><item><guid>1</guid><title>One</title>"
    b"<link>https://a.example/1</link>"
    b"<category>A</category><author>B</author><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>" + _TEXT
    + b"</description></item></channel></rss>",
    b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>tag:a.example,2026:1</id><title>One</title>"
    b"<link href='/1'/><updated>2026-11-20T10:00:00Z</updated><author><name>B</name></author><content type='html'>"
    + _TEXT + b"</content></entry></feed>",
)  # fmt: skip
_WORDS = b"Words that are many enough, in a paragraph, to be the main text of a page. " * 5
_PAGE = b"<html><body><article><h1>One</h1><p>" + _WORDS + b"</p><ul><li>Two</li></ul></article></body></html>"
Requests = dict[int, socket.socket]
Reader = Callable[[Mapping[str, Any], bytes], bytes]  # from a job and the bytes to the payload; raises SourceError


def main(descriptor: int, kind: str) -> None:
    """Serve requests on the socket `descriptor` until its other end closes, then end every child.

    `kind` is "feed" or "page": what the children read.
    """
    reader = _READERS[kind]()
    gc.freeze()  # because a collection in a child would copy every page that it shares
    gc.set_threshold(50_000, 20, 20)  # because a child lives for one feed, and few of its values form cycles
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control = socket.socket(fileno=descriptor)
    running: Requests = {}
    while True:
        ready, _, _ = select.select([control.fileno(), wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 512)
            _report_the_ended(running)
        if control.fileno() in ready and not _serve_one(control, running, reader):
            break
    for pid in running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _feed_reader() -> Reader:
    """Load the parsers of feeds and use each once, so that every child has what they make at first use."""
    from digest.sources.formats.feed import parse_feed
    from digest.sources.sandbox.wire import dump_snapshot

    def read(job: Mapping[str, Any], body: bytes) -> bytes:
        now = datetime.fromisoformat(job["now"])
        snapshot = parse_feed(body, content_type=job["content_type"], base_url=job["base_url"], now=now)
        return dump_snapshot(snapshot)

    for sample in _SAMPLES:
        read({"content_type": "", "base_url": "https://a.example/", "now": datetime.now(UTC).isoformat()}, sample)
    return read


def _page_reader() -> Reader:
    """Load the extractor of main texts and use it once, as `_feed_reader` does."""
    from digest.errors import SourceError
    from digest.sources.sandbox.page import main_text

    def read(job: Mapping[str, Any], body: bytes) -> bytes:
        return main_text(body, content_type=job["content_type"]).encode("utf-8", "replace")

    with suppress(SourceError):  # because another version of the extractor may find too little in it
        read({"content_type": "text/html"}, _PAGE)
    return read


_READERS: dict[str, Callable[[], Reader]] = {"feed": _feed_reader, "page": _page_reader}


def send_frame(conn: socket.socket, kind: bytes, payload: bytes) -> None:
    """Write one frame."""
    conn.sendall(HEADER.pack(kind, len(payload)))
    conn.sendall(payload)


def read_exactly(conn: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes; EOFError when the other end closes before."""
    parts = bytearray(size)
    view = memoryview(parts)
    while view:
        got = conn.recv_into(view, min(len(view), 1 << 20))
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(parts)


def _serve_one(control: socket.socket, running: Requests, reader: Reader) -> bool:
    """Fork a child for the next request; return False when no more will come."""
    try:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    except ConnectionError:
        return False
    if not message:
        return False
    conn = socket.socket(fileno=descriptors[0])
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            control.close()
            for other in running.values():
                other.close()
            _work(conn, reader)
            code = 0
        finally:
            os._exit(code)
    running[pid] = conn
    return True


def _report_the_ended(running: Requests) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as conn, suppress(OSError):
            conn.settimeout(1)
            send_frame(conn, b"X", str(os.waitstatus_to_exitcode(status)).encode())


def _work(conn: socket.socket, reader: Reader) -> None:
    """Take the limits on, read the bytes and answer; runs in the child."""
    from digest.errors import SourceError

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, size = HEADER.unpack(read_exactly(conn, HEADER.size))
    job = json.loads(read_exactly(conn, size))
    body = read_exactly(conn, job["length"])
    _limit(job["cpu"], job["memory"], job["wall"])
    try:
        kind, payload = b"R", reader(job, body)
    except SourceError as error:
        kind, payload = b"E", str(error).encode("utf-8", "replace")
    except MemoryError:
        kind, payload = b"E", f"needs more than {job['memory'] >> 20} MB to read".encode()
    send_frame(conn, kind, payload)


def _limit(cpu: int, memory: int, wall: float) -> None:
    # Let the kernel end the child, because only the kernel can stop C code: SIGXCPU, SIGALRM, or no more memory.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
