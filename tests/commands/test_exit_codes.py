"""Exit codes tell cron the truth: each of them for real, by two causes or more."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from digest import cli, pipeline
from digest.editions import approve, draft, freeze
from digest.editions.due import slot_owed
from digest.store.engine import writing
from digest.store.lock import run_lock
from digest.store.schema import delivery, edition
from digest.system import stopping
from tests.counts import spread
from tests.house import House

Cause = Callable[[House], list[str]]
LOCKED, STOPPED = "while another run is under way", "after SIGTERM"


def add(house: House, lines: str) -> None:
    with house.config.open("a") as file:
        file.write(lines)


def frozen(house: House) -> int:
    """Freeze the weekly edition that is due; hand nothing over."""
    pipeline.gather(house.place, force=True)
    place, weekly = house.place, house.settings.cadence("weekly")
    with writing(place.engine) as conn:
        slot = slot_owed(conn, weekly, house.now, "Europe/London")
        assert slot is not None
        draft.ready(conn, place.settings, weekly, slot, house.now)
        return freeze.freeze(conn, place.settings, weekly, slot, place.secret, house.now).id


def smtp(port: int) -> str:
    return f'[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'


# --- 0


def letters_go_out(house: House) -> list[str]:
    return ["run", "-v"]


def nothing_is_due(house: House) -> list[str]:
    house.run()
    return ["run", "-v"]


def nothing_is_pending(house: House) -> list[str]:
    house.run()
    return ["send"]


# --- 1


def the_letters_folder_is_a_file(house: House) -> list[str]:
    (house.folder / "letters").write_text("in the way")
    return ["run"]


def an_edition_is_not_what_was_frozen(house: House) -> list[str]:
    number = frozen(house)
    with writing(house.place.engine) as conn:
        conn.execute(update(edition).where(edition.c.id == number).values(content_hash="x"))
    return ["run"]


def a_receipt_does_not_balance(house: House) -> list[str]:
    number = frozen(house)
    with writing(house.place.engine) as conn:
        conn.execute(delete(delivery).where(delivery.c.edition_id == number, delivery.c.subscriber_id == 1))
    return ["run"]


def the_database_is_damaged(house: House) -> list[str]:
    with writing(house.place.engine) as conn:
        conn.execute(text("DROP TABLE slot"))
    return ["run"]


# --- 2


def there_is_no_config(house: House) -> list[str]:
    house.config.unlink()
    return ["run"]


def a_key_is_unknown(house: House) -> list[str]:
    add(house, "[letter]\ncapp = 3\n")
    return ["run"]


def an_argument_is_wrong(house: House) -> list[str]:
    return ["send", "99"]


def the_schema_is_newer(house: House) -> list[str]:
    house.close()
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
        conn.commit()
    return ["run"]


# --- 4


def an_answer_is_unknown(house: House) -> list[str]:
    house.run()
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.id == 1).values(state="uncertain"))
    return ["run"]


def it_was_restored(house: House) -> list[str]:
    house.place.fence.hold()
    return ["run"]


def the_fence_is_lost(house: House) -> list[str]:
    house.settings.fence_file.unlink()
    return ["run"]


def an_edition_waits_for_approval(house: House) -> list[str]:
    said = house.config.read_text()
    house.config.write_text(said.replace('at = "fri 08:00"', 'at = "fri 08:00"\napproval = "required"'))
    return ["run"]


def an_editor_holds_an_edition(house: House) -> list[str]:
    pipeline.gather(house.place, force=True)
    with writing(house.place.engine) as conn:
        weekly = house.settings.cadence("weekly")
        approve.hold(conn, draft.draft(conn, house.settings, weekly, house.now).id)
    return ["run"]


# --- 75


def the_mail_server_is_away(house: House) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        add(house, smtp(free.getsockname()[1]))
    return ["run"]


def the_database_server_is_away(house: House) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = house.config.read_text()
    house.config.write_text(said + f'[storage]\nurl = "postgresql+psycopg://a@127.0.0.1:{port}/a"\n')
    return ["run"]


def another_run_is_under_way(house: House) -> list[str]:
    return ["run", LOCKED]


def it_is_asked_to_stop(house: House) -> list[str]:
    return ["run", STOPPED]


CAUSES: list[tuple[int, Cause, str]] = [
    (0, letters_go_out, "receipt: "),
    (0, nothing_is_due, "nothing to send"),
    (0, nothing_is_pending, "nothing to send"),
    (1, the_letters_folder_is_a_file, "letters cannot be written to"),
    (1, an_edition_is_not_what_was_frozen, "its stored entries are not what was frozen"),
    (1, a_receipt_does_not_balance, "A RECEIPT DOES NOT BALANCE"),
    (1, the_database_is_damaged, "no such table: slot; it is not this program's, or damaged"),
    (2, there_is_no_config, "digest init"),
    (2, a_key_is_unknown, "letter.capp: unknown key"),
    (2, an_argument_is_wrong, "edition 99 does not exist"),
    (2, the_schema_is_newer, "newer"),
    (4, an_answer_is_unknown, "1 delivery is in doubt"),
    (4, it_was_restored, "the database is in HOLD: it was restored"),
    (4, the_fence_is_lost, "the database is in HOLD: "),
    (4, an_edition_waits_for_approval, "is not approved"),
    (4, an_editor_holds_an_edition, "is stopped"),
    (75, the_mail_server_is_away, "127.0.0.1"),
    (75, the_database_server_is_away, "127.0.0.1"),
    (75, another_run_is_under_way, "another run holds the lock"),
    (75, it_is_asked_to_stop, "stopped as asked"),
]


@contextmanager
def around(house: House, word: str) -> Iterator[None]:
    """Hold the lock, or have been asked to stop, while a command runs."""
    if word == LOCKED:
        with run_lock(house.place.engine):
            yield
    elif word == STOPPED:
        stopping.request_stop()
        try:
            yield
        finally:
            stopping._asked = False
    else:
        yield


@pytest.fixture(scope="module")
def on_friday(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with three readers, and an edition due with something in it, to copy."""
    made = House(tmp_path_factory.mktemp("on-friday") / "house")
    made.run()
    for n in range(3):
        made.reader(f"r{n}@example.org")
    made.publish("One")
    made.now += timedelta(days=4)
    made.close()
    return made


@pytest.fixture
def house(on_friday: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house of this test's own with three readers, and an edition due with something in it."""
    for name in list(os.environ):
        if name.startswith("DIGEST_"):
            monkeypatch.delenv(name)
    made = on_friday.copy(tmp_path / "house")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("code", "cause", "line"), spread(6, CAUSES), ids=[f"{c} {f.__name__}" for c, f, _ in CAUSES]
)
def test_a_run_ends_with_the_code_that_is_true(
    house: House, capsys: pytest.CaptureFixture[str], code: int, cause: Cause, line: str
) -> None:
    words = cause(house)
    special = words.pop() if words[-1] in (LOCKED, STOPPED) else ""
    with around(house, special):
        got = cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words])
    said = capsys.readouterr()
    assert got == code, said.out + said.err
    assert line in said.err
    assert "Traceback" not in said.err


def test_every_code_has_two_causes_or_more() -> None:
    causes = {code: sum(1 for c, _, _ in CAUSES if c == code) for code in (0, 1, 2, 4, 75)}
    assert min(causes.values()) >= 2


@pytest.mark.long
def test_status_tells_the_whole_truth_as_one_document(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.run()
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).where(delivery.c.id == 1).values(state="uncertain", reason="lost"))
        conn.execute(text("UPDATE delivery SET state = 'pending' WHERE id = 2"))
    assert cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    weekly = next(one for one in told["receipts"] if one["cadence"] == "weekly" and one["eligible"])
    assert (weekly["uncertain"], weekly["pending"], weekly["accepted"], weekly["balanced"]) == (1, 1, 1, False)
    assert (told["hold"], told["in_doubt"], told["subscribers"]) == (None, 1, 3)
    assert {one["outcome"] for one in told["runs"]} == {"done"}
    assert cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), "doctor", "--json"]) == 1
    found = {one["problem"]: one["level"] for one in json.loads(capsys.readouterr().out)}
    assert found == {"1 letters are not handed over": "wrong", "1 delivery is in doubt": "person"}
