"""A connection in a transaction of its own on each engine, and what a small organisation follows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from subscribers.facets import KnownFacets


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """An open transaction on an empty, upgraded database."""
    with engine.begin() as connection:
        yield connection


@pytest.fixture
def facets() -> KnownFacets:
    """Facets as a config would give them: {slug: name}."""
    return KnownFacets(
        {"housing": "Housing", "public-health": "Public health", "policing-crime": "Policing & crime"},
        {"south-west": "South West", "london": "London", "national": "National"},
        {"leadership": "Leadership", "risk-and-trust": "Risk and trust"},
    )
