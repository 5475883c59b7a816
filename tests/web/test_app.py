"""The web application: only what is signed gets in, a GET changes nothing, every answer is guarded."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import uvicorn
from sqlalchemy import Engine, insert, text, update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from digest.config.events import EventsSettings
from digest.config.load import load
from digest.model import NamedAddress, Site
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.system.resources import resource
from digest.web.app import LARGEST_BODY, make_app
from subscribers import store as people
from subscribers import tables as people_tables
from subscribers.tokens import make_token
from tests.counts import few_and_many
from tests.house import House, Serving
from tests.transports.webhook import KEYS, NOW, SECRET, SIGNATURE, TIMESTAMP, Signer, body_of, told

Open = Callable[..., Engine]
SIGNER = Signer()
SITE = Site(
    "Learning <Digest>",
    "https://digest.example.org",
    NamedAddress("digest@example.org"),
    NamedAddress("editors@example.org"),
)
GUARDS = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age",
    "cache-control": "no-store",
}


def app_on(engine: Engine) -> ASGIApp:
    events = EventsSettings(keys=(SIGNER.public,))
    settings = replace(load(resource("config.toml"), {}), site=SITE, events=events)
    return make_app(Serving(settings, lambda: NOW, engine=engine, secret=SECRET))


@pytest.fixture
def engine(opened: Open, pipeline_url: str) -> Engine:
    """An engine on `pipeline_url`."""
    return opened(pipeline_url)


@pytest.fixture
def client(engine: Engine) -> TestClient:
    """The application on a database with one reader and one claimed delivery."""
    return filled(engine)


def filled(engine: Engine) -> TestClient:
    with writing(engine) as conn:
        people.add(
            conn, people.NewSubscriber("reader@example.org", cadence="weekly"), how="test", now=NOW, secret=SECRET
        )
        conn.execute(update(people_tables.subscriber).values(key=KEYS.subscriber))
        conn.execute(
            insert(tables.edition).values(
                id=1, key=KEYS.edition, cadence="weekly", slot="2026-11-06", state="frozen", to_release=0,
                content_hash="", created_at=NOW, eligible=1,
            )
        )  # fmt: skip
        conn.execute(
            insert(tables.delivery), [{"edition_id": 1, "subscriber_id": 1, "state": "claimed", "updated_at": NOW}]
        )
    return TestClient(app_on(engine), raise_server_exceptions=False)


def events(engine: Engine) -> int:
    with reading(engine) as conn:
        return conn.scalar(text("SELECT count(*) FROM event")) or 0


def reader_state(engine: Engine) -> str:
    with reading(engine) as conn:
        person = people.get(conn, 1)
    return person.state if person else "gone"


def guarded(answer: httpx2.Response) -> bool:
    return all(said in answer.headers.get(name, "") for name, said in GUARDS.items())


# --- the webhook ----------------------------------------------------------------------------------------------


def test_a_signed_call_is_answered_once_it_is_stored(client: TestClient, engine: Engine) -> None:
    body = body_of(told("delivered", 1, "a"), told("open", 1, "b"))
    answer = client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
    assert (answer.status_code, answer.content, guarded(answer)) == (204, b"", True)
    with reading(engine) as conn:
        assert conn.execute(text("SELECT state, fate FROM delivery")).all() == [("accepted", "delivered")]
    assert events(engine) == 1


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_a_database_of_another_schema_takes_no_event_and_asks_for_it_again(
    opened: Open, sqlite_url: str, revision: str
) -> None:
    engine = opened(sqlite_url)
    client, body = filled(engine), body_of(told("delivered", 1, "a"))
    with writing(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    answer = client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
    assert (answer.status_code, answer.headers["retry-after"], events(engine)) == (503, "600", 0)


@pytest.mark.long
@few_and_many(25, 1000)
def test_good_calls_again_and_again_make_no_row(opened: Open, sqlite_url: str, count: int) -> None:
    engine = opened(sqlite_url)
    client = filled(engine)
    bodies = [body_of(told("delivered", 1, f"e{n % 20}"), told("processed", 1, f"p{n % 20}")) for n in range(count)]
    signed = {body: SIGNER.headers(body, NOW - timedelta(hours=24)) for body in set(bodies)}
    codes = {client.post("/hooks/sendgrid", content=body, headers=signed[body]).status_code for body in bodies}
    assert (codes, events(engine)) == ({204}, 40)


@pytest.mark.long
@few_and_many(40, 2000)
def test_bad_calls_make_no_row(opened: Open, sqlite_url: str, count: int) -> None:
    engine = opened(sqlite_url)
    client = filled(engine)
    body = body_of(told("delivered", 1, "a"))
    good = SIGNER.headers(body)
    other = Signer().headers(body)
    calls = [
        (body[:n] + bytes([body[n] ^ (1 << bit)]) + body[n + 1 :], good) for n in range(len(body)) for bit in range(4)
    ]
    calls += [
        (body, {**good, SIGNATURE: good[SIGNATURE][:n] + letter + good[SIGNATURE][n + 1 :]})
        for n in range(len(good[SIGNATURE]))
        for letter in "Az/="
        if good[SIGNATURE][n] != letter
    ]
    calls += [(body, {**good, TIMESTAMP: str(int(good[TIMESTAMP]) + n)}) for n in range(-40, 40) if n]
    assert len(calls) > 1000
    # Each kind of call stays in the sample: every so-manieth of the changed bytes and signatures.
    calls = calls[:: len(calls) // count or 1]
    calls += [(body, SIGNER.headers(body, NOW + timedelta(hours=hours))) for hours in (-26, -100, 1, 20)]
    calls += [(body, {}), (body, {SIGNATURE: good[SIGNATURE]}), (body, {TIMESTAMP: good[TIMESTAMP]}), (body, other)]
    calls += [(body, {**good, SIGNATURE: ""}), (body, {**good, TIMESTAMP: ""}), (b"", good), (body.strip(), good)]
    answers = [client.post("/hooks/sendgrid", content=content, headers=headers) for content, headers in calls]
    assert {answer.status_code for answer in answers} == {401}
    assert all(map(guarded, answers))
    assert events(engine) == 0


def test_a_signature_given_twice_is_none(client: TestClient, engine: Engine) -> None:
    body = body_of(told("delivered", 1, "a"))
    good = list(SIGNER.headers(body).items())
    assert client.post("/hooks/sendgrid", content=body, headers=[*good, *good]).status_code == 401
    assert events(engine) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"nonsense", b'[{"event":"delivered","sg_event_id":"a","sg_event_id":"b"}]', b"[" * 100_000],
)
def test_a_signed_body_that_is_no_list_of_events(client: TestClient, engine: Engine, body: bytes) -> None:
    answer = client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
    assert (answer.status_code, guarded(answer), events(engine)) == (400, True, 0)


def test_a_signed_body_full_of_junk_is_taken_for_what_is_good(client: TestClient, engine: Engine) -> None:
    body = body_of(None, 7, {}, {"event": "bounce", "status": [], "reason": "\x00\ud800"}, told("delivered", 1, "a"))
    assert client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body)).status_code == 204
    assert events(engine) == 2


def test_what_is_compressed_is_refused(client: TestClient, engine: Engine) -> None:
    body = gzip.compress(body_of(told("delivered", 1, "a")))
    headers = SIGNER.headers(body) | {"Content-Encoding": "gzip"}
    answer = client.post("/hooks/sendgrid", content=body, headers=headers)
    assert (answer.status_code, guarded(answer), events(engine)) == (415, True, 0)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_only_a_post_is_a_call(client: TestClient, engine: Engine, method: str) -> None:
    body = body_of(told("delivered", 1, "a"))
    answer = client.request(method, "/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
    assert (answer.status_code, guarded(answer), events(engine)) == (405, True, 0)


def test_a_database_that_is_away_is_try_again(opened: Open, sqlite_url: str) -> None:
    holder, engine = opened(sqlite_url), opened(sqlite_url, wait=0.0)
    body = body_of(told("delivered", None, "a"))
    client = TestClient(app_on(engine))
    with writing(holder):
        answer = client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
        assert (answer.status_code, answer.headers["retry-after"], guarded(answer)) == (503, "60", True)
        assert client.post(f"/unsubscribe/{token()}").status_code == 503
    assert client.post("/hooks/sendgrid", content=body, headers=SIGNER.headers(body)).status_code == 204
    assert events(engine) == 1


# --- leaving --------------------------------------------------------------------------------------------------


def token(purpose: str = "unsubscribe", subscriber: int = 1) -> str:
    return make_token([SECRET], purpose, subscriber, KEYS.subscriber, edition=1)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_opening_the_link_changes_nothing(client: TestClient, engine: Engine, method: str) -> None:
    for agent in ("Mozilla/5.0", "scanner", "curl/8"):
        answer = client.request(method, f"/unsubscribe/{token()}", headers={"User-Agent": agent})
        assert answer.status_code in (200, 405)
        assert guarded(answer)
    assert reader_state(engine) == "active"


def test_the_page_asks_first_and_is_plain(client: TestClient) -> None:
    answer = client.get(f"/unsubscribe/{token()}")
    assert f'<form method="post" action="/unsubscribe/{token()}">' in answer.text
    assert "r•••@example.org" in answer.text and "reader@" not in answer.text
    assert "Learning &lt;Digest&gt;" in answer.text
    assert "<script" not in answer.text and "http" not in answer.text.replace("http-equiv", "")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
        {"content": b"\xff\x00", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ],
)
def test_one_click_leaves_whatever_the_form(client: TestClient, engine: Engine, sent: dict[str, object]) -> None:
    answers = [client.post(f"/unsubscribe/{token()}", follow_redirects=False, **sent) for _ in range(2)]  # type: ignore[arg-type]
    assert [(answer.status_code, guarded(answer)) for answer in answers] == [(200, True)] * 2
    assert answers[0].content == answers[1].content
    assert "set-cookie" not in answers[0].headers
    assert reader_state(engine) == "left"
    with reading(engine) as conn:
        assert [one.what for one in people.history(conn, 1)] == ["added", "left"]
        assert people.is_suppressed(conn, "reader@example.org", secret=SECRET) == "left"


def test_the_link_of_who_was_erased_says_that_nothing_is_kept(client: TestClient, engine: Engine) -> None:
    with writing(engine) as conn:
        people.forget(conn, 1, now=NOW, secret=SECRET)
    for answer in (client.get(f"/unsubscribe/{token()}"), client.post(f"/unsubscribe/{token()}")):
        assert answer.status_code == 200 and guarded(answer)
        assert "nothing is kept of the person who did" in answer.text and "•••" not in answer.text


@pytest.mark.long
def test_a_changed_token_opens_nothing(client: TestClient, engine: Engine) -> None:
    good = token()
    bad = [good[:n] + ("A" if good[n] != "A" else "B") + good[n + 1 :] for n in range(len(good))]
    bad += [make_token([SECRET], "preferences", 1, KEYS.subscriber)]
    bad += [make_token([b"o" * 32], "unsubscribe", 1, KEYS.subscriber), "x", "%00", "a" * 5000]
    answers = [client.post(f"/unsubscribe/{one}") for one in bad]
    assert {answer.status_code for answer in answers} == {404}
    assert all(map(guarded, answers))
    assert reader_state(engine) == "active"


def test_a_form_has_bounds(client: TestClient, engine: Engine) -> None:
    assert client.post(f"/unsubscribe/{token()}", content=b"x" * 70_000).status_code == 413
    assert reader_state(engine) == "active"


def test_health_and_what_is_not_there(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"ok": True}
    for answer in (client.get("/nowhere"), client.get("/unsubscribe"), client.post("/healthz"), client.get("/..%2f")):
        assert answer.status_code in (404, 405) and guarded(answer)


# --- a real server --------------------------------------------------------------------------------------------


@pytest.fixture
def address(client: TestClient, engine: Engine) -> Iterator[str]:
    """The application behind uvicorn on a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app_on(engine), log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def raw(address: str, *parts: bytes) -> bytes:
    """Send bytes as they are; return the answer's first line, whatever becomes of the rest."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as talk:
        try:
            for part in parts:
                talk.sendall(part)
        except OSError:
            pass  # it answered and hung up before we were done
        try:
            return talk.recv(1000).partition(b"\r\n")[0]
        except ConnectionResetError:
            return b"reset"


def test_a_signed_call_over_a_socket(address: str, engine: Engine) -> None:
    body = body_of(*(told("delivered", 1, f"e{n}") for n in range(500)))
    with httpx2.Client() as calls:
        answer = calls.post(f"{address}/hooks/sendgrid", content=body, headers=SIGNER.headers(body))
        assert (answer.status_code, events(engine), guarded(answer)) == (204, 500, True)
        assert (
            calls.post(f"{address}/unsubscribe/{token()}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
        )
    assert reader_state(engine) == "left"


def test_fifty_megabytes_are_not_read(address: str, engine: Engine) -> None:
    head = b"POST /hooks/sendgrid HTTP/1.1\r\nHost: x\r\n"
    announced = raw(address, head + b"Content-Length: 50000000\r\n\r\n")
    assert b" 413 " in announced
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = raw(address, head + b"Transfer-Encoding: chunked\r\n\r\n", *[piece] * (50_000_000 // 65536))
    assert b" 413 " in sent or sent == b"reset"
    body = json.dumps([told("delivered", 1, "a")]).encode() + b" " * LARGEST_BODY
    with httpx2.Client() as calls:
        try:
            code = calls.post(f"{address}/hooks/sendgrid", content=body, headers=SIGNER.headers(body)).status_code
        except httpx2.TransportError:
            code = 413  # it hung up while we still wrote
        assert code == 413
        assert calls.get(f"{address}/healthz").status_code == 200
    assert events(engine) == 0


def test_digest_serve_as_a_process(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    number = house.reader("reader@example.org")
    command = [sys.executable, "-m", "digest", "--config", str(house.config), "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("listening on"):
                break
        address = lines[-1].split()[-1]
        with httpx2.Client(timeout=20) as calls:
            # It listens already; the first answer comes when it is ready.
            assert calls.get(f"{address}/healthz").json() == {"ok": True}
            answer = calls.post(f"{address}/hooks/sendgrid", content=b"[]")
            assert (answer.status_code, guarded(answer), "server" in answer.headers) == (401, True, False)
            link = house.token("unsubscribe", number)
            assert calls.get(f"{address}/unsubscribe/{link}").status_code == 200
            assert calls.post(f"{address}/unsubscribe/{link}").status_code == 200
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        # No token in the story.
        assert link not in "".join(lines) + rest
    finally:
        process.kill()
        process.communicate()
    with reading(house.place.engine) as conn:
        person = people.get(conn, number)
    assert person is not None and person.state == "left"
    house.close()
