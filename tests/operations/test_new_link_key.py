"""`digest db new-link-key`: old links go on to work, or serve leaving alone; a lost file of keys is refused aloud."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import digest as product
from digest.desk.preview import preview
from digest.notices.new_link import LinkNotices
from digest.operations.doctor import examine
from digest.store.engine import reading
from digest.store.lock import run_lock
from digest.web.app import make_app
from subscribers import store as people
from subscribers.errors import BadSecret, BadToken
from subscribers.link_keys import link_key_path
from subscribers.tokens import DESPITE_RETIREMENT, LIFETIMES, make_token, read_token
from tests.console import Answer, digest
from tests.house import House

ANN = "ann@example.org"


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house whose reader has had a letter, with news for the next."""
    house = House(tmp_path_factory.mktemp("sent") / "house")
    house.run()
    house.reader(ANN)
    house.publish("One")
    house.run(days=4)
    house.publish("Two")
    house.close()
    return house


def told(house: House, *words: str) -> Answer:
    environ = {"DIGEST_STORAGE__URL": house.settings.storage_url}
    return digest(house.folder, "--now", house.now.isoformat(), *words, environ=environ)


def paths(house: House) -> dict[str, str]:
    """Return {page: path} of the links of Ann's newest letter."""
    newest = max(house.folder.glob("letters/weekly-*/*.txt"))
    found = re.findall(r"https://digest\.example\.org(/(\w+)/[\w.-]+)", newest.read_text())
    return {page: path for path, page in found}


def pages(house: House) -> TestClient:
    return TestClient(make_app(house.live(), LinkNotices(house.place)))


def keys_file(house: House) -> Path:
    return link_key_path(house.settings.secret_file)


def test_the_command_tells_the_file_and_its_keys(tmp_path: Path, begun: Callable[..., House]) -> None:
    house = begun(tmp_path / "house")
    secret, file = house.place.secret, keys_file(house)
    assert house.place.link_keys == (secret,) and house.place.link_keys.retired == ()
    for words, told_of, counts in (
        ((), "2 keys in use, the newest signs", (2, 0)),
        (("--retire-older",), "1 key in use, the newest signs, 2 older ones for leaving alone", (1, 2)),
    ):
        answer = told(house, "db", "new-link-key", *words)
        assert (answer.code, answer.stdout) == (0, f"{file}: {told_of}\n")
        assert (len(house.place.link_keys), len(house.place.link_keys.retired)) == counts
    assert house.place.link_keys.retired[0] == secret == house.place.secret and file.stat().st_mode & 0o777 == 0o600
    house.close()


@pytest.mark.long
def test_old_and_new_links_work_on_a_server_that_runs_on(house: House) -> None:
    old, server = paths(house), pages(house)
    assert set(old) == {"unsubscribe", "yours", "letters"}
    answer = told(house, "db", "new-link-key")
    assert (answer.code, answer.stdout) == (0, f"{keys_file(house)}: 2 keys in use, the newest signs\n")
    assert "keep a copy of this file" in answer.stderr
    [number] = [receipt.edition for receipt in house.run(days=7).receipts if receipt.cadence == "weekly"]
    new, shown = paths(house), preview(house.place, email=ANN, number=number).parcel
    assert new != old and shown is not None
    assert new["yours"] in shown.letter.plain_text() and new["unsubscribe"] in shown.letter.html_text()
    for path in (*old.values(), *new.values()):
        assert server.get(path).status_code == 200, path
    person = shown_person(house)
    assert new["yours"] == "/yours/" + make_token([house.place.link_keys[-1]], "preferences", 1, person.key)
    assert house.place.link_keys[0] == house.place.secret
    assert server.post(old["unsubscribe"]).status_code == 200 and shown_person(house).state == "left"


def shown_person(house: House) -> people.Subscriber:
    with reading(house.place.engine) as conn:
        return people.named(conn, ANN)


@pytest.mark.long
def test_links_of_a_retired_key_serve_leaving_alone(house: House) -> None:
    old, server = paths(house), pages(house)
    answer = told(house, "db", "new-link-key", "--retire-older")
    assert answer.stdout.endswith(": 1 key in use, the newest signs, 1 older one for leaving alone\n")
    for page in ("yours", "letters"):
        got = server.get(old[page])
        assert (got.status_code, 'action="/new-link"' in got.text) == (404, True), page
        assert server.post(old[page], data={"for": "1-month"}).status_code in (404, 405)
    house.run(days=7)
    assert {server.get(path).status_code for path in paths(house).values()} == {200}
    for _ in range(2):
        assert told(house, "db", "new-link-key", "--retire-older").code == 0
    shown = server.get(old["unsubscribe"])
    assert shown.status_code == 200 and shown_person(house).state == "active"
    left = server.post(old["unsubscribe"])
    assert left.status_code == 200 and shown_person(house).state == "left"
    # Because whoever has the retired key could otherwise get a good link of another purpose by way of these pages.
    for token in re.findall(r"[\w-]+\.[\w-]{22}(?![\w-])", shown.text + left.text):
        for purpose in set(LIFETIMES) - DESPITE_RETIREMENT:
            with pytest.raises(BadToken):
                read_token(house.place.link_keys, purpose, token, now=house.now)


@pytest.mark.long
@pytest.mark.parametrize("older", [False, True])
def test_a_lost_or_older_file_is_refused_until_the_rest_is_retired(house: House, older: bool) -> None:
    file = keys_file(house)
    assert told(house, "db", "new-link-key").code == 0
    shutil.copy(file, house.folder / "copy")
    assert told(house, "db", "new-link-key").code == 0
    shutil.copy(house.folder / "copy", file) if older else file.unlink()
    what = "lacks the newest key" if older else "is missing"
    for words, code in (("check", 2), ("run", 2), ("db new-link-key", 2), ("doctor", 1)):
        answer = told(house, *words.split())
        assert (answer.code, f"{file}: the file of link keys {what}" in answer.stdout + answer.stderr) == (code, True)
        assert "new-link-key --retire-older`" in answer.stdout + answer.stderr
    assert file.exists() is older
    [finding] = [finding for finding in examine(house.place) if finding.place == "storage.secret_file"]
    assert finding.level == "wrong" and finding.cure.startswith("put back the newest copy")
    assert told(house, "db", "new-link-key", "--retire-older").code == 0
    assert (len(house.place.link_keys), len(house.place.link_keys.retired)) == (1, 2 if older else 1)
    assert told(house, "check").code == 0


@pytest.mark.long
def test_a_file_that_is_none_is_kept_aside(house: House) -> None:
    file = keys_file(house)
    file.write_text("no keys")
    assert "line 1: not a key" in told(house, "db", "new-link-key").stderr and file.read_text() == "no keys"
    assert told(house, "check").code == told(house, "run").code == 2
    assert told(house, "db", "new-link-key", "--retire-older").code == 0
    [aside] = file.parent.glob("digest.secret.links.before-*")
    assert aside.read_text() == "no keys" and len(house.place.link_keys.retired) == 1


@pytest.mark.long
def test_a_server_with_an_older_file_than_the_databases_is_not_well(house: House) -> None:
    elsewhere = house.folder / "elsewhere" / "digest.secret"
    elsewhere.parent.mkdir()
    shutil.copy(house.settings.secret_file, elsewhere)
    other = TestClient(make_app(house.live(replace(house.settings, secret_file=elsewhere))))
    assert other.get("/healthz").status_code == 200
    assert told(house, "db", "new-link-key").code == 0
    assert (other.get("/healthz").status_code, pages(house).get("/healthz").status_code) == (503, 200)
    shutil.copy(keys_file(house), link_key_path(elsewhere))
    assert other.get("/healthz").status_code == 200


@pytest.mark.long
def test_a_restore_knows_the_newest_key(house: House) -> None:
    assert told(house, "db", "new-link-key").code == 0
    shutil.copy(keys_file(house), house.folder / "older")
    assert told(house, "db", "backup", "backup.db").code == 0
    assert told(house, "db", "new-link-key", "--retire-older").code == 0
    shutil.copy(keys_file(house), house.folder / "newest")
    assert told(house, "db", "restore", "backup.db").code == 0
    assert told(house, "check").code == 0
    shutil.copy(house.folder / "older", keys_file(house))
    assert "lacks the newest key" in told(house, "check").stderr
    shutil.copy(house.folder / "newest", keys_file(house))
    assert told(house, "db", "resume", "--sent").code == 0


def test_no_key_is_made_while_a_run_is_under_way_or_without_the_secret(house: House) -> None:
    with run_lock(house.place.engine):
        assert told(house, "db", "new-link-key", "--retire-older").code == 75
    house.settings.secret_file.unlink()
    for words in ((), ("--retire-older",)):
        assert "secret file is missing" in told(house, "db", "new-link-key", *words).stderr
    assert not keys_file(house).exists()


@pytest.mark.long
def test_links_of_a_link_key_outlive_the_secret(house: House) -> None:
    assert told(house, "db", "new-link-key").code == 0
    house.run(days=7)
    link = paths(house)["yours"]
    house.settings.secret_file.unlink()
    assert told(house, "db", "new-secret", "--yes").code == 0
    assert pages(house).get(link).status_code == 200
    keys_file(house).unlink()
    with pytest.raises(BadSecret, match="file of link keys is missing"):
        house.place.require_secret()


@pytest.mark.long
def test_no_link_is_signed_or_read_by_the_secret_alone() -> None:
    wrong = []
    for file in Path(product.__file__).parent.rglob("*.py"):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)) if "_token" in source else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("make_token", "read_token", "letter_tokens"):
                keys = ast.unparse(node.args[0])
                if "keys" not in keys or "secret" in keys:
                    wrong.append(f"{file.name}:{node.lineno}: {keys}; give it installation.link_keys")
    assert wrong == []
