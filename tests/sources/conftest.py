"""Fixtures of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sources.webserver import Web


@pytest.fixture
def forbidden() -> Iterator[Web]:
    """A server on a loopback port that no test calls public: it must never be reached."""
    server = Web()
    yield server
    assert server.requests == []
    server.close()
