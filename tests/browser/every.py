"""A house with every page and every form of readers and of the desk, served to Chromium, and put back at will.

The addresses of its pages and its forms are in `tests/browser/every_page.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.config.load import load
from digest.desk.stories import invitation_of, invite_place, story_link
from digest.editions.due import slot_owed
from digest.editions.freeze import freeze_slot
from digest.pipeline import gather
from digest.readers.leave import leave_by_link
from digest.store import answers
from digest.store.engine import reading
from tests.browser.desks import Open, chromium, serving, sign_in
from tests.browser.test_desk_axe import filled
from tests.house import ANN, House

MORE = """
[answers]
enabled = true
"""
# Tables of what a server remembers for its own use, which a page that is looked at may fill.
_KEPT = {"sqlite_sequence", "sqlite_stat1"}
_FRAME = re.compile(r"/desk/(\w+/letter|entries/\d+/text)$")
Cells = dict[tuple[str, str], dict[str, Any]]  # by table and key


class Counted:
    """An application that knows how many requests it has not finished, work after the answer included.

    It leaves empty what the desk shows in frames unless `frames`, because a letter takes longer than its page. The
    answer to a form is sent `late` seconds after the form is done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._changed, self.open, self.frames = app, threading.Condition(), 0, False
        self.late = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.frames and _FRAME.search(scope["path"]):
            await PlainTextResponse("")(scope, receive, send)
            return

        async def later(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self.late)
            await send(message)

        self._count(1)
        try:
            await self._app(scope, receive, later if scope["method"] == "POST" else send)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._changed:
            self.open += more
            self._changed.notify_all()

    def idle(self) -> None:
        """Wait until every request is finished."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self.open, 60), "a request does not end"


class Every:
    """The house, as it is served, with a browser; `values` fill the addresses of its pages."""

    def __init__(self, house: House, desk: Open, counted: Counted, browser: Any, root: str) -> None:
        self.house, self.desk, self.counted, self.browser = house, desk, counted, browser
        self.base, self.root = desk.address + root, root
        self.values: dict[str, object] = {}
        self.database = house.folder / "digest.db"
        self._fence = house.folder / "digest.fence"
        self._kept: tuple[sqlite3.Connection, bytes] | None = None
        self._cookies: list[tuple[Any, Any]] = []

    def keep(self, *pages: Any) -> None:
        """Keep the database as it is now, and the cookies of these pages, to be put back."""
        self._cookies = [(page.context, page.context.cookies()) for page in pages]
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(self.database)) as now:
            now.backup(memory)
        self._kept = (memory, self._fence.read_bytes() if self._fence.exists() else b"")

    def put_back(self) -> None:
        """Put the database back, once every request is finished."""
        assert self._kept is not None
        self.counted.idle()
        with closing(sqlite3.connect(self.database, timeout=30)) as now:
            self._kept[0].backup(now)
        if self._kept[1]:
            self._fence.write_bytes(self._kept[1])
        for context, cookies in self._cookies:
            context.clear_cookies()
            context.add_cookies(cookies)

    def cells(self) -> Cells:
        """Return every row of the database: {(table, row): {column: value}}, JSON as {column.key: value}."""
        self.counted.idle()
        rows: Cells = {}
        with closing(sqlite3.connect(self.database)) as now:
            now.row_factory = sqlite3.Row
            tables = [name for (name,) in now.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in sorted({*tables} - _KEPT):
                keys = [each["name"] for each in now.execute(f"PRAGMA table_info('{table}')") if each["pk"]]
                for number, row in enumerate(now.execute(f'SELECT * FROM "{table}"')):
                    rows[table, str([row[key] for key in keys] or number)] = _flat(dict(row))
        return rows

    def address(self, path: str) -> str:
        """Return the whole address of a page."""
        return self.base + path.format(**self.values)

    def selector(self, text: str) -> str:
        """Return a selector with the values of this house in it."""
        return re.sub(r"\{(\w+)\}", lambda gap: str(self.values[gap[1]]), text)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the values inside its JSON apart."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, str) and value[:1] == "{":
            try:
                flat |= {f"{name}.{key}": each for key, each in json.loads(value).items()}
                continue
            except ValueError:
                pass
        flat[name] = value
    return flat


@contextmanager
def every(folder: Path, root: str = "", around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[Every]:
    """Serve the house below `root`; `around` gives the application as it is served."""
    house = House(folder / "house")
    text = house.config.read_text(encoding="utf-8")
    zones = 'reader_zones = ["America/New_York"]\n\n[gather]'
    house.config.write_text(text.replace("[gather]", zones, 1) + MORE, encoding="utf-8")
    house.settings = load(house.config, {})
    counted: list[Counted] = []

    def served(app: ASGIApp) -> ASGIApp:
        counted.append(Counted(around(app)))
        return counted[0]

    with serving(house, root, served) as desk, chromium() as browser:
        all_of_it = Every(house, desk, counted[0], browser, root)
        _fill(all_of_it)
        yield all_of_it
    house.close()


def _fill(every: Every) -> None:
    """Fill the house; `values` get a link for each page of readers, and a number for each page of the desk."""
    house, client = every.house, every.desk.served.stranger()
    values: dict[str, object] = {**filled(house)}
    values["frozen"] = _frozen(house)
    place = house.place
    with reading(place.engine) as conn:
        values["had"] = min(answers.entries_had(conn, 2, range(1, 60)))
    _editors(every, values)
    leave_by_link(place, house.token("unsubscribe", 4))
    at = house.token("preferences", 5)
    client.post(f"/yours/{at}/address", data={"email": "moved@town.example"})
    client.post(f"{_link(every, 'moved@town.example', 'confirm')}", data={"form": "move"})
    values["undo"] = _link(every, "reader4@town.example", "undo").rpartition("/")[2]
    client.post(f"/yours/{house.token('preferences', 6)}/address", data={"email": "six@town.example"})
    values["move"] = _link(every, "six@town.example", "confirm").rpartition("/")[2]
    client.post(
        "/join",
        data={"form": "join-1", "email": "new@town.example", "cadence": "weekly", "language": "en"},
    )
    values["confirm"] = _link(every, "new@town.example", "confirm").rpartition("/")[2]
    invited = invite_place(place, ANN, "Hull")
    with reading(place.engine) as conn:
        values["story"] = story_link(place, invitation_of(conn, invited)).rpartition("/")[2]
    values |= {name: house.token(purpose, reader) for name, purpose, reader in (
        ("yours", "preferences", 2), ("leave", "unsubscribe", 2), ("left", "unsubscribe", 4),
        ("left_yours", "preferences", 4),
    )}  # fmt: skip
    values["letter"] = house.token("browse", 2, int(str(values["sent"])))
    every.values = values


def _editors(every: Every, values: dict[str, object]) -> None:
    """Add editors with open sessions, and a link to sign in that nobody has used."""
    served = every.desk.served
    served.editor("Ann", "admin")
    served.editor("Bob", "viewer")
    for number, email in ((1, "ann"), (2, "bob"), (3, "link")):
        client = served.stranger()
        address = "ann@example.org" if number == 3 else f"{email}@example.org"
        client.post("/desk/sign-in", data={"email": address})
        token = _link(every, address, "desk/sign-in").rpartition("/")[2]
        if number == 3:
            values["sign_in"] = token
        else:
            client.post(f"/desk/sign-in/{token}")
    values |= {"ann": 1, "bob": 2, "session": 1, "bob_session": 2}


def _frozen(house: House) -> int:
    """Freeze an edition of which no letter has left; return its number."""
    for number in range(2):
        house.reader(f"daily{number}@town.example", cadence="daily")
    house.run()
    house.publish("For those who get one a day")
    house.now += timedelta(days=1)
    place, daily = house.place, house.settings.cadence("daily")
    gather(place)
    with reading(place.engine) as conn:
        slot = slot_owed(conn, daily, house.now, house.settings.site.zone)
    assert slot is not None
    frozen = freeze_slot(place, daily, slot, house.now)
    return frozen


def _link(every: Every, to: str, path: str) -> str:
    """Return the path, below the root, of the newest link to such a page that was mailed to an address."""
    mails = [content for address, content in every.desk.boxes.taken if address == to]
    body = message_from_bytes(mails[-1], policy=policy.default).get_body(("plain",))
    assert body is not None
    links = re.findall(rf"http://[^/\s]+\S*?(/{path}/[\w.=-]+)", body.get_content())
    assert links, body.get_content()
    return str(links[-1])


def signed_in(every: Every, **options: Any) -> Any:
    """Return a page in a browser in which an admin is signed in."""
    page = stranger(every, **options)
    sign_in(page, every.desk._replace(address=every.base), "ann@example.org")
    return page


def stranger(every: Every, **options: Any) -> Any:
    """Return a page in a browser in which nobody is signed in."""
    context = every.browser.new_context(**options)
    context.set_default_timeout(15_000)
    return context.new_page()
