"""An installation whose pages send mail into a folder, and the steps by which somebody joins, for tests."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from digest.config.join import JoinSettings
from digest.config.settings import Settings
from digest.notices.new_link import LinkNotices
from digest.store.engine import reading, writing
from digest.store.schema import notice
from digest.web.app import make_app
from subscribers import store as people
from subscribers.model import Subscriber
from tests.house import House

ORIGIN = "https://www.council.example"


class Later:
    """Reader notices that are owed and not handed over, as if a run held the lock."""

    def ask(self, email: str, network: str) -> None:
        """Owe nothing."""

    def hand_over(self) -> None:
        """Leave it to the next run."""


class Doors:
    """A house with its pages; mail leaves at once into its folder, unless it is left to the next run (`later`)."""

    def __init__(self, folder: Path, database_url: str = "", *, later: bool = False, **changes: Any) -> None:
        self.house = House(folder, database_url)
        self.house.run()  # so that the fence is there
        join = JoinSettings(origins=(ORIGIN,))
        self.settings: Settings = replace(self.house.settings, **{"join": join, **changes})
        self.live = self.house.live(self.settings)
        notices = Later() if later else LinkNotices(self.live, sleep=lambda _seconds: None)
        self.client = TestClient(make_app(self.live, notices), raise_server_exceptions=False)

    def join(self, email: str, network: str = "198.51.100.7", **answers: Any) -> Any:
        """Send the form as a browser does."""
        form = {"form": "join-1", "email": email, "cadence": "weekly", "elsewhere": "yes", **answers}
        return self.client.post("/join", data=form, headers={"X-Forwarded-For": network})

    def mails(self, to: str = "") -> list[EmailMessage]:
        """Return the notices that left, oldest first."""
        paths = sorted(
            (self.house.folder / "letters" / "notices").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns
        )
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
        return [mail for mail in mails if not to or mail["To"] == to]

    def link(self, to: str) -> str:
        """Return the path of the link in the newest mail to an address."""
        text = self.mails(to)[-1].get_body(("plain",))
        assert text is not None
        (link,) = [line for line in text.get_content().splitlines() if line.startswith("https://")]
        return str(link).removeprefix(self.settings.site.base_url)

    def person(self, email: str) -> Subscriber | None:
        with reading(self.live.engine) as conn:
            return people.find(conn, email)

    def history(self, email: str) -> list[tuple[str, str]]:
        with reading(self.live.engine) as conn:
            person = people.find(conn, email)
            return [(event.what, event.how) for event in people.history(conn, person.id)] if person else []

    def owed(self) -> list[tuple[str, str, str | None]]:
        """Return (kind, state, address) of each notice."""
        with reading(self.live.engine) as conn:
            return [(row.kind, row.state, row.email) for row in conn.execute(select(notice).order_by(notice.c.id))]

    def suppress(self, email: str, reason: str) -> None:
        with writing(self.live.engine) as conn:
            people.suppress(conn, email, reason, secret=self.live.secret, now=self.house.now)

    def reason(self, email: str) -> str | None:
        with reading(self.live.engine) as conn:
            return people.is_suppressed(conn, email, secret=self.live.secret)

    def close(self) -> None:
        self.house.close()
