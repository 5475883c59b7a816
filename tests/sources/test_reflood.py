"""No feed mails its past again: every kind of re-flood through the pipeline, and an editor's word (figure 26)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit
from digest.store import entries
from digest.store.engine import reading
from tests.house import ANN, House
from tests.sources import reflood
from tests.sources.reflood import CASES, Case, Feed, Shows

SOURCES = ("Here", "There", "Yonder")
# No baseline guards the other two: they are met empty, and all that they ever show would be owed. Nothing is carried
# over, because it would come on a day without news.
CONFIG = "\n[letter]\ncarry_over = 0\n" + "".join(
    f'\n[[source]]\nname = "{name}"\npath = "{name}.xml"\nbackfill = 0\n' for name in SOURCES
)
HISTORIES = [int(n) for n in os.environ.get("DIGEST_HISTORIES", "5,50,500").split(",")]


class Newsroom:
    """A house that reads three feeds, and one reader who follows everything, daily."""

    def __init__(self, folder: Path, old: Feed) -> None:
        self.house = House(folder, source=CONFIG)
        self.reader = self.house.reader("reader@example.org", "daily")
        self.letters = 0
        self.show({"Here": old, "There": (), "Yonder": ()})

    def show(self, feeds: Shows) -> None:
        """Write what the feeds hold from now on."""
        for name, posts in feeds.items():
            (self.house.folder / f"{name}.xml").write_bytes(reflood.rss(posts))

    def day(self) -> tuple[list[str], set[str]]:
        """Let a day pass and run; return the titles considered for the reader, and the sources held."""
        report = self.house.run(days=1)
        letters = self.house.letters(self.reader)
        numbers = [
            n for one in letters[self.letters :] for n in (*(p.entry for p in one.placed), *dict(one.left_out))
        ]
        self.letters = len(letters)
        with reading(self.house.place.engine) as conn:
            found = entries.many(conn, numbers)
        return [found[n].title for n in numbers], {one.name for one in report.sources if one.status == "held"}

    def release_one(self) -> str:
        """Release the newest held entry, as an editor; return its title."""
        with reading(self.house.place.engine) as conn:
            entry = next(entries.listing(conn, state="held"))
        edit.release(self.house.place, ANN, [entry.id], source=None)
        return entry.title


def faults(folder: Path, case: Case, known: int) -> list[str]:
    """Play a case on a history of so many posts; return what went wrong."""
    old = reflood.history(known)
    first, fresh = (reflood.post(9_000 + n, reflood.TODAY, "news") for n in (0, 1))
    room = Newsroom(folder, old)
    wrong: list[str] = []
    mailed: list[str] = []
    held: set[str] = set()

    def expect(what: str, found: object, wanted: object) -> None:
        if found != wanted:
            wrong.append(f"{case.name}, {known} known, {what}: wanted {wanted}, got {str(found)[:200]}")

    expect("first sight", room.day(), ([], set()))
    room.show({"Here": (first, *old)})
    expect("an ordinary day", room.day(), ([first.title], set()))
    for shows in case.days((first, *old), fresh):
        room.show(shows)
        more, waiting = room.day()
        mailed, held = mailed + more, held | waiting
    expect("held", held, {"Here"} if case.held(known) else set())
    past = {one.title for one in (first, *old)}
    expect("old ones mailed", [title for title in mailed if title.split(" | ")[0] in past], [])
    if not case.others_new(known):
        expect("mailed", mailed, [] if case.waits else [fresh.title])
    if case.held(known):
        expect("mailed when released", ([room.release_one()], set()), room.day())
    expect("mailed later", room.day(), ([], set()))
    room.house.close()
    return wrong


FAST = [case for case in CASES if case.name == "all guids changed"]
FAST += [pytest.param(case, marks=pytest.mark.long) for case in CASES if case.name == "a back catalogue of 17"]


@pytest.mark.long
@pytest.mark.parametrize("case", FAST, ids=lambda case: case.name)
def test_a_feed_does_not_mail_its_past(case: Case, tmp_path: Path) -> None:
    assert faults(tmp_path / "house", case, 5) == []


@pytest.mark.long
def test_an_editor_releases_all_that_a_source_holds(tmp_path: Path) -> None:
    room = Newsroom(tmp_path / "house", reflood.history(5))
    room.day()
    new = tuple(reflood.post(n, reflood.TODAY - timedelta(days=9), "bulk") for n in range(22))
    room.show({"Here": new})
    assert room.day() == ([], {"Here"})
    edit.release(room.house.place, ANN, [], source="Here")
    titles, held = room.day()
    assert (sorted(titles), held) == (sorted(one.title for one in new), set())
    assert room.day() == ([], set())
    room.house.close()


@pytest.mark.proof
def test_every_flood_on_every_history(tmp_path: Path, figure: Callable[..., None]) -> None:
    played = [(case, known) for case in CASES for known in HISTORIES]
    wrong = [fault for n, (case, known) in enumerate(played) for fault in faults(tmp_path / str(n), case, known)]
    print(*wrong, sep="\n")
    held = sum(case.held(known) for case, known in played)
    figure(
        f"26 {len(CASES)} re-floods x histories of {HISTORIES}, through the pipeline",
        goal="0 old mailed, held and released as written",
        result=f"{len(wrong)} faults in {len(played)} ({held} held, then released)",
        met=not wrong and len(CASES) >= 20,
    )
