"""`digest status` and `digest doctor` need no right to write: neither the file nor its folder, nor a table."""

from __future__ import annotations

import json
import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from digest.errors import DigestError
from digest.store.engine import make_engine, reading, writing
from digest.store.read_only import is_read_only
from tests import console
from tests.house import House

Begun = Callable[..., House]


@pytest.fixture
def house(begun: Begun) -> Iterator[House]:
    """Yield a house in a folder that other accounts may enter and read; only its own may write."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        house = begun(Path(folder) / "house")
        house.reader("anna@example.org", "daily")
        house.publish("One")
        house.run(hours=23)
        house.close()
        for path in [house.folder, *house.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield house
        house.close()
        for path in [house.folder, *house.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def as_nobody(house: House, *words: str) -> console.Answer:
    """Run a command as an account that may read everything and write nothing: root as nobody, others as they are.

    In a fork, because nobody may not be able to start this Python; so what a command imports is imported before.
    """
    command = ("--config", str(house.config), "--now", house.now.isoformat(), *words)
    console.digest(house.folder, *command)
    with tempfile.TemporaryFile("w+") as answer:
        if (child := os.fork()) == 0:
            try:
                if os.geteuid() == 0:
                    nobody = pwd.getpwnam("nobody")
                    os.setgroups([])
                    os.setgid(nobody.pw_gid)
                    os.setuid(nobody.pw_uid)
                json.dump(asdict(console.digest(Path("/"), *command)), answer)
                answer.flush()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        return console.Answer(**json.load(answer))


def close_to_writers(house: House) -> None:
    for path in [*house.folder.rglob("*"), house.folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_an_account_that_may_only_read(house: House) -> None:
    close_to_writers(house)
    before = {path: path.stat().st_mtime_ns for path in house.folder.rglob("*")}
    status = as_nobody(house, "status", "--json")
    assert (status.code, status.stderr, status.document["receipts"][0]["accepted"]) == (0, "", 1)
    doctor = as_nobody(house, "doctor", "--json")
    # The files are open to others, and nothing else is wrong.
    assert (doctor.stderr, [finding["place"] for finding in doctor.document]) == ("", ["files"])
    assert {path: path.stat().st_mtime_ns for path in house.folder.rglob("*")} == before


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_while_another_account_writes(house: House) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(text("UPDATE delivery SET state = 'uncertain'"))
    assert (house.folder / "digest.db-wal").stat().st_size > 0
    status = as_nobody(house, "status", "--json")
    assert (status.code, status.stderr, status.document["in_doubt"]) == (0, "", 1)


@pytest.mark.long
def test_nothing_is_written_by_it(house: House) -> None:
    close_to_writers(house)
    answer = as_nobody(house, "gather")
    assert answer.code == 1 and "this account" in answer.stderr


def test_a_file_that_may_be_written_is_not_read_only(house: House) -> None:
    assert not is_read_only(house.folder / "digest.db")


def test_a_role_that_may_only_read(tmp_path: Path, postgresql_url: str) -> None:
    name = f"reads_{make_url(postgresql_url).database}"[:60]
    owner = make_engine(postgresql_url)

    def order(statement: str) -> None:
        with owner.begin() as connection:
            connection.exec_driver_sql(statement.replace("NAME", name))

    house = House(tmp_path / "house", postgresql_url)
    house.reader("anna@example.org", "daily")
    house.run()
    house.publish("One")
    house.run(hours=23)
    house.close()
    order("CREATE ROLE NAME LOGIN")
    try:
        order("GRANT SELECT ON ALL TABLES IN SCHEMA public TO NAME")
        url = make_url(postgresql_url).set(username=name).render_as_string(hide_password=False)
        config = ["--config", str(house.config), "--now", house.now.isoformat()]
        status, doctor = (
            console.digest(tmp_path, *config, command, "--json", environ={"DIGEST_STORAGE__URL": url})
            for command in ("status", "doctor")
        )
        assert (status.code, status.stderr, status.document["receipts"][0]["accepted"]) == (0, "", 1)
        assert (doctor.code, doctor.stderr, doctor.document) == (0, "", [])
        engine = make_engine(url)
        with pytest.raises(DigestError, match="permission denied"), writing(engine) as conn:
            conn.exec_driver_sql("DELETE FROM counter")
        with reading(engine) as conn:
            assert conn.scalar(text("SELECT count(*) FROM delivery")) == 1
        engine.dispose()
    finally:
        order("DROP OWNED BY NAME")
        order("DROP ROLE NAME")
        owner.dispose()
