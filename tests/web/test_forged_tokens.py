"""No page opens for a forged token, or changes anything: ten thousand of them, by GET, HEAD and POST (figure 30)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from urllib.parse import quote, unquote

import httpx2
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.store.engine import reading
from digest.web.app import SecurityHeaders, make_app
from digest.web.arrivals import Arrivals
from subscribers.database import metadata
from subscribers.keyring import LinkKeys
from subscribers.link_keys import add_link_key, link_key_path
from subscribers.tables import subscriber
from subscribers.tokens import LIFETIMES
from tests.forged import forged_tokens, good_tokens
from tests.house import House
from tests.web.scanner import BASE

MANY = 10_000
METHODS = ("GET", "HEAD", "POST")
FORM = {"List-Unsubscribe": "One-Click", "form": "preferences-2", "for": "1-month", "cadence": "daily"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house of two readers, whose link keys have changed twice, one of them retired."""
    house = House(tmp_path / "house")
    for name in ("ann", "ben"):
        house.reader(f"{name}@example.org")
    secret, path = house.place.secret, link_key_path(house.settings.secret_file)
    keys = add_link_key(path, LinkKeys([secret]), secret, retire_older=True)
    add_link_key(path, keys, secret, retire_older=False)
    yield house
    house.close()


def token_paths(app: SecurityHeaders) -> list[str]:
    """Return the path of each page with a token in its address."""
    assert isinstance(app._app, Arrivals) and isinstance(app._app._app, Starlette)
    return sorted({r.path for r in app._app._app.routes if isinstance(r, Route) and "{token}" in r.path})


def rows(house: House) -> dict[str, list[str]]:
    with reading(house.place.engine) as conn:
        tables = metadata.sorted_tables
        return {table.name: sorted(map(repr, conn.execute(select(table)).all())) for table in tables}


def mixed(forged: Sequence[Mapping[str, set[str]]]) -> list[str]:
    """Return the tokens, those of the kinds with few first, and each kind of each purpose in turn."""
    kinds = [sorted(tokens) for by_kind in forged for tokens in by_kind.values()]
    small, large = ([kind for kind in kinds if (len(kind) < 200) is which] for which in (True, False))
    turns = chain.from_iterable(zip_longest(*large))
    few = chain.from_iterable(zip_longest(*small))
    return [token for token in dict.fromkeys([*few, *turns]) if token]


async def opened(app: SecurityHeaders, path: str, tokens: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return (method, token, status) of each request with a forged token that was not refused.

    The first 300 tokens, which are of every kind, by all methods; the others by each method in turn.
    """
    accepted = []
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as client:
        for number, token in enumerate(tokens):
            address = path.replace("{token}", quote(token, safe=""))
            for method in METHODS if number < 300 else METHODS[number % 3 :][:1]:
                answer = await client.request(
                    method, address, data=FORM if method == "POST" else None, follow_redirects=True
                )
                if not 400 <= answer.status_code < 500:
                    accepted.append((method, token, answer.status_code))
    return accepted


@pytest.mark.long
def test_no_page_opens_for_a_forged_token(house: House) -> None:
    app = make_app(house.live())
    assert isinstance(app, SecurityHeaders)
    with reading(house.place.engine) as conn:
        persons = {row.id: row.key for row in conn.execute(select(subscriber.c.id, subscriber.c.key))}
    keys = house.place.link_keys
    assert (len(keys), len(keys.retired), len(persons)) == (2, 1, 2)
    forged = mixed([forged_tokens(keys, purpose, house.now, persons, each=1) for purpose in LIFETIMES])
    good, paths, client = good_tokens(keys, house.now, persons), token_paths(app), TestClient(app)
    before, tried = rows(house), 0
    assert len(forged) > MANY and len(paths) >= 4
    for path in paths:
        # A page is of the purpose whose good token it takes, and so is what is sent below it; none has confirmed or
        # told anything here.
        page = path.partition("{token}")[0] + "{token}"
        takes = {
            purpose
            for purpose in good
            if any(client.get(each.replace("{token}", good[purpose])).status_code == 200 for each in (path, page))
        }
        assert len(takes) <= 1, (path, takes)
        # Leave out good tokens with something stuck to them, because that is cut (tests/web/test_arrivals.py).
        tokens = [token for token in forged if not any(each in unquote(token) for each in good.values())]
        tokens = [*(good[purpose] for purpose in good if purpose not in takes), *tokens[: MANY // len(paths)]]
        assert asyncio.run(opened(app, path, tokens)) == []
        tried += len(tokens)
    assert tried >= MANY and rows(house) == before
