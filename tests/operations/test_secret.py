"""A secret that is lost or another one: nothing goes on with a new secret once letters were sent with the old."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete
from starlette.testclient import TestClient

from digest import cli
from digest.cli import digest
from digest.store.engine import reading, writing
from digest.web.app import make_app
from subscribers import store as people
from subscribers.errors import BadSecret
from subscribers.suppression import is_sealed, seal
from subscribers.tables import suppression_secret
from tests.counts import spread
from tests.house import House, Serving

OTHER = "0f" * 32


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house from which one letter has left; nobody has left the list."""
    house = House(tmp_path_factory.mktemp("sent") / "house")
    house.reader("r@example.org")
    house.run()
    house.publish("One")
    house.run(days=4)
    house.close()
    return house


@pytest.fixture
def house(pattern: House, tmp_path: Path) -> Iterator[House]:
    """A copy of `pattern`."""
    here = pattern.copy(tmp_path / "house")
    yield here
    here.close()


def lost(file: Path) -> None:
    file.unlink()


def foreign(file: Path) -> None:
    file.write_text(OTHER)


def empty(file: Path) -> None:
    file.write_text("")


def answers(house: House) -> dict[str, tuple[int, bool]]:
    """Return {command: (exit code, whether it names the secret)} of commands that must not go on."""
    results = {}
    for words in ("check", "doctor", "run", "send", "serve --port 0", "schedule"):
        line = ["--config", str(house.config), "--now", house.now.isoformat(), *words.split()]
        result = CliRunner().invoke(digest, line)
        error = result.exception
        code = getattr(error, "exit_code", result.exit_code)
        results[words.split()[0]] = code, "secret" in f"{error} {result.output}"
    return results


@pytest.mark.long
@pytest.mark.parametrize("harm", spread(1, [lost, foreign, empty]))
@pytest.mark.parametrize("sealed", spread(1, [True, False]))
def test_nothing_goes_on(house: House, harm: Callable[[Path], None], sealed: bool) -> None:
    """`sealed` false: an earlier version sent the letters, so a lost secret shows, and another one cannot."""
    if not sealed:
        if harm is foreign:
            pytest.skip("an unsealed database cannot tell")
        with writing(house.place.engine) as conn:
            conn.execute(delete(suppression_secret))
    file = house.settings.secret_file
    shutil.copy(file, house.folder / "kept")
    harm(file)
    before = file.read_bytes() if file.exists() else None
    house.publish("Two")
    told = answers(house)
    assert {name: told[name] for name in ("check", "run", "send", "serve", "schedule")} == dict.fromkeys(
        ("check", "run", "send", "serve", "schedule"), (2, True)
    )
    assert told["doctor"] == (1, True)
    assert (file.read_bytes() if file.exists() else None) == before  # none was made
    shutil.copy(house.folder / "kept", file)
    assert cli.run_command(["--config", str(house.config), "check"]) == 0
    assert [receipt.accepted for receipt in house.run(days=7).receipts if receipt.cadence == "weekly"] == [1]


@pytest.mark.long
def test_an_older_database_is_sealed_by_the_first_run_that_sends_nothing(house: House) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(delete(suppression_secret))
    house.run()
    with reading(house.place.engine) as conn:
        assert is_sealed(conn)
    foreign(house.settings.secret_file)
    with pytest.raises(BadSecret, match="is not the one this database's links and suppressions were made with"):
        house.run()


@pytest.mark.long
def test_before_the_first_letter_a_new_secret_harms_nobody(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.reader("r@example.org")
    house.run()
    house.settings.secret_file.unlink()
    assert cli.run_command(["--config", str(house.config), "check"]) == 0
    assert not house.settings.secret_file.exists()
    house.publish("One")
    assert [receipt.accepted for receipt in house.run(days=4).receipts if receipt.cadence == "weekly"] == [1]
    house.close()


def test_a_server_whose_secret_is_not_the_databases_is_not_well(house: House) -> None:
    place = house.place
    well = TestClient(make_app(house.live())).get("/healthz")
    app = make_app(Serving(house.settings, lambda: house.now, engine=place.engine, secret=bytes.fromhex(OTHER)))
    ill = TestClient(app).get("/healthz")
    assert (well.status_code, well.json(), ill.status_code, ill.json()) == (200, {"ok": True}, 503, {"ok": False})


def test_only_the_first_seal_counts(house: House) -> None:
    with writing(house.place.engine) as conn:
        seal(conn, house.place.secret)
        with pytest.raises(BadSecret):
            seal(conn, bytes.fromhex(OTHER))
        assert people.is_suppressed(conn, "r@example.org", secret=house.place.secret) is None
