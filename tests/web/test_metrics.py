"""/metrics: for Prometheus with the token alone, true figures, no personal data, and no load by scraping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, select, update
from starlette.testclient import TestClient

from digest.config.operate import OperateSettings
from digest.operations.monitor import CHECKS, SharedValue
from digest.operations.owed import CODES
from digest.store.engine import writing
from digest.store.schema import delivery, edition
from digest.web.app import make_app
from digest.web.metrics import METRICS
from tests.house import START, House

TOKEN = "a-token-of-this-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OWED = "digest_readers_owed_and_nothing_about_to_send"
Samples = dict[tuple[str, ...], float]


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> House:
    house = begun(tmp_path / "house", weekly='approval = "required"')
    house.reader("anna@example.org", "daily")
    house.reader("bert@example.org")
    house.publish("One")
    house.run(hours=23)
    return house


def client_of(house: House, token: str = TOKEN) -> TestClient:
    settings = replace(house.settings, operate=OperateSettings(metrics_token=token))
    return TestClient(make_app(house.live(settings)), raise_server_exceptions=False)


def scraped(client: TestClient) -> Samples:
    """Return each sample by its name and the values of its labels, which come in the order of their names."""
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200 and "@" not in answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_figures_are_those_of_the_database(house: House) -> None:
    house.now += timedelta(hours=1)
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="pending"))
    samples = scraped(client_of(house))
    assert {name for name, *_ in samples} == set(METRICS)
    assert samples[(OWED,)] == 0 and samples[("digest_hold",)] == 0 and samples[("digest_ready",)] == 1
    assert {code for name, *rest in samples if name == "digest_unsent" for code in rest} == set(CODES)
    assert {check for name, *rest in samples if name == "digest_check_ok" for check in rest} == set(CHECKS)
    assert samples[("digest_deliveries", "daily", "1", "2026-11-03", "pending")] == 1
    assert samples[("digest_oldest_pending_seconds",)] == 3600
    assert samples[("digest_seconds_since_last_run",)] == samples[("digest_seconds_since_last_good_run",)] == 3600
    assert samples[("digest_sources", "well")] == 1 and samples[("digest_sources", "failing")] == 0
    tomorrow = START.replace(hour=8) + timedelta(days=2)
    assert samples[("digest_next_slot_timestamp_seconds", "daily")] == tomorrow.timestamp()
    assert samples[("digest_editions_waiting_for_approval",)] == 0


@pytest.mark.long
def test_what_a_person_is_needed_for_is_seen(house: House) -> None:
    client = client_of(house)
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="uncertain"))
    assert (scraped(client)[("digest_deliveries_uncertain",)], scraped(client)[(OWED,)]) == (1, 0)
    house.now = START + timedelta(days=3, hours=23)
    house.run()
    assert scraped(client)[("digest_editions_waiting_for_approval",)] == 1
    house.now += timedelta(hours=1, minutes=40)
    assert (scraped(client)[(OWED,)], scraped(client)[("digest_unsent", "approval")]) == (1, 1)
    house.place.fence.hold()
    house.now += timedelta(minutes=1)
    samples = scraped(client)
    assert (samples[("digest_hold",)], samples[("digest_check_ok", "hold")], samples[("digest_ready",)]) == (1, 0, 0)
    assert samples[("digest_unsent", "hold")] == 1


def test_without_a_database_it_still_answers(house: House) -> None:
    client = client_of(house)
    house.close()
    (house.folder / "digest.db").rename(house.folder / "gone.db")
    samples = scraped(client)
    assert (samples[("digest_ready",)], samples[("digest_check_ok", "database")]) == (0, 0)
    assert (OWED,) not in samples, "nobody knows"


def test_only_the_token_opens_it_and_without_one_it_is_not_there(house: House) -> None:
    client = client_of(house)
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}):
        answer = client.get("/metrics", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": b"Bearer \xe9"}).status_code == 401
    assert client.post("/metrics", headers=BEARER).status_code == 405
    assert client_of(house, token="").get("/metrics", headers=BEARER).status_code == 404


def test_the_registry_of_all_knows_nothing_of_it(house: House) -> None:
    scraped(client_of(house))
    assert not [family for family in REGISTRY.collect() if family.name.startswith("digest")]


def test_scraping_and_asking_share_one_look(house: House) -> None:
    client, statements = client_of(house), 0

    @event.listens_for(house.place.engine, "before_cursor_execute")
    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    scraped(client)
    first, statements = statements, 0
    for _ in range(20):
        scraped(client)
        client.get("/readyz")
    assert (first > 5, statements) == (True, 0)


@pytest.mark.long
def test_the_queries_of_a_look_do_not_grow_with_readers(house: House) -> None:
    """Nothing on the way of /readyz counts the deliveries of an edition: each query ends at the first row."""
    with writing(house.place.engine) as conn:
        number = conn.scalar(select(edition.c.id).where(edition.c.cadence == "daily"))
        rows = [{"edition_id": number, "subscriber_id": n, "state": "pending", "updated_at": house.now}
                for n in range(100, 20_100)]  # fmt: skip
        conn.execute(insert(delivery), rows)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    client = client_of(house)
    engine = house.place.engine
    with engine.connect() as conn:
        conn.connection.driver_connection.set_progress_handler(step, 1_000)  # type: ignore[union-attr]
    house.now += timedelta(minutes=10)
    assert client.get("/readyz").status_code == 200
    assert steps < 20, "20,000 rows were read"


def test_a_slow_value_is_made_seldom() -> None:
    now, calls = START, 0

    def make() -> int:
        nonlocal calls
        calls += 1
        time.sleep(0.02)
        return calls

    shared = SharedValue(make, lambda: now, timedelta(seconds=0.1))
    assert (shared.newest(), shared.newest()) == (1, 1)
    now += timedelta(seconds=0.3)
    assert shared.newest() == 1, "it took 0.02 s, so it is shared for 0.4"
    now += timedelta(seconds=10)
    assert shared.newest() == 2
    now -= timedelta(days=1)  # the clock was set back
    assert shared.newest() == 3


def test_a_value_that_takes_for_ever_is_shared_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ticks = START, iter(range(0, 10_000, 30))
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))  # each takes 30 seconds
    values = iter("abc")
    shared = SharedValue(lambda: next(values), lambda: now, timedelta(seconds=5))
    assert shared.newest() == "a"
    now += timedelta(seconds=59)
    assert shared.newest() == "a"
    now += timedelta(seconds=2)
    assert shared.newest() == "b"


def test_while_a_value_is_made_others_get_the_one_before() -> None:
    now, entered, go_on = START, threading.Event(), threading.Event()
    values = iter("ab")

    def make() -> str:
        value = next(values)
        if value == "b":
            entered.set()
            assert go_on.wait(30)
        return value

    shared = SharedValue(make, lambda: now, timedelta(seconds=5))
    assert shared.newest() == "a"
    now += timedelta(minutes=5)
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(shared.newest()))
    thread.start()
    assert entered.wait(30)
    assert shared.newest() == "a"
    go_on.set()
    thread.join()
    assert (told, shared.newest()) == (["b"], "b")


def test_a_value_that_cannot_be_made_is_asked_for_again() -> None:
    answers: Iterator[Exception | str] = iter([ZeroDivisionError(), "a"])

    def make() -> str:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    shared = SharedValue(make, lambda: START, timedelta(seconds=5))
    with pytest.raises(ZeroDivisionError):
        shared.newest()
    assert shared.newest() == "a"
