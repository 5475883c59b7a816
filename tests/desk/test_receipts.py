"""The receipt as a page: it balances, or says loudly that it does not; nobody's address is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from digest import cli
from digest.desk import receipts
from digest.errors import WrongUse
from digest.model import Receipt
from digest.store.condense import condense
from digest.store.engine import reading, writing
from digest.store.schema import delivery, event, had, tally
from subscribers import store as people
from tests.counts import table
from tests.kills import books
from tests.outcomes import READERS, SUMS, Stage, address


class Page(HTMLParser):
    """A page's words, its bar, and whatever would fetch or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.bar, self.active, self.label = "", {}, [], ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        self.active += [tag] if tag in ("script", "link", "img", "iframe", "form", "object", "base", "a") else []
        self.active += [name for name in at if name.startswith("on") or name in ("src", "href", "action")]
        if at.get("role") == "img":
            self.label = at["aria-label"]
        if grow := re.fullmatch(r"flex-grow: (\d+)", at.get("style", "")):
            self.bar[at["class"].removeprefix("of-")] = int(grow[1])

    def handle_data(self, data: str) -> None:
        if "style" not in self._open[-1:]:
            self.words = " ".join((self.words + " " + data).split())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The house in which everything has happened."""
    made = Stage(tmp_path_factory.mktemp("receipt") / "house")
    yield made.play()
    made.close()


def page_of(house: Stage) -> tuple[str, Page]:
    text = receipts.page(house.place, receipts.account(house.place, house.number))
    return text, Page(text)


def run(house: Stage, *words: str) -> int:
    return cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words])


@pytest.mark.long
def test_it_shows_the_sum_as_words_as_a_picture_and_for_who_cannot_see_it(stage: Stage) -> None:
    _, page = page_of(stage)
    drawn = {name: count for name, count in SUMS.items() if name != "eligible"} | {"pending": 1}
    assert page.bar == drawn
    assert page.label == ", ".join(f"{count} {name}" for name, count in drawn.items()) + ", of 20 eligible"
    assert f"20 eligible = {' + '.join(f'{count} {name}' for name, count in drawn.items())}" in page.words
    assert "1 delivered, 1 bounced, 1 complained" in page.words
    assert "A person is needed In doubt: 1." in page.words
    assert "Not handed over yet: 1." in page.words


@pytest.mark.long
def test_it_names_doubts_by_delivery_and_refusals_by_reason_and_nobody_by_address(stage: Stage) -> None:
    text, page = page_of(stage)
    number = next(p.delivery for p in stage.postman.taken if p.to == address("uncertain"))
    assert f"{number} 2026-11-06 11:00 GMT the connection was lost after the letter of …" in page.words
    for state, count, reason in (
        ("refused", 1, "550 5.1.1 <…>: no such user …"), ("held", 1, "paused"), ("pending", 1, "paused"),
        ("cancelled", 1, "erased"), ("cancelled", 1, "not on the allow-list"),
    ):  # fmt: skip
        assert f"{state} {count} {reason}" in page.words, (state, reason)
    assert "Run 2 (send) 2026-11-06 11:00 GMT to 2026-11-06 11:00 GMT: needs a person" in page.words
    document = json.dumps(receipts.account(stage.place, stage.number).to_json())
    for name in READERS:
        assert address(name) not in text + document, name
    assert not re.search(r"[\w.]+@[\w.]+", text + document)
    assert page.active == []
    assert not re.search(r"https?://|url\(|@import", text)


@pytest.mark.long
def test_a_servers_yes_is_no_line_of_its_own_a_persons_is(tmp_path: Path) -> None:
    house = Stage(tmp_path / "house")
    house.run()
    for n in range(3):
        house.reader(f"r{n}@example.org")
    house.publish("One")
    house.run(days=4)
    with writing(house.place.engine) as conn:
        for number in conn.scalars(select(delivery.c.id).order_by(delivery.c.id)).all():
            reason = "settled by an editor: accepted" if number == 1 else f"250 2.0.0 Ok: queued as 4X{number}"
            conn.execute(update(delivery).where(delivery.c.id == number).values(reason=reason))
    made = receipts.account(house.place, receipts.newest_frozen(house.place))
    assert made.why == (("accepted", "settled by an editor: accepted", 1),)
    house.close()


@pytest.mark.long
def test_one_that_does_not_balance_says_so_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = Stage(tmp_path / "house").play()
    with writing(house.place.engine) as conn:
        gone = [house.who["all"], house.who["near"]]
        conn.execute(
            delete(delivery).where(delivery.c.edition_id == house.number, delivery.c.subscriber_id.in_(gone))
        )
    text, page = page_of(house)
    assert "<title>DOES NOT BALANCE: Receipt of edition" in text
    assert "This receipt does not balance 2 of 20 eligible readers are not accounted for." in page.words
    assert "20 eligible ≠ 7 accepted" in page.words
    assert (page.bar["unexplained"], "2 not accounted for, of 20 eligible" in page.label) == (2, True)
    assert run(house, "receipt", str(house.number)) == 1
    said = capsys.readouterr()
    assert "NO: 2 NOT ACCOUNTED FOR" in said.out
    assert "A RECEIPT DOES NOT BALANCE" in said.err
    assert run(house, "doctor") == 1
    assert "the receipt does not balance" in capsys.readouterr().out
    house.close()


@pytest.mark.parametrize(
    ("counts", "level", "line"),
    [
        ({"eligible": 3, "accepted": 3}, "balanced", "Every one of the 3 eligible readers is accounted for."),
        ({"eligible": 0}, "balanced", "Every one of the 0 eligible readers is accounted for."),
        ({"eligible": 3, "accepted": 2, "pending": 1}, "open", "Not handed over yet: 1."),
        ({"eligible": 3, "accepted": 2, "uncertain": 1}, "person", "In doubt: 1."),
        ({"eligible": 3, "accepted": 2}, "wrong", "1 of 3 eligible readers are not accounted for."),
        ({"eligible": 3, "accepted": 4}, "wrong", "Deliveries that belong to no eligible reader: 1."),
        ({"eligible": 3, "uncertain": 1, "pending": 1}, "wrong", "1 of 3 eligible readers are not accounted for."),
    ],
)
def test_the_worst_is_said_first(stage: Stage, counts: dict[str, int], level: str, line: str) -> None:
    one = receipts.account(stage.place, stage.number)
    made = replace(one, receipt=Receipt(edition=1, cadence="weekly", slot="2026-11-06", **counts))
    assert made.verdict[0] == level
    assert made.verdict[1][0].startswith(line)
    assert line in Page(receipts.page(stage.place, made)).words


@table(
    "part, whole, said",
    [
        (0, 0, ""),
        (0, 9, "0 %"),
        (1, 10**6, "< 0.1 %"),
        (999_999, 10**6, "> 99.9 %"),
        (9, 9, "100.0 %"),
        (1, 3, "33.3 %"),
    ],
)
def test_no_share_is_rounded_to_nothing_or_all(part: int, whole: int, said: str) -> None:
    assert receipts.share_of(part, whole) == said


def ask_first_editions(house: Stage) -> None:
    """Let the next run send the first edition of each cadence, to nobody: its reader leaves."""
    for cadence in ("daily", "weekly", "monthly"):
        reader = house.reader(f"{cadence}@example.org", cadence)
        assert run(house, "prepare", cadence, "--first") == 0
        with writing(house.place.engine) as conn:
            people.leave(conn, reader, how="link", now=house.now, secret=house.place.secret)


@pytest.mark.long
def test_every_run_leaves_its_pages_and_settling_writes_them_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = Stage(tmp_path / "house")
    ask_first_editions(house)
    assert run(house, "run", "-v") == 0
    pages = house.folder / "receipts"
    assert sorted(p.name for p in pages.iterdir()) == [
        "daily-2026-11-02.html", "monthly-2026-11-01.html", "weekly-2026-10-30.html",
    ]  # fmt: skip
    assert f"receipt: {pages / 'daily-2026-11-02.html'}" in capsys.readouterr().err
    house.reader("a@example.org")
    house.publish("One")
    house.now = house.now.replace(day=6)
    assert run(house, "run", "-v") == 0
    weekly = pages / "weekly-2026-11-06.html"
    assert "1 eligible = 1 accepted" in Page(weekly.read_text()).words
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="uncertain", reason="the answer was lost"))
    capsys.readouterr()
    assert run(house, "receipt", "--json", "--out", str(tmp_path / "here.html")) == 4
    document = json.loads(capsys.readouterr().out)
    assert (document["uncertain"], document["in_doubt"][0]["reason"]) == (1, "the answer was lost")
    assert "A person is needed" in Page((tmp_path / "here.html").read_text()).words
    assert "A person is needed" not in Page(weekly.read_text()).words
    assert run(house, "settle", "1", "--as", "write-off", "--by", "anna@example.org") == 0
    page = Page(weekly.read_text())
    assert "1 eligible = 0 accepted" in page.words
    assert "cancelled 1 settled by … write-off" in page.words
    assert [p.name for p in pages.iterdir() if p.name.startswith(".")] == []
    house.close()


@pytest.mark.long
def test_a_page_that_cannot_be_written_is_told_and_what_was_mailed_stays_mailed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = Stage(tmp_path / "house")
    (house.folder / "receipts").write_text("in the way")
    ask_first_editions(house)
    assert run(house, "run", "-v") == 0
    assert f"no page of the receipt: {house.folder / 'receipts'}: File exists" in capsys.readouterr().err
    with pytest.raises(WrongUse, match="edition 9 does not exist"):
        receipts.account(house.place, 9)
    assert (house.folder / "receipts").is_file()
    house.close()


def test_a_receipt_stays_the_same_while_its_deliveries_are_condensed(stage: Stage, tmp_path: Path) -> None:
    with closing(stage.copy(tmp_path / "house")) as house:
        with writing(house.place.engine) as conn:
            conn.execute(update(delivery).where(delivery.c.state == "uncertain").values(state="accepted"))
            pending = update(delivery).where(delivery.c.state == "pending")
            conn.execute(pending.values(state="refused", reason="550 5.1.1 <refused@example.org> is away"))
            people.forget(conn, house.who["delivered"], now=house.now, secret=house.place.secret)
            accepted = select(delivery.c.subscriber_id).where(
                delivery.c.edition_id == house.number, delivery.c.state == "accepted"
            )
            readers = set(conn.scalars(accepted)) - {house.who["delivered"]}

        def account() -> dict[str, object]:
            document = receipts.account(house.place, house.number).to_json()
            return {key: value for key, value in document.items() if key not in ("at", "condensed")}

        before, steps, left = account(), 0, True
        assert len(before["why"]) > 5 and before["fates"]  # type: ignore[arg-type]
        while left:
            with writing(house.place.engine) as conn:
                left = bool(condense(conn, house.number, most=3))
                books.accounts(conn)
            assert account() == before
            steps += left
        assert steps == 7
        with reading(house.place.engine) as conn:
            tallies = conn.execute(select(tally.c.reason)).scalars().all()
            had_letters = set(conn.scalars(select(had.c.subscriber_id)))
            events = conn.scalar(select(func.count()).select_from(event).where(event.c.delivery_id.is_not(None)))
        assert not any("@" in reason for reason in tallies)
        assert had_letters == readers and len(readers) > 5
        assert events == 0
        words = page_of(house)[1].words
        assert "It balances" in words and "The deliveries are too old to be kept one by one." in words
