"""What no page can answer is a page all the same, tells nothing of ours, and never makes an empty database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from digest.store.engine import NoDatabase, make_engine, reading, writing
from digest.web.app import make_app
from digest.web.health import why_unhealthy
from digest.web.readers.page import always
from digest.web.readers.routes import PAGES
from subscribers.link_keys import LinkKeyFile
from tests import console
from tests.house import House, Serving, empty_database
from tests.transports.webhook import SECRET
from tests.web.test_app import app_on, guarded, token

NOWHERE = [
    "/unsubscribe",
    "/preferences/x/",
    "/healthz/",
    "/letters/x/",
    "/hooks/sendgrid/",
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine on a new SQLite file, as `digest serve` opens it."""
    path = tmp_path / "digest.db"
    path.write_bytes(empty_database())
    return make_engine(f"sqlite:///{path}", create=False)


@pytest.fixture
def client(engine: Engine) -> TestClient:
    return TestClient(app_on(engine), raise_server_exceptions=False)


def test_a_slash_behind_a_link_leads_to_a_path_of_ours(client: TestClient) -> None:
    path = f"/unsubscribe/{token()}"
    answer = client.get(f"{path}/", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, path)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_leads_nowhere_is_a_page_and_never_a_redirect(client: TestClient, method: str) -> None:
    for path in NOWHERE:
        answer = client.request(method, path, headers={"Host": "evil.example"}, follow_redirects=False)
        assert (answer.status_code, guarded(answer), "location" in answer.headers) == (404, True, False), path
        assert "There is no page here" in answer.text and "evil" not in answer.text
        assert answer.headers["content-type"].startswith("text/html")


def test_a_wrong_method_is_a_page_that_names_the_right_ones(client: TestClient) -> None:
    for path, allowed in (
        ("/healthz", "GET, HEAD"),
        ("/preferences/x", "GET, HEAD, POST"),
        ("/hooks/sendgrid", "POST"),
    ):
        answer = client.request("DELETE", path)
        assert (answer.status_code, set(answer.headers["allow"].split(", ")), guarded(answer)) == (
            405, set(allowed.split(", ")), True,
        )  # fmt: skip
        assert "<h1>Nothing can be sent to this page</h1>" in answer.text


def test_a_fault_of_ours_is_a_guarded_page_that_says_nothing(engine: Engine, client: TestClient) -> None:
    def broken() -> datetime:
        raise RuntimeError("a detail of ours")

    settings = House(Path(str(engine.url.database)).parent / "house").settings
    faulty = TestClient(
        make_app(Serving(settings, broken, engine=engine, secret=SECRET)), raise_server_exceptions=False
    )
    answer = faulty.post("/hooks/sendgrid", content=b"[]")
    assert (answer.status_code, guarded(answer), "a detail of ours" in answer.text) == (500, True, False)
    assert "Something went wrong" in answer.text


def gone(path: Path) -> None:
    for file in path.parent.glob("digest.db*"):
        file.rename(path.parent / f"away-{file.name}")


def empty(path: Path) -> None:
    gone(path)
    path.touch()


def without_a_table(path: Path) -> None:
    with writing(make_engine(f"sqlite:///{path}")) as conn:
        conn.execute(text("PRAGMA defer_foreign_keys=ON"))
        conn.execute(text("DROP TABLE subscriber"))


def older(path: Path) -> None:
    with writing(make_engine(f"sqlite:///{path}")) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def newer(path: Path) -> None:
    with writing(make_engine(f"sqlite:///{path}")) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def no_database(path: Path) -> None:
    gone(path)
    path.write_bytes(b"This is a text, and not a database at all. " * 100)


@pytest.mark.parametrize("harm", [gone, empty, without_a_table, older, newer, no_database])
def test_health_is_told_by_looking(engine: Engine, client: TestClient, harm: Callable[[Path], None]) -> None:
    path = Path(str(engine.url.database))
    well = why_unhealthy(engine, SECRET, LinkKeyFile(path.with_name("no keys"), SECRET))
    assert (client.get("/healthz").status_code, well) == (200, "")
    harm(path)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json(), guarded(answer)) == (503, {"ok": False}, True)
    assert path.exists() is (harm is not gone)


@pytest.mark.parametrize("harm", [gone, empty, without_a_table, no_database])
def test_readers_get_a_page_that_asks_for_patience(
    engine: Engine, client: TestClient, harm: Callable[[Path], None]
) -> None:
    path = Path(str(engine.url.database))
    client.get("/healthz")  # a connection is open already
    harm(path)
    assert client.post(f"/pause/{token('preferences')}", data={"for": "1-month"}).status_code == 503
    answer = client.post(f"/unsubscribe/{token()}")
    assert (answer.status_code, answer.headers["retry-after"], guarded(answer)) == (503, "600", True)
    assert "We cannot answer just now" in answer.text and "digest.db" not in answer.text
    assert path.exists() is (harm is not gone)


@pytest.mark.parametrize("harm", [older, newer])
def test_a_database_of_another_schema_takes_nothing_from_readers(
    engine: Engine, client: TestClient, harm: Callable[[Path], None]
) -> None:
    pages = [page for page in PAGES if page.post and page.offered is always]
    paths = [page.path.format(token=token("preferences"), name="x") for page in pages]
    assert client.post(f"/unsubscribe/{token()}").status_code < 500
    harm(Path(str(engine.url.database)))
    for path in [*paths, f"/unsubscribe/{token()}"]:
        answer = client.post(path)
        assert (answer.status_code, answer.headers["retry-after"], guarded(answer)) == (503, "600", True), path
        assert "We cannot answer just now" in answer.text and "alembic" not in answer.text
    assert client.get(f"/unsubscribe/{token()}").status_code < 500


def test_a_database_that_comes_back_is_used_again(engine: Engine, client: TestClient) -> None:
    path = Path(str(engine.url.database))
    assert client.get("/healthz").status_code == 200
    gone(path)
    assert client.get("/healthz").status_code == 503
    for file in path.parent.glob("away-*"):
        file.rename(path.parent / file.name.removeprefix("away-"))
    assert client.get("/healthz").status_code == 200


def test_serve_does_not_start_without_a_database(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "digest.db").unlink()
    told = console.digest(tmp_path, "--config", str(house.config), "serve", "--port", "0")
    assert (told.code, "there is no such file" in told.stderr, "digest db restore" in told.stderr) == (2, True, True)
    assert not (tmp_path / "digest.db").exists()


def test_an_engine_whose_file_has_gone_makes_no_new_one(tmp_path: Path) -> None:
    path = tmp_path / "digest.db"
    engine = make_engine(f"sqlite:///{path}")
    with writing(engine) as conn:
        conn.execute(text("CREATE TABLE kept (id INTEGER)"))
    path.unlink()
    for transaction in (reading, writing):
        with pytest.raises(NoDatabase, match="no such file"), transaction(engine):
            pass
    assert not path.exists()
