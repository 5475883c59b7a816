"""A frozen edition that can be claimed again and again in one process: real transactions, thousands of races."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, text

from digest import pipeline
from digest.delivery.claim import claim
from digest.delivery.run import Run
from digest.editions import draft, freeze
from digest.installation import Installation
from digest.schedule import due_slot
from digest.store.engine import make_engine, writing
from digest.store.lock import sending
from digest.transports.file import FileTransport
from tests.house import House


class Claims:
    """`readers` deliveries of one frozen edition, and as many runs that may claim them as one likes."""

    def __init__(self, folder: Path, url: str, readers: int) -> None:
        self.house = House(folder, url)
        self.house.run()
        self.readers = [self.house.reader(f"r{n}@example.org") for n in range(readers)]
        self.house.publish("One")
        self.house.now = self.house.now.replace(day=6)
        self.place: Installation = self.house.place
        self._engines: list[Engine] = []
        self._locks = ExitStack()
        pipeline.gather(self.place)
        settings = self.place.settings
        weekly = settings.cadence("weekly")
        slot = due_slot(weekly, self.house.now, settings.site.zone)
        with writing(self.place.engine) as conn:
            draft.ready(conn, settings, weekly, slot, self.house.now)
            made = freeze.freeze(conn, settings, weekly, slot, self.place.secret, self.house.now)
        self.edition = made.id
        self.place.fence.check()

    def engine(self) -> Engine:
        """Another process's way to the database."""
        self._engines.append(make_engine(self.place.settings.storage_url))
        return self._engines[-1]

    def run(self, engine: Engine) -> Callable[[], list[int]]:
        """Another run: called, it claims what is pending and returns the readers it would hand letters over to."""
        number = len(self._engines)
        settings = replace(self.place.settings, fence_file=self.house.folder / f"fence{number}")
        installation = Installation(settings, self.house.now)
        installation.__dict__["engine"] = engine
        run = Run(installation, FileTransport(self.house.folder / "letters"), number)
        self._locks.enter_context(sending(engine))(number)

        def claims() -> list[int]:
            batch, _ = claim(run, self.edition, self.house.now, corrects=False)
            return [claimed.reader.id for claimed in batch]

        return claims

    def again(self) -> None:
        """Let everything be as before the claims."""
        with writing(self.place.engine) as conn:
            for statement in (
                "UPDATE delivery SET state = 'pending', run_id = NULL, retry_at = NULL, reason = ''",
                "UPDATE subscriber SET state = 'active', paused_until = NULL",
                "DELETE FROM suppression",
            ):
                conn.execute(text(statement))

    def close(self) -> None:
        """Let go of the database."""
        self._locks.close()
        for one in self._engines:
            one.dispose()
        self.house.close()
