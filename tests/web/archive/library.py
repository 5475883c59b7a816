"""A house whose editions were sent, with the public pages of them as a browser, a feed reader or a robot asks."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import Engine
from starlette.testclient import TestClient

from digest.config.load import load
from digest.config.settings import Settings
from digest.desk.correct import correct, withdraw
from digest.desk.edit import drop
from digest.installation import Installation
from digest.store.engine import reading
from digest.store.schema import entry
from digest.web.app import make_app
from tests.house import ANN, House

BASE = "https://digest.example.org"
SECRET_SOURCE = '[[source]]\nname = "Inner"\npath = "inner"\npublic = false'
STRANGE = "<script>alert('1')</script> & ]]> {{ 7 * 7 }} \u202etxt %%subject%%"
INGREDIENTS = '{in-the-way: "There was no money for it.", did: "They asked every landlord.", changed: "Rents fell."}'
NOT_FOR_US = "Inner plans"


class Library:
    """Two weeks of editions: case studies, posts, a hostile title and a source that is not public.

    What was published on the first day went out on 3 November (daily) and 6 November (weekly), the buses on
    13 November.
    """

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.house = House(folder, database_url, source=SECRET_SOURCE)
        self._browser: tuple[Settings, TestClient] | None = None
        (folder / "inner").mkdir()
        self.ann = self.house.reader("ann@example.org")
        self.house.reader("dai@example.org", "daily")
        self.house.run()
        self._publish()
        self.house.run(days=1)
        self.house.run(days=3)
        self.house.publish("Buses in the dale", areas="transport", region="scotland", kind="post")
        self.house.run(days=7)

    def _publish(self) -> None:
        publish = self.house.publish
        publish(
            "Tŷ Gwynedd: empty homes",
            link="https://example.org/homes",
            ingredients=INGREDIENTS,
            ingredients_by="Ann Lee",
        )
        publish("Homes again", kind="post", link="https://example.org/again", themes="[leadership]")
        publish(json.dumps(STRANGE)[1:-1], areas="transport", region="london", kind="post", language="cy")
        publish("A wrong report", link="https://example.org/wrong")
        publish("A café for carers", kind="post", region="unknown")
        head = f"title: {NOT_FOR_US}\nid: i1\ndate: 2026-11-02\nregions: [wales]\npolicy_areas: [housing]"
        (self.house.folder / "inner" / "1.md").write_text(f"---\n{head}\n---\nInner.\n")

    @property
    def place(self) -> Installation:
        return self.house.place

    @property
    def engine(self) -> Engine:
        return self.house.place.engine

    def client(self) -> TestClient:
        """Return a browser of a `digest serve` that was just started."""
        return TestClient(make_app(self.house.live()), raise_server_exceptions=False)

    def copy(self, folder: Path) -> Library:
        """Return a library in `folder` that is as this one (on SQLite) is now."""
        twin = object.__new__(Library)
        twin.house, twin.ann = self.house.copy(folder), self.ann
        twin._browser = None
        return twin

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """Ask for a page; one `digest serve` answers until config.toml is read again, because to start it is slow."""
        if self._browser is None or self._browser[0] is not self.house.settings:
            self._browser = self.house.settings, self.client()
        return self._browser[1].get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def id_of(self, title: str) -> int:
        with reading(self.engine) as conn:
            rows = conn.execute(entry.select()).all()
        return next(int(row.id) for row in rows if title in row.title)

    def settle(self, text: str) -> None:
        """Add lines to config.toml and read it again, as after a new start."""
        path = self.house.config
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        self.house.settings = load(path, {"DIGEST_STORAGE__URL": self.house.settings.storage_url})

    def withdraw(self, title: str, text: str = "The figures were wrong.") -> int:
        number = self.id_of(title)
        withdraw(self.place, ANN, number, text)
        return number

    def correct(self, title: str, text: str) -> None:
        correct(self.place, ANN, self.id_of(title), text)

    def drop(self, title: str) -> None:
        drop(self.place, ANN, [self.id_of(title)])


def shown(page: httpx2.Response) -> str:
    """Return the text of a page as it is read, on one line."""
    text = re.sub(r"<(script|style).*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def structured(page: httpx2.Response) -> list[dict[str, Any]]:
    """Return what a page tells search engines."""
    [block] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text, flags=re.DOTALL)
    graph: list[dict[str, Any]] = json.loads(block)["@graph"]
    return graph
