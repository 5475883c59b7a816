"""The notice to a silent reader: why, and what would have helped; once a month, only if config allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from digest.config.load import load
from digest.delivery.run import Run
from digest.editions.choices import Addition
from digest.editions.silence import WhySilent
from digest.letter.blocks import decode
from digest.model import Entry, Facets
from digest.notices import silence as notices_of_silence
from digest.notices.hand_over import hand_over_owed
from digest.notices.message import notice_parcel
from digest.notices.silence import owe_silence
from digest.store import editions, silence
from digest.store.editions import Shown
from digest.store.engine import reading, writing
from digest.store.notices import Owed
from digest.store.schema import delivery, entry, notice
from subscribers import store as people
from subscribers.model import Interests
from subscribers.tables import subscriber
from tests.counts import table
from tests.house import CONFIG, START, House
from tests.test_send import Recorder

TO = "ann@example.org"
BUSES = Interests(frozenset({"transport"}), frozenset({"wales"}))


def quiet_weeks(house: House) -> None:
    """Freeze four weekly editions, each with a post on housing in Wales, and let the house's clock follow them."""
    with writing(house.place.engine) as conn:
        for week in range(1, 5):
            at = START + timedelta(days=4, weeks=week)
            post = Entry(week, "Notes", None, f"Post {week}", "post", at, at, facets=Facets(("housing",), ("wales",)))
            row = {"id": week, "source": "Notes", "title": post.title, "kind": "post", "first_seen": at,
                   "categories": [], "policy_areas": [], "regions": [], "themes": [], "evidence": [],
                   "state": "ready", "print": ""}  # fmt: skip
            conn.execute(insert(entry).values(row))
            day = at.date().isoformat()
            drafted = editions.draft(conn, "weekly", day, (week - 1, week), [Shown(post, week)], at)
            editions.freeze(conn, drafted.id, 1, at)
    house.now = at
    house.place.fence.check()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house")
    house.reader(TO, interests=BUSES)
    quiet_weeks(house)
    yield house
    house.close()


def noticed(house: House) -> list[EmailMessage]:
    """Do what a run does after an edition; return the notices that left."""
    place, recorder = house.place, Recorder()
    owe_silence(place)
    hand_over_owed(Run(place, recorder))
    return [message_from_bytes(parcel.message, policy=policy.default) for parcel in recorder.taken]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def rows(house: House) -> list[tuple[str, object, object]]:
    with reading(house.place.engine) as conn:
        return [(row.state, row.email, row.facts) for row in conn.execute(select(notice).order_by(notice.c.id))]


def test_a_silent_reader_is_told_why_and_what_would_have_helped_once_a_month(house: House) -> None:
    (message,) = noticed(house)
    assert (message["To"], message["Subject"]) == (TO, "Why you have heard nothing from Digest")
    assert message["List-Unsubscribe"].startswith("<https://digest.example.org/unsubscribe/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = text_of(message)
    assert "we have had 4 new entries, and none of them matches what you follow: Transport, in Wales." in text
    assert "followed the policy area Housing, you would have got 4 entries in the last 12 weeks." in text
    assert f"https://digest.example.org/yours/{house.token('preferences', 1)}" in text.split()
    assert rows(house) == [("accepted", None, None)], "address and facts are forgotten"
    with reading(house.place.engine) as conn:
        assert conn.scalars(select(delivery.c.id)).all() == [], "it is in no receipt"
        assert not silence.has_look_due(conn)
    assert noticed(house) == []
    house.now += timedelta(days=30)
    assert noticed(house) == []
    house.now += timedelta(days=1)
    assert [message["To"] for message in noticed(house)] == [TO]


def test_nobody_is_told_who_has_said_no_or_changed_something_since_it_was_owed(house: House) -> None:
    now, secret = house.now, house.place.secret
    house.now = START
    paused, changed, left, _, content, quiet = [
        house.reader(f"r{number}@example.org", interests=BUSES) for number in range(6)
    ]
    with writing(house.place.engine) as conn:
        switched_off = people.get(conn, content)
        assert switched_off is not None
        people.change(conn, replace(switched_off, silence_notices=False), how="page", now=house.now)
    house.now = now
    owe_silence(house.place)
    assert [state for state, *_ in rows(house)] == ["pending"] * 6, "not to whom does not want to be told"
    with writing(house.place.engine) as conn:
        people.suppress(conn, TO, "editor", now=now, secret=secret)
        people.pause(conn, paused, now + timedelta(days=3), how="link", now=now)
        conn.execute(update(subscriber).where(subscriber.c.id == quiet).values(silence_notices=False))
        people.update_interests(conn, changed, Interests(), how="link", now=now)
        people.leave(conn, left, how="link", now=now, secret=secret)
    assert [message["To"] for message in noticed(house)] == ["r3@example.org"]
    assert rows(house) == [("dropped", None, None)] * 4 + [("accepted", None, None), ("dropped", None, None)]


def test_nobody_is_told_for_whom_something_else_than_their_choices_was_in_the_way(house: House) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(update(subscriber).values(policy_areas="housing"))
    assert noticed(house) == [] and rows(house) == []
    with writing(house.place.engine) as conn:
        conn.execute(update(subscriber).values(policy_areas="transport"))
    house.settings = replace(house.settings, only=("@other.example",))
    house.now += timedelta(days=31)
    assert noticed(house) == [] and rows(house) == [], "the allow-list holds"


def test_those_who_are_too_many_for_an_hour_wait_for_the_next(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices_of_silence, "_MOST_AN_HOUR", 2)
    house.now = START
    for number in range(2):
        house.reader(f"r{number}@example.org", interests=BUSES)
    house.now += timedelta(days=32)
    for minutes, count, due in ((0, 2, True), (30, 0, True), (31, 1, False)):
        house.now += timedelta(minutes=minutes)
        assert len(noticed(house)) == count
        with reading(house.place.engine) as conn:
            assert silence.has_look_due(conn) == due


WHY = WhySilent("2026-10-30", "2026-11-06T08:00:00+00:00", 4, 3, 0, Addition("region", "wales", 1))


@table(
    "told, language, sentences",
    [
        (WHY, "en", ("Your last letter from Digest was that of 30 October 2026.", "had 3 new entries",
                     "If you had also followed the region Wales, you would have got one entry")),
        (WHY._replace(last="", entries=1), "en", ("You have had no letter from Digest yet.", "had one new entry")),
        (WHY._replace(entries=0, choice=None), "en", ("6 November 2026 we have had no new entry at all;",
                                                      "No single addition to what you follow would")),
        (WHY._replace(editions=0), "en", ("we have not made an edition that could have had something for you;",)),
        (WHY._replace(choice=Addition("elsewhere", "", 7)), "en", ("followed case studies from elsewhere, you would",
                                                                 "got 7 entries in the last 12 weeks.")),
        (WHY._replace(choice=Addition("theme", "leadership", 2)), "en", ("the theme Leadership",)),
        (WHY, "cy", ("Llythyr 30 Hydref 2026 oedd eich llythyr diwethaf gan Digest.", "3 eitem newydd",
                     "y rhanbarth Cymru")),
        (WHY._replace(choice=None), "xx", ("No single addition to what you follow",)),
    ],
)  # fmt: skip
def test_the_words_tell_what_is_true(
    told: WhySilent, language: str, sentences: tuple[str, ...], house: House
) -> None:
    place = house.place
    with reading(place.engine) as conn:
        person = people.find(conn, TO)
    assert person is not None
    owed = Owed(1, "silence", TO, told._asdict())
    parcel = notice_parcel(house.settings, owed, replace(person, language=language), place.keyring, house.now)
    text = decode(parcel.letter.text_pieces)
    assert [sentence for sentence in sentences if sentence not in text] == [], text
    assert not any(mark in text for mark in "{}") and "ann" not in parcel.letter.subject


@pytest.mark.long
@pytest.mark.parametrize("allowed", [True, False])
def test_a_run_tells_them_only_if_config_allows(begun: Callable[..., House], tmp_path: Path, allowed: bool) -> None:
    house = begun(tmp_path / "house")
    house.settings = replace(house.settings, silence_notices=allowed)
    house.reader(TO, interests=BUSES)
    house.reader("bob@example.org", interests=Interests(frozenset({"housing"})))
    for week in range(5):
        house.publish(f"Homes {week}", region="wales")
        house.run(days=7)
    letters = list((house.folder / "letters" / "notices").glob("*.eml"))
    assert len(letters) == allowed
    if allowed:
        message = message_from_bytes(letters[0].read_bytes(), policy=policy.default)
        assert (message["To"], "policy area Housing" in text_of(message)) == (TO, True)
    house.run(days=7)
    assert len(list((house.folder / "letters" / "notices").glob("*.eml"))) == allowed


def test_the_key_is_off_unless_it_is_set(house: House) -> None:
    assert not house.settings.silence_notices
    house.config.write_text(CONFIG.format(source="", weekly="") + "[notices]\nsilence = true\n")
    assert load(house.config, {}).silence_notices
