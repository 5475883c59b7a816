"""A password or key in an address of the config reaches no message and no row."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from digest.errors import SourceError, without_secrets
from digest.model import Source
from digest.store import sources
from digest.store.engine import make_engine, reading, writing
from digest.store.schema import gathering, source_state
from digest.transports.mailbox.mailbox import mailbox_problem
from tests import console
from tests.counts import spread, table
from tests.house import CONFIG, House

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@table(
    "shown, secret",
    [
        ("http://ann:s3cret@feeds.example/x", "http://…@feeds.example/x"),
        ("none from https://s3cret@feeds.example:81/x; wait", "none from https://…@feeds.example:81/x; wait"),
        ("http://ann:s3@cret@feeds.example/", "http://…@feeds.example/"),
        ("http://ann:s3/cret@feeds.example/x", "http://…@feeds.example/x"),
        ("https://feeds.example/x?key=s3cret&a=b", "https://feeds.example/x?…"),
        ("https://feeds.example/x#access_token=s3cret", "https://feeds.example/x?…"),
        ("'https://feeds.example/x?sig=s3cret' is wrong", "'https://feeds.example/x?…' is wrong"),
        ("postgresql+psycopg://u:s3cret@db.example/d?password=s3cret", "postgresql+psycopg://…@db.example/d?…"),
        ("imap://u:s3cret@mail.example/INBOX and http://a.example/?t=s3cret",
         "imap://…@mail.example/INBOX and http://a.example/?…"),
        ("https://feeds.example/x?pw=abc", "https://feeds.example/x?…"),
        # No secrets.
        ("(the page names https://feeds.example/x?feed=rss2&a=1)", "(the page names https://feeds.example/x?feed=rss2&a=1)"),
        ("https://social.example/@ann.rss", "https://social.example/@ann.rss"),
        ("https://social.example:8443/@ann.rss", "https://social.example:8443/@ann.rss"),
        ("write to ann@example.org: why?", "write to ann@example.org: why?"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_secrets(shown: str, secret: str) -> None:
    assert without_secrets(shown) == secret
    assert str(SourceError(shown)) == secret


KEYS = """
    /feeds/private/9f8a7c/rss|/calendar/ical/ann%40example.org/private-0123456789abcdef/basic.ics|/f/Xk9fQ2pLmN8vRtYw/atom
    /rss/3f2504e0-4f89-11d3-9a0c-0305e82c3301.xml|/feed/dGhpcyBpcyBhIHNlY3JldA|/token/s3cret99|/secret-4fj2kd9s/feed.xml
    /feed;token=abc123|/key=s3cret/feed|/owa/5f2c8a1e4b7d4c0f9a3b@h.example/calendar.ics|/1234567890123456789012345/rss
    /feed/key/SECRETKEY|/feed/key/hunter|/private/tokens/qwertyuiopas/feed|/rss/k/Zx9-Kq2_Lm/|/rss/k/abc.xml|/auth/ann/rss
    /rss/ann:hunter2/feed|/rss/ann%3Ahunter/feed|/feeds/123456789012345/rss|/feedkey/correct-horse-battery/rss
    """
READABLE = """
    /what-we-learnt-from-the-repairs-pilot-in-housing-2026/|/2026/11/28/sharing-the-care-record/|/feeds/private/rss
    /private-rented-sector-2026/feed|/WhatWeLearntFromTheRepairsPilot.xml|/section106agreements/feed|/@ann.rss|/~ann/rss
    /llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch/feed|/id/10158273645|/news/20261128093000/feed
    /caf%C3%A9-housing/feed|/access-to-information/feed|/budget-2025-26.atom|/rss/covid19vaccination|/keys/to/success
    /private/feed|/news/private/index.xml|/feeds/key/latest.rss|/urn:isbn:1234/rss|/k/all/atom.xml|/20261128/093000/rss
    """


def paths(table: str) -> list[str]:
    return [f"https://feeds.example{path}" for path in table.replace("\n", "|").replace(" ", "").split("|") if path]


def test_a_key_in_a_path_is_not_shown_and_a_readable_path_is() -> None:
    assert [path for path in paths(KEYS) if without_secrets(f"'{path}' fails") == f"'{path}' fails"] == []
    assert [without_secrets(path) for path in paths(READABLE)] == paths(READABLE)
    assert without_secrets(paths(KEYS)[0]) == "https://feeds.example/feeds/private/…/rss"
    assert without_secrets("https://feeds.example/rss/k/Zx9-Kq2_Lm/") == "https://feeds.example/rss/k/…/"
    assert without_secrets("http://ann%3As3cret%40feeds.example/x; wait") == "http://…@feeds.example/x; wait"


SOURCES = [
    "http://ann:s3cret@127.0.0.1:9/feed", "http://s3cret@127.0.0.1:9/feed", "http://ann:s3/cret@127.0.0.1:9/feed",
    "http://127.0.0.1:9/feed?token=s3cret", "http://127.0.0.1:9/feed#s3cret",
    "http://127.0.0.1:9/feeds/private/s3cret/rss", "http://ann%3As3cret%40127.0.0.1/feed",
]  # fmt: skip


@pytest.mark.parametrize("url", spread(3, SOURCES))
def test_no_command_shows_or_stores_the_secret_of_a_source(tmp_path: Path, url: str) -> None:
    house = House(tmp_path)
    words = house.config.read_text().replace('path = "notes"', f'url = "{url}"\nallow_private = true')
    house.config.write_text(words)
    told = [
        console.digest(tmp_path, *command.split())
        for command in ("check", "--now 2026-11-02T09:00:00Z gather", "status --json", "doctor --json")
    ]
    assert told[0].code == (2 if "@" in url or "%40" in url else 0)
    whole = "".join(answer.stdout + answer.stderr for answer in told)
    assert "Notes" in whole and "s3cret" not in whole and "s3/cret" not in whole
    house.close()
    assert all(b"s3cret" not in file.read_bytes() for file in tmp_path.glob("digest.db*"))


TABLES = {
    "[transport]\nkind = 'smtp'\nhost = 'ann:s3cret@mail.example'": "transport.host",
    "[transport]\nkind = 'smtp'\nhost = 'smtp://ann:s3cret@mail.example:587'": "transport.host",
    "[events]\nmailbox = 'imaps://ann:s3cret@mail.example/INBOX'": "events.mailbox: holds a password",
    "[events]\nmailbox = 'pop3://ann:s3cret@mail.example'": "events.mailbox",
    "[storage]\nurl = 'postgresql://ann:s3@cret@db.example/d'": "storage.url: its password holds an @",
    "[storage]\nurl = 'mysql://ann:s3cret@db.example/d'": "storage.url",
    "[brand.logo]\nurl = 'https://ann:s3cret@a.example/l.png'\nwidth = 99\nheight = 99": "brand.logo.url: holds",
    "[brand.logo]\nurl = 'http://ann:s3cret@a.example/l.png'\nwidth = 99\nheight = 99": "brand.logo.url",
}


@pytest.mark.parametrize("table", TABLES)
def test_check_refuses_a_secret_elsewhere_and_does_not_show_it(tmp_path: Path, table: str) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly="") + table)
    told = console.digest(tmp_path, "check")
    assert (told.code, TABLES[table] in told.stderr, "cret" in told.stderr.replace("secret", "")) == (2, True, False)


def test_a_mailbox_without_a_secret_in_its_address_is_fine() -> None:
    assert mailbox_problem("imaps://ann@mail.example/INBOX", "s3cret") == ""


def test_what_an_earlier_version_stored_is_cleaned_at_the_next_gather(tmp_path: Path) -> None:
    house, source = House(tmp_path), Source("Notes", "http://ann:s3cret@a.example/", None, "post")
    told = "http://ann:s3cret@a.example/: no answer"
    engine = make_engine(house.settings.storage_url)
    with writing(engine) as conn:
        sources.keep_state(conn, source, error=told, first_ok_at=NOW, etag="e")
        conn.execute(update(source_state).values(location=source.url))
        sources.add_gatherings(conn, [sources.Gathering("Notes", "failed", error=told)], NOW)
    with reading(engine) as conn:
        assert sources.state_of(conn, source).etag == "e"
        assert sources.all_states(conn)["Notes"].error == "http://…@a.example/: no answer"
    with writing(engine) as conn:
        sources.keep_state(conn, source, error=None, checked_at=NOW)
    with reading(engine) as conn:
        assert conn.scalars(select(gathering.c.error)).all() == ["http://…@a.example/: no answer"]
        assert "s3cret" not in str(conn.execute(text("SELECT * FROM source_state")).all())
        assert sources.state_of(conn, source).etag == "e"
    engine.dispose()


def test_two_sources_at_an_address_are_both_cleaned(tmp_path: Path) -> None:
    address = "http://ann:s3cret@a.example/"
    pair = [Source(name, address, None, "post") for name in ("Notes", "News")]
    engine = make_engine(House(tmp_path).settings.storage_url)
    with writing(engine) as conn:
        for source in pair:
            sources.keep_state(conn, source, first_ok_at=NOW)
            sources.add_gatherings(conn, [sources.Gathering(source.name, "failed", error=f"{address}: away")], NOW)
        conn.execute(update(source_state).values(location=address))
        sources.keep_states(conn, {source: {"checked_at": NOW} for source in pair})
    with reading(engine) as conn:
        assert conn.scalars(select(gathering.c.error)).all() == ["http://…@a.example/: away"] * 2
    engine.dispose()
