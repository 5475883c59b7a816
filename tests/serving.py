"""Serve an application on a real socket of this machine, in a thread, because headers count in a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def running(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Run an application on a socket that listens already."""
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", proxy_headers=False, timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Run an application on a free port; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening, running(app, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
