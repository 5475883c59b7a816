"""Killed where no letter is on its way: gathering, events, readers' own steps, upgrade, backup, erasure."""

from __future__ import annotations

import ast
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

import digest
from digest.store import migrate
from digest.store.engine import make_engine, reading
from digest.store.keys import tag_keys
from digest.transports.tag import delivery_tag
from subscribers.tokens import make_token
from tests.kills.conftest import TrialOf
from tests.kills.trial import FRIDAY, READERS, Ground, Running, Trial
from tests.sources.webserver import FEED, Web, answer
from tests.transports.webhook import Signer, body_of, told

KILLED = -signal.SIGKILL
ENGINES = pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.kills)])
SIGNER = Signer()
TESTS = Path(__file__).parents[1]


def sql(one: Trial, query: str) -> list[tuple[object, ...]]:
    """Ask the trial's database directly."""
    engine = make_engine(one.environ.get("DIGEST_STORAGE__URL", f"sqlite:///{one.folder}/digest.db"))
    try:
        with reading(engine) as conn:
            return [tuple(row) for row in conn.execute(text(query))]
    finally:
        engine.dispose()


def secret_of(one: Trial) -> bytes:
    place = one.place()
    try:
        return place.secret
    finally:
        place.engine.dispose()


def tags_of(one: Trial, deliveries: list[int]) -> Callable[[int], str]:
    """Return the function that gives the tags of deliveries."""
    place = one.place()
    try:
        secret = place.secret
        with reading(place.engine) as conn:
            keys = tag_keys(conn, deliveries)
    finally:
        place.engine.dispose()
    return lambda delivery: delivery_tag(secret, delivery, keys[delivery])


def killed_at(one: Trial, place: str, *words: str) -> None:
    ended = one.run(*words, failpoint=place).wait()
    assert ended.code == KILLED, f"{place} was not passed: {ended}"


def done(one: Trial, *words: str) -> str:
    ended = one.run(*words).wait()
    assert ended.code in (0, 4), ended
    return ended.said


# Transactions that no test kills at; a new one is killed somewhere, or added here on purpose.
UNTRIED = {
    "add editor", "alarm", "arrange", "ask to come back", "ask to sign in",
    "change role", "end session", "end sessions", "remove editor",
    "decide answer", "end invitation", "invite", "send story back", "story", "take story", "undo end",
    "reword", "session used", "sign in", "sign out", "undo", "upgrade queue", "write entry",
    "accept clock", "add rule", "announce", "approve", "ask pages", "begin fence", "cancel correction",
    "complete first form", "complete history", "confirm", "give up move",
    "drop", "end old links", "end pause", "end run",
    "give up", "hold", "ingredients", "learn again", "look", "mute", "new link", "new secret",
    "move", "open fence", "pace", "pause",
    "release", "release by date", "remove rule", "resume", "retag", "seal", "set", "settle", "settle by asking",
    "stop", "suppress", "told", "unmute", "unsuppress", "wait", "withdraw",
}  # fmt: skip


def named(function: str, argument: int) -> set[str]:
    """Return the names that the calls of `function` in the product carry; every call must carry a name."""
    names = set()
    for file in Path(digest.__file__).parent.rglob("*.py"):
        text = file.read_text()
        for node in ast.walk(ast.parse(text)) if f"{function}(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                where = f"{file.name}:{node.lineno}"
                assert len(node.args) > argument, f"{where}: {function}() carries no name"
                name = node.args[argument]
                if isinstance(name, ast.Constant):
                    names.add(str(name.value))
                else:
                    assert file.name in ("engine.py", "patience.py"), (
                        f"{where}: {function}() is named by something else than a text"
                    )
    return names


def test_every_named_place_is_killed_at_somewhere() -> None:
    places = named("failpoint", 0)
    transactions = named("writing", 1) | named("writing_at_once", 1) | named("write_patiently", 1)
    transactions |= named("ending_move", 1)
    tests = "".join(file.read_text() for file in TESTS.rglob("*.py"))
    assert {name for name in places if f'"{name}' not in tests} == set()
    tried = set(re.findall(r'"([a-z -]+): (?:before commit|committed)(?:\*\d+)?"', tests))
    assert tried - {"upgrade"} <= transactions, "a test names a transaction that is no more"
    assert transactions - tried == UNTRIED
    assert len(places) > 20 and len(tried) > 10


@pytest.fixture
def feed() -> Iterator[Web]:
    web = Web()

    def script(conn: socket.socket, head: str) -> None:
        known = 'if-none-match: "one"' in head.lower()
        conn.sendall(answer(b"", status="304 Not Modified") if known else answer(FEED, 'ETag: "one"'))

    web.on("/feed", script)
    yield web
    web.close()


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize(
    "place",
    ["gather: read*2", "gather: one classified*2", "gather: entries stored*2", "gather: before commit*2",
     "gather: committed*2"],
)  # fmt: skip
def test_a_feed_that_says_not_modified_after_the_kill(trial_of: TrialOf, feed: Web, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        source = '\n[[source]]\nname = "Feed"\nurl = "{}"\nkind = "post"\nallow_private = true\nbackfill = 5\n'
        config = one.folder / "config.toml"
        config.write_text(config.read_text() + source.format(feed.url(host="127.0.0.1")))
        killed_at(one, place)
        one.finish()
        assert one.judge() == []
        assert sql(one, "SELECT count(*) FROM entry WHERE source = 'Feed' AND state = 'ready'") == [(2,)]
        # One digest of all three entries, and each entry released once.
        assert sql(one, "SELECT digest_id, count(*) FROM digest_entry GROUP BY digest_id") == [(1, 3)]
        assert sql(one, "SELECT count(*) FROM release") == sql(one, "SELECT count(DISTINCT entry_id) FROM release")


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["read pages: before commit", "read pages: committed"])
def test_a_page_is_read_again_only_if_its_text_was_not_stored(
    trial_of: TrialOf, feed: Web, engine: str, place: str
) -> None:
    with trial_of("file", engine) as one:
        url = feed.url("", host="127.0.0.1")
        items = (f"<item><guid>{name}</guid><title>{name}</title><link>{url}/{name}</link></item>" for name in "ab")
        feed.on("/feed", answer(f'<rss version="2.0"><channel>{"".join(items)}</channel></rss>'.encode()))
        feed.on("/robots.txt", answer(b"User-agent: *\nDisallow: /c", kind="text/plain"))
        page = "<html><body><article><p>" + "What we learnt was worth a word. " * 20 + "</p></article></body></html>"
        for name in "ab":
            feed.on(f"/{name}", answer(page.encode(), kind="text/html"))
        source = '\n[[source]]\nname = "Feed"\nurl = "{}"\nkind = "case-study"\nallow_private = true\nbackfill = 5\n'
        config = one.folder / "config.toml"
        config.write_text(config.read_text() + source.format(feed.url(host="127.0.0.1")))
        killed_at(one, place)
        one.finish()
        assert one.judge() == []
        assert sql(one, "SELECT count(*) FROM entry_text WHERE length(text) > 200 AND retry_at IS NULL") == [(2,)]
        asked = [request.split(" ", 2)[1] for request in feed.requests if request.startswith("GET ")]
        assert asked.count("/a") == asked.count("/b") == (2 if "before" in place else 1)


def served(one: Trial, failpoint: str = "") -> tuple[Running, str]:
    """Start the web pages; return the process and its address."""
    log_before = set(one.folder.glob("run-*.log"))
    running = one.run("serve", "--port", "0", failpoint=failpoint)
    for _ in range(600):
        for log in set(one.folder.glob("run-*.log")) - log_before:
            if found := re.search(r"listening on (\S+)", log.read_text()):
                return running, found[1]
        time.sleep(0.05)
    raise AssertionError("it does not listen")


def posted(one: Trial, path: str, body: bytes, headers: dict[str, str], failpoint: str = "") -> int:
    """Post to the web pages; return the status, or 0 when they died of it."""
    running, url = served(one, failpoint)
    try:
        status = httpx2.post(url + path, content=body, headers=headers, timeout=60).status_code
    except httpx2.TransportError:
        status = 0
    running.signal(signal.SIGKILL)
    running.wait()
    return status


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["events: a part taken", "events: before commit", "events: committed"])
def test_a_webhook_call_without_an_answer_is_repeated(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        one.finish()
        config = one.folder / "config.toml"
        config.write_text(config.read_text() + f'[events]\nsendgrid_keys = ["{SIGNER.public}"]\n')
        ids = [int(str(row[0])) for row in sql(one, "SELECT id FROM delivery")]
        tag = tags_of(one, ids)
        events = [told("delivered", n, f"e{n}", tag=tag) for n in ids]
        events += [told("open", ids[0], f"o{n}", tag=tag) for n in range(1_500)]
        # More than one chunk of events that count.
        events += [told("deferred", ids[0], f"d{n}", tag=tag) for n in range(1_500)]
        body = body_of(*events)
        headers = SIGNER.headers(body, datetime.fromisoformat(FRIDAY))
        assert posted(one, "/hooks/sendgrid", body, headers, place) == 0
        assert sql(one, "SELECT count(*) FROM event")[0][0] in ((0,) if "committed" not in place else (1_530,))
        for _ in range(2):
            assert posted(one, "/hooks/sendgrid", body, headers) == 204
            assert sql(one, "SELECT count(*), count(DISTINCT event_id) FROM event") == [(1_530, 1_530)]
            assert sql(one, "SELECT state, fate, count(*) FROM delivery GROUP BY state, fate") == [
                ("accepted", "delivered", 30)
            ]


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["reader: before commit", "reader: committed"])
def test_who_leaves_has_left_once_told_so(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        [(key,)] = sql(one, "SELECT key FROM subscriber WHERE id = 1")
        path = "/unsubscribe/" + make_token([secret_of(one)], "unsubscribe", 1, str(key))
        assert posted(one, path, b"List-Unsubscribe=One-Click", {}, place) == 0
        left = [(1 if "committed" in place else 0,)]
        assert sql(one, "SELECT count(*) FROM subscriber WHERE state = 'left'") == left
        assert sql(one, "SELECT count(*) FROM suppression") == left
        assert posted(one, path, b"List-Unsubscribe=One-Click", {}) == 200
        assert sql(one, "SELECT id, state FROM subscriber WHERE state = 'left'") == [(1, "left")]
        assert sql(one, "SELECT count(*) FROM suppression") == [(1,)]
        one.finish()
        assert one.judge(eligible=29) == [] and one.arrived()["r0@example.org"] == 0


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize("place", ["new link key: written", "new link key: before commit", "new link key: committed"])
def test_a_new_link_key_signs_whatever_ended_the_command(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        [(key,)] = sql(one, "SELECT key FROM subscriber WHERE id = 1")
        old = make_token([secret_of(one)], "unsubscribe", 1, str(key))
        killed_at(one, place, "db", "new-link-key", "--retire-older")
        done(one, "check")
        done(one, "db", "new-link-key", "--retire-older")
        done(one, "check")
        assert posted(one, "/unsubscribe/" + old, b"List-Unsubscribe=One-Click", {}) == 200
        one.finish()
        assert one.judge(eligible=29) == []


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize(
    ("place", "words"),
    [("add: before commit", ("subscribers", "add", "new@example.org")),
     ("import: before commit", ("subscribers", "import", "people.csv"))],
)  # fmt: skip
def test_readers_are_there_whole_or_not_at_all(
    trial_of: TrialOf, engine: str, place: str, words: tuple[str, ...]
) -> None:
    with trial_of("file", engine) as one:
        (one.folder / "people.csv").write_text("email\nnew@example.org\n")
        tables = ("subscriber", "consent_event")
        before = [sql(one, f"SELECT count(*) FROM {table}") for table in tables]
        killed_at(one, place, *words)
        assert [sql(one, f"SELECT count(*) FROM {table}") for table in tables] == before
        done(one, *words)
        assert [sql(one, f"SELECT count(*) FROM {table}") for table in tables] == [[(31,)], [(31,)]]


@pytest.mark.kills
@ENGINES
@pytest.mark.parametrize(
    "place",
    ["condense: before commit", "condense: committed", "remove old rows: before commit", "remove old rows: committed",
     "retention: a file removed", f"retention: a file removed*{3 * READERS + 1}"],
)  # fmt: skip
def test_what_is_too_old_goes_once_and_the_books_balance(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("file", engine) as one:
        one.finish()
        one.now = "2027-12-24T09:00:00+00:00"
        killed_at(one, place, "run", "--clock-is-right")
        one.check_books()
        one.finish()
        # The runs of the first Friday are named by its receipt; the gather of before is too old.
        assert sql(one, "SELECT sum(count), (SELECT count(*) FROM had) FROM tally WHERE state = 'accepted'") == [
            (READERS, READERS)
        ]
        assert sql(one, "SELECT count(*) FROM delivery WHERE updated_at < '2027-01-01'") == [(0,)]
        assert sql(one, "SELECT count(*) FROM gathering WHERE at < '2027-01-01'") == [(0,)]
        assert list((one.folder / "letters").glob("weekly-2026-*")) == []


@pytest.mark.kills
@pytest.mark.parametrize("place", ["erase: before commit", "erase: committed", "scrubbed: before commit"])
def test_who_is_erased_is_out_of_the_file_too(ground: Ground, place: str) -> None:
    one = ground.trial("file")
    killed_at(one, place, "subscribers", "forget", "--yes", "r7@example.org")
    again = one.run("subscribers", "forget", "--yes", "r7@example.org").wait()
    assert again.code == (0 if place == "erase: before commit" else 2), again
    kept = b"".join(file.read_bytes() for file in one.folder.glob("digest.db*"))
    assert b"r8@example.org" in kept and b"r7@example.org" not in kept
    assert sql(one, "SELECT count(*) FROM subscriber") == [(29,)]


@pytest.mark.kills
@pytest.mark.parametrize("place", ["upgrade: one step", "upgrade: one step*2", "upgrade: before commit"])
def test_the_schema_is_the_old_or_the_new(ground: Ground, place: str) -> None:
    one = ground.trial("file")
    (one.folder / "digest.db").unlink()
    killed_at(one, place, "db", "upgrade")
    with closing(sqlite3.connect(one.folder / "digest.db")) as conn:
        assert conn.execute("SELECT name FROM sqlite_master").fetchall() == []
    done(one, "db", "upgrade")
    assert sql(one, "SELECT version_num FROM alembic_version") == [(migrate.revisions()[-1],)]


@pytest.mark.kills
@pytest.mark.parametrize("place", ["backup: copied", "backup: on the disk"])
def test_a_backup_is_whole_or_not_there(ground: Ground, place: str) -> None:
    one = ground.trial("file")
    killed_at(one, place, "db", "backup", "copy.db")
    assert not (one.folder / "copy.db").exists()
    done(one, "db", "backup", "copy.db")
    assert_whole(one.folder / "copy.db")
    one.finish()
    assert one.judge() == []


@pytest.mark.kills
@pytest.mark.parametrize("place", ["restore: copied", "restore: the old one kept", "restore: in place"])
def test_a_restore_leaves_the_old_or_the_new_and_mails_nobody_twice(ground: Ground, place: str) -> None:
    one = ground.trial("file")
    done(one, "db", "backup", "copy.db")
    one.finish()
    arrived = one.arrived()
    killed_at(one, place, "db", "restore", "copy.db")
    # Cron is quicker than the operator.
    said = one.run().wait()
    assert said.code in (0, 4), said
    assert_whole(one.folder / "digest.db")
    assert sql(one, "SELECT count(*) FROM subscriber") == [(30,)]
    assert one.arrived() == arrived
    done(one, "db", "restore", "copy.db")
    held = one.run().wait()
    assert held.code == 4 and "HOLD" in held.said
    assert one.arrived() == arrived


def assert_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert conn.execute("SELECT count(*) FROM subscriber").fetchone() == (30,)
