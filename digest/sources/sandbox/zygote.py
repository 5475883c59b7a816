"""Import the parsers once, then fork a limited child for each feed: the main of the reading process.

Run by digest.sources.sandbox.child, never imported by the program itself. Every request comes as one byte with a
socket attached. The child reads the feed from that socket and answers on it; the zygote adds how the child
ended. Frames are a kind byte, a length (8 bytes, big-endian) and that many bytes: "R" a snapshot, "E" a
reason, "X" an exit status.
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
from contextlib import suppress
from datetime import UTC, datetime

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
Requests = dict[int, socket.socket]


def main(descriptor: int) -> None:
    """Serve requests on the socket `descriptor` until its other end closes, then end every child."""
    _warm_up()
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
        if control.fileno() in ready and not _serve_one(control, running):
            break
    for pid in running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _warm_up() -> None:
    """Load the parsers and use each once, so that every child that is forked has what they make at first use."""
    from digest.sources.formats.feed import parse_feed
    from digest.sources.sandbox.wire import dump_snapshot

    for body in _SAMPLES:
        dump_snapshot(parse_feed(body, content_type="", base_url="https://a.example/", now=datetime.now(UTC)))
    gc.freeze()  # because a collection in a child would copy every page that it shares


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


def _serve_one(control: socket.socket, running: Requests) -> bool:
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
            _work(conn)
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


def _work(conn: socket.socket) -> None:
    """Take the limits on, parse the feed and answer; runs in the child."""
    from digest.errors import SourceError
    from digest.sources.formats.feed import parse_feed
    from digest.sources.sandbox.wire import dump_snapshot

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, size = HEADER.unpack(read_exactly(conn, HEADER.size))
    job = json.loads(read_exactly(conn, size))
    body = read_exactly(conn, job["length"])
    _limit(job["cpu"], job["memory"], job["wall"])
    try:
        snapshot = parse_feed(
            body,
            content_type=job["content_type"],
            base_url=job["base_url"],
            now=datetime.fromisoformat(job["now"]),
        )
        kind, payload = b"R", dump_snapshot(snapshot)
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
    main(int(sys.argv[1]))
