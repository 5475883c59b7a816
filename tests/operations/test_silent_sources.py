"""`digest status` names sources that can be read and have brought nothing for long."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from digest.model import Source
from digest.store.engine import writing
from digest.store.sources import Gathering, add_gatherings, keep_state
from tests.console import digest
from tests.house import House

FEEDS = '[[source]]\nname = "{}"\nurl = "https://a.example/{}"\n'
NAMES = ("Silent", "Usual", "Failing", "New")


def test_status_tells_since_when_a_source_is_silent(tmp_path: Path) -> None:
    more = "".join(FEEDS.format(name, name.lower()) for name in NAMES)
    with closing(House(tmp_path / "house", source=f"\n{more}")) as house:
        now, first = house.now, house.now - timedelta(days=200)
        with writing(house.place.engine) as conn:
            for name in NAMES:
                began = now if name == "New" else first
                trouble = {"failures": 3, "error": "answers 500"} if name == "Failing" else {}
                source = Source(name, f"https://a.example/{name.lower()}")
                keep_state(conn, source, first_ok_at=began, ok_at=now, checked_at=now, **trouble)
                for ago in range(190, 100, -10):
                    add_gatherings(conn, [Gathering(name, "ok", 1)], now - timedelta(days=ago))
            add_gatherings(conn, [Gathering("Usual", "ok", 1)], now - timedelta(days=9))
        at = ("--now", now.isoformat(), "status")
        since = {
            each["name"]: each["silent_since"] for each in digest(house.folder, *at, "--json").document["sources"]
        }
        day = str((now - timedelta(days=110)).date())
        assert {name: since[name] for name in NAMES} == {"Silent": day, "Usual": None, "Failing": None, "New": None}
        rows = {line.split()[0]: line for line in digest(house.folder, *at).stdout.splitlines() if line.strip()}
        assert "silent" in rows["Silent"] and f"nothing new since {day}" in rows["Silent"]
        assert "silent" not in rows["Usual"] and "failing" in rows["Failing"]
