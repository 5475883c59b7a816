"""Start the programs that take letters and discard them, and find or install the peers they come with."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SENDGRID_ENVIRON = {"SENDGRID_API_KEY": "SG.sink"}

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


def program(name: str, package: str) -> str:
    """Return the path of a program, and install Debian's package when it is missing and this is root.

    Raises RuntimeError with the cure when it cannot be had.
    """
    if path := shutil.which(name, path=_PATH):
        return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], check=False, env=environ, capture_output=True)
    if path := shutil.which(name, path=_PATH):
        return path
    raise RuntimeError(f"{name} is missing: install Debian's package {package}")


@contextmanager
def smtp_sink(dump: Path | None = None) -> Iterator[int]:
    """Run Postfix's smtp-sink on a free port, and yield the port.

    With `dump`, each message is written to a file in that new folder, after lines about its envelope.
    """
    port = _free_port()
    command = [program("smtp-sink", "postfix")]
    if os.geteuid() == 0:
        command += ["-u", "root"]  # it wants to be told; another account could not write into a private folder
    if dump is not None:
        dump.mkdir()
        command += ["-d", f"{dump}/%H%M%S."]
    process = subprocess.Popen(
        [*command, f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def smtp_transport(port: int) -> str:
    """Return the lines of [transport] for a sink on this machine."""
    return f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as something listens at the port. Raises RuntimeError when the process ends before."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen")


@contextmanager
def sendgrid_sink() -> Iterator[int]:
    """Run a server on a free port that accepts each request of a SendGrid client and discards it; yield the port."""
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sinks", str(port)])
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def sendgrid_transport(port: int) -> str:
    """Return the lines of [transport] for SendGrid's sink on this machine; the key is in `SENDGRID_ENVIRON`."""
    return f'kind = "sendgrid"\nbase_url = "http://127.0.0.1:{port}"'


class _Accepting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that connections are kept

    def do_POST(self) -> None:
        """Read a request to its end, and answer that its letters were accepted."""
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.send_response(202)
        self.send_header("X-Message-Id", secrets.token_hex(8))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing, because stderr is for the benchmark."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Accepting).serve_forever()
