"""Test what the installation of a cluster, whose processes share limits of rate, gives to senders and gatherers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from digest import pipeline
from digest.config.cluster import ClusterSettings
from digest.config.load import load
from digest.errors import TryLater
from digest.installation import Installation
from digest.store.engine import reading, writing
from digest.store.pace import StoredPaces
from digest.store.shared_tables import pace
from tests.house import House
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.mailserver import Server


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "house")
    made.run()
    made.reader("ann@example.org")
    made.publish("One")
    yield made
    made.close()


def with_transport(house: House, lines: str, *, cluster: bool) -> Installation:
    """Return the installation as it is a week later, with another transport, and perhaps of a cluster."""
    with house.config.open("a", encoding="utf-8") as file:
        file.write(f"[transport]\n{lines}\n")
    settings = load(house.config, {"SENDGRID_API_KEY": KEY, "DIGEST_STORAGE__URL": house.settings.storage_url})
    # Set here, because config.toml allows it on PostgreSQL only.
    settings = replace(settings, cluster=ClusterSettings(enabled=cluster))
    place = Installation(settings, house.now.replace(day=9))
    vars(place)["engine"] = house.place.engine
    return place


def names(place: Installation) -> list[str]:
    with reading(place.engine) as conn:
        return list(conn.scalars(select(pace.c.name).order_by(pace.c.name)))


@pytest.mark.parametrize(("cluster", "stored"), [(True, ["smtp"]), (False, ["source:old.example"])])
def test_letters_keep_the_rate_that_is_shared(house: House, cluster: bool, stored: list[str]) -> None:
    with closing(Server()) as server:
        lines = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nrate = 40'
        place = with_transport(house, lines, cluster=cluster)
        with writing(place.engine) as conn:
            conn.execute(insert(pace).values(name="source:old.example", free_at=datetime(2020, 1, 1, tzinfo=UTC)))
        pipeline.run(place)
    assert [message.to for message in server.queued] == ["ann@example.org"]
    assert names(place) == stored
    assert place.fetcher().turns.is_shared is cluster


def test_a_provider_s_wait_is_kept_by_every_process(house: House) -> None:
    with closing(FakeSendGrid(now=house.now.timestamp())) as fake:
        place = with_transport(house, f'kind = "sendgrid"\nbase_url = "{fake.url}"', cluster=True)
        StoredPaces(place.engine).put_back("sendgrid", 3000)
        with pytest.raises(TryLater, match=r"SendGrid asks to wait for \d+ s"):
            pipeline.run(place)
        assert fake.asked["POST /v3/mail/send"] == 0
        with writing(place.engine) as conn:
            conn.execute(delete(pace))
        assert sum(receipt.accepted for receipt in pipeline.run(place).receipts) == 1
