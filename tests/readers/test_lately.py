"""The number beside a choice: what real letters of real readers brought, counted by hand, and how it is kept."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from digest.editions import draft
from digest.editions.freeze import freeze_slot
from digest.model import EntryEdit, Facets, Taxonomy, Term
from digest.readers.lately import (
    ELSEWHERE,
    ChoiceKey,
    KeptLately,
    Lately,
    LatelyWord,
    per_month,
    read_lately,
    tell_lately,
)
from digest.readers.words import page_words
from digest.schedule import due_slot
from digest.store import deliveries, editions, entries, entry_edits, releases
from digest.store.engine import reading, writing
from digest.store.schema import entry, ingredient
from subscribers import store as people
from subscribers.forms import FACETS
from subscribers.model import Interests, NewSubscriber
from tests.asked import asked
from tests.counts import few_and_many, table
from tests.house import House

AREAS, THEMES = ("housing", "transport", "safeguarding", "leisure"), ("leadership", "trust")
CHOSEN = ("wales", "scotland", "london", "national")  # of the regions, so that readers share some


def begin(folder: Path, url: str = "") -> House:
    """Return a house whose letters are so short that caps and carry-over bite."""
    house = House(folder, url)
    taxonomy = Taxonomy(*(tuple(Term(slug, slug.title()) for slug in slugs) for slugs in (AREAS, THEMES)))
    house.settings = replace(house.settings, taxonomy=taxonomy, letter_cap=4, elsewhere_cap=2, carry_over=2)
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = begin(tmp_path / "house")
    yield house
    house.close()


@dataclass
class Post:
    """An entry to release: on housing in Wales, unless a test says otherwise."""

    areas: tuple[str, ...] = ("housing",)
    regions: tuple[str, ...] = ("wales",)
    themes: tuple[str, ...] = ()
    barriers: tuple[str, ...] = ()
    kind: str = "post"
    state: str = "ready"


def release(house: House, posts: Sequence[Post]) -> list[int]:
    """Store entries and release them."""
    now, numbers = house.now, []
    with writing(house.place.engine) as conn:
        for post in posts:
            values = {
                "source": "Notes", "title": "T", "kind": post.kind, "first_seen": now, "published": now, "print": "",
                "categories": [], "evidence": [], "policy_areas": list(post.areas), "regions": list(post.regions),
                "themes": list(post.themes), "state": post.state,
            }  # fmt: skip
            number = conn.execute(insert(entry).values(values).returning(entry.c.id)).scalar_one()
            if post.barriers:
                line = {
                    "entry_id": number, "name": "in-the-way", "text": "Why.", "barriers": list(post.barriers),
                    "signed_by": "Ann", "state": "editor", "decided_at": now,
                }  # fmt: skip
                conn.execute(insert(ingredient).values(line))
            numbers.append(number)
        releases.number(conn, numbers, "new", now, house.settings.welcome)
    return numbers


def freeze(house: House, cadence: str = "weekly", pinned: tuple[int, ...] = ()) -> int:
    """Draft and freeze the edition of the slot that is due, as a run does; return its number."""
    of, place = house.settings.cadence(cadence), house.place
    slot = due_slot(of, house.now, house.settings.site.zone)
    if pinned:
        with writing(place.engine) as conn:
            edition = draft.ready(conn, house.settings, of, slot, house.now)
            editions.arrange(conn, edition.id, pinned, len(pinned))
    return freeze_slot(place, of, slot, house.now)


def lately(house: House, cadence: str = "") -> Lately:
    with reading(house.place.engine) as conn:
        return read_lately(conn, house.place, cadence)


# --- against real letters ---------------------------------------------------------------------------------------


def some_of(rnd: random.Random, values: Sequence[str], most: int, least: int = 0) -> tuple[str, ...]:
    return tuple(rnd.sample(values, rnd.randint(least, most)))


def some_interests(rnd: random.Random) -> Interests:
    facets = [frozenset(some_of(rnd, values, 2)) for values in (AREAS, CHOSEN, THEMES)]
    return Interests(*facets, elsewhere=rnd.random() < 0.8, carry_over=rnd.random() < 0.8)


def with_choice(rnd: random.Random, interests: Interests) -> tuple[ChoiceKey, Interests]:
    """Return a choice that a reader has not taken, and the interests with it."""
    values = dict(zip(FACETS, (AREAS, CHOSEN, THEMES), strict=True))
    open_to_them = [
        (facet, slug) for facet, slugs in values.items() for slug in slugs if slug not in getattr(interests, facet)
    ]
    facet, slug = rnd.choice(open_to_them)
    changed: dict[str, Any] = {facet: getattr(interests, facet) | {slug}}
    return (facet, slug), replace(interests, **changed)


def a_busy_week(house: House, rnd: random.Random, earlier: list[int]) -> None:
    """Freeze an edition with new entries, of them one pinned, one held and one kept from Wales, and earlier ones.

    The earlier ones are released again with other facets.
    """
    posts = [
        Post(
            some_of(rnd, AREAS, 2, 1), some_of(rnd, (*CHOSEN, "unknown"), 1, 1), some_of(rnd, THEMES, 1),
            some_of(rnd, ("money", "law"), 1), rnd.choice(("post", "case-study", "case-study")),
        )
        for _ in range(2 if len(earlier) % 4 else 14)
    ]  # fmt: skip
    numbers = release(house, [*posts, Post(state="held")])
    with writing(house.place.engine) as conn:
        entry_edits.store_edit(conn, numbers[0], EntryEdit(not_for=("wales",)), house.now)
        if earlier:
            again = rnd.sample(earlier, 2)
            for number in again:
                entries.retag(conn, number, Facets(some_of(rnd, AREAS, 2, 1), some_of(rnd, CHOSEN, 1, 1)))
            releases.number(conn, again, "retagged", house.now, house.settings.welcome)
    freeze(house, pinned=(numbers[1],))
    earlier += numbers[:-1]


@dataclass
class InLetters:
    """What the letters of one reader brought: entries by edition, and those in the section From elsewhere."""

    entries: set[tuple[int, int]]
    elsewhere: set[int]


def in_letters(house: House, reader: int) -> InLetters:
    with reading(house.place.engine) as conn:
        theirs = {d.edition: d.digest for d in deliveries.of_subscriber(conn, reader) if d.state == "pending"}
        plans = deliveries.digests(conn, [number for number in theirs.values() if number])
    letters = [(edition, plans[number]) for edition, number in theirs.items() if number]
    far = {
        placed.entry
        for _, letter in letters
        for section in letter.sections
        if section.key == "elsewhere"
        for group in section.groups
        for placed in group.placed
    }
    return InLetters({(edition, each.entry) for edition, letter in letters for each in letter.placed}, far)


@few_and_many(8, 500)
def test_the_numbers_are_what_came_in_the_letters_of_readers_with_random_interests(house: House, count: int) -> None:
    """Half of the readers follow what another does, and one thing more: beside it stands what their letters had."""
    rnd = random.Random(14)
    follows = [some_interests(rnd) for _ in range(count // 2)]
    more = [with_choice(rnd, each) for each in follows]
    place = house.place
    with writing(place.engine) as conn:
        for number, interests in enumerate([*follows, *(changed for _, changed in more)]):
            new = NewSubscriber(f"r{number}@example.org", cadence="weekly", interests=interests)
            people.add(conn, new, how="test", now=house.now, secret=place.secret)
    house.now += timedelta(days=4)
    earlier: list[int] = []
    for _ in range(3 if count < 100 else 12):
        a_busy_week(house, rnd, earlier)
        house.now += timedelta(weeks=1)
    house.now -= timedelta(weeks=1)
    with reading(house.place.engine) as conn:
        of = editions.frozen_since(conn, "weekly", house.now - timedelta(weeks=12))
        as_shown = {(each.id, row.entry.id): row.entry.facets for each in of for row in editions.shown(conn, each.id)}

    def about(letters: InLetters, choice: ChoiceKey) -> int:
        facet, slug = choice
        return len({entry for at, entry in letters.entries if slug in getattr(as_shown[at, entry], facet)})

    numbers, carried = lately(house), 0
    for number, interests in enumerate([*follows, *(changed for _, changed in more)], 1):
        letters, beside = in_letters(house, number), numbers.beside(interests)
        assert numbers.brought(interests) == len({entry for _, entry in letters.entries}) == len(letters.entries)
        ticked = [(facet, slug) for facet in FACETS for slug in getattr(interests, facet)]
        assert {choice: beside[choice] for choice in ticked} == {choice: about(letters, choice) for choice in ticked}
        if interests.regions and interests.elsewhere:
            assert beside[ELSEWHERE] == len(letters.elsewhere)
        carried += sum(1 for at, n in letters.entries if (at - 1, n) in as_shown and (at, n) in as_shown)
    for number, (interests, (choice, _)) in enumerate(zip(follows, more, strict=True), count // 2 + 1):
        assert numbers.beside(interests)[choice] == about(in_letters(house, number), choice)
    assert carried, "no letter brought what an earlier one had no room for"


# --- which editions and entries count ----------------------------------------------------------------------------


ALL = Interests()
HOUSING: ChoiceKey = ("policy_areas", "housing")


def test_an_entry_counts_that_stood_in_a_letter_and_none_of_a_stopped_edition(house: House) -> None:
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    came, _, _ = release(house, [Post(), Post(("transport",)), Post(state="held")])
    number = freeze(house)
    assert lately(house).beside(ALL) == dict.fromkeys(lately(house).beside(ALL), 0) | {
        HOUSING: 1, ("policy_areas", "transport"): 1, ("regions", "wales"): 2,
    }  # fmt: skip
    with writing(house.place.engine) as conn:
        entries.set_state(conn, came, "dropped")
    assert lately(house).beside(ALL)[HOUSING] == 1, "it did come"
    with writing(house.place.engine) as conn:
        editions.hold(conn, number)
    assert (lately(house).editions, lately(house).brought(ALL)) == (0, 0)


def test_beside_from_elsewhere_stands_what_that_section_had(house: House) -> None:
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    release(house, [Post(kind="case-study", themes=("trust",)), Post(regions=("scotland",))])
    freeze(house)
    numbers, scottish, leisure = lately(house), frozenset({"scotland"}), frozenset({"leisure"})
    assert ELSEWHERE not in numbers.beside(ALL), "a reader of every region has no such section"
    assert numbers.beside(Interests(regions=scottish))[ELSEWHERE] == 1
    assert numbers.beside(Interests(regions=scottish, elsewhere=False))[ELSEWHERE] == 1
    assert numbers.beside(Interests(leisure, scottish))[ELSEWHERE] == 0
    assert numbers.beside(Interests(leisure, scottish))["themes", "trust"] == 1
    assert numbers.beside(Interests(leisure, scottish, frozenset({"trust"})))[ELSEWHERE] == 1


def test_a_choice_that_config_has_no_more_keeps_its_number(house: House) -> None:
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    release(house, [Post(("pensions",))])
    freeze(house)
    assert ("policy_areas", "pensions") not in lately(house).beside(ALL)
    assert lately(house).beside(Interests(frozenset({"pensions"})))["policy_areas", "pensions"] == 1


def test_a_cadence_that_nobody_followed_has_the_numbers_of_one_that_somebody_did(house: House) -> None:
    """Its editions are empty, because a draft begins where its readers have stopped reading."""
    rnd = random.Random(3)
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    for week in range(3):
        posts = [Post(some_of(rnd, AREAS, 2, 1), some_of(rnd, CHOSEN, 1, 1)) for _ in range(9 if week else 0)]
        numbers = release(house, posts)
        edits = (EntryEdit(not_for=("wales",)), EntryEdit(last_day="2026-01-01"))
        with writing(house.place.engine) as conn:
            for number, edit in zip(numbers, edits, strict=False):
                entry_edits.store_edit(conn, number, edit, house.now)
        for cadence in ("weekly", "daily"):
            freeze(house, cadence)
        house.now += timedelta(weeks=1)
    with reading(house.place.engine) as conn:
        daily = editions.frozen_since(conn, "daily", house.now - timedelta(weeks=12))
        assert [len(editions.shown(conn, each.id)) for each in daily] == [0, 0, 0]
    followed, unfollowed, most = lately(house, "weekly"), lately(house, "daily"), 0
    for _ in range(20):
        interests = replace(some_interests(rnd), carry_over=False)  # nobody had letters to carry over from
        assert unfollowed.brought(interests) == followed.brought(interests)
        assert unfollowed.beside(interests) == followed.beside(interests)
        most = max(most, followed.brought(interests))
    assert most == 8, "a full letter of each week"


def test_a_cadence_without_editions_gets_the_numbers_of_the_one_with_the_most(house: House) -> None:
    assert (lately(house).editions, lately(house).beside(ALL)[HOUSING]) == (0, 0)
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    release(house, [Post()])
    freeze(house)
    for cadence in ("", "weekly", "monthly", "fortnightly"):
        assert (lately(house, cadence).editions, lately(house, cadence).beside(ALL)[HOUSING]) == (1, 1)


def test_both_databases_have_the_same_numbers(tmp_path: Path, database_url: str) -> None:
    house = begin(tmp_path / "house", database_url)
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    for _ in range(2):
        release(house, [Post(themes=("trust",)), Post(regions=("scotland",), barriers=("law",), kind="case-study")])
        freeze(house)
        house.now += timedelta(weeks=1)
    welsh = lately(house).beside(Interests(regions=frozenset({"wales"})))
    house.close()
    assert {choice: number for choice, number in welsh.items() if number} == {
        HOUSING: 4, ("regions", "wales"): 2, ("regions", "scotland"): 2, ("themes", "trust"): 2, ELSEWHERE: 2,
    }  # fmt: skip


# --- in words ---------------------------------------------------------------------------------------------------


@table(
    "count, months, pace",
    [
        (0, None, ("lately_none", 0)),
        (1, None, ("lately_few", 1)),
        (5, None, ("lately_few", 5)),
        (6, None, ("lately_a_month", 2)),
        (11, None, ("lately_a_month", 4)),
        (28, None, ("lately_a_month", 10)),
        (270, None, ("lately_a_month", 98)),
        (400, None, ("lately_a_month", 140)),
        (0, 0, ("lately_none", 0)),
        (40, 0, ("lately_few", 40)),
        (3, 2, ("lately_few", 3)),
        (5, 2, ("lately_a_month", 2)),
        (9, 3, ("lately_a_month", 3)),
    ],
)
def test_a_number_is_told_by_the_month_where_that_tells_more(
    count: int, months: int | None, pace: tuple[str, int]
) -> None:
    assert (per_month(count) if months is None else per_month(count, months)) == pace


def test_nothing_is_said_of_a_month_before_twelve_weeks_are_over(house: House) -> None:
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    paces = []
    for weeks in (6, 7, 0):
        for cadence in ("weekly", "monthly"):
            freeze(house, cadence)
            paces.append(lately(house, cadence).pace(12))
        house.now += timedelta(weeks=weeks)
    # Of twelve weeks two monthly editions have the entries of two months.
    assert paces == [LatelyWord("lately_few", 12)] * 4 + [
        LatelyWord("lately_a_month", 4),
        LatelyWord("lately_a_month", 6),
    ]


def test_a_page_says_beside_each_choice_what_came_and_that_nothing_came(house: House) -> None:
    english, welsh = (page_words(house.settings, (language,)) for language in ("en", "cy"))
    assert tell_lately(lately(house), ALL, english) == tell_lately(None, ALL, english) == {}
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    freeze(house)
    house.now += timedelta(weeks=13)
    release(house, [*[Post()] * 3, Post(("leisure",))])
    freeze(house)
    english_beside, welsh_beside = tell_lately(lately(house), ALL, english), tell_lately(lately(house), ALL, welsh)
    assert english_beside[HOUSING] == "3 in the last twelve weeks"
    assert welsh_beside[HOUSING] == "3 yn y deuddeg wythnos ddiwethaf"
    assert english_beside["themes", "trust"] == "none in the last twelve weeks"
    house.now += timedelta(weeks=1)
    release(house, [Post()] * 4)
    freeze(house)
    assert tell_lately(lately(house), ALL, english)[HOUSING] == "about 3 a month lately"


# --- kept in the process ----------------------------------------------------------------------------------------


def kept(numbers: KeptLately, house: House) -> Lately | None:
    with reading(house.place.engine) as conn:
        return numbers.of(conn)


def test_a_page_asks_one_small_query_until_an_edition_is_frozen(house: House) -> None:
    numbers = KeptLately(house.live())
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    release(house, [Post()])
    freeze(house)
    first = kept(numbers, house)
    assert first is not None and first.beside(ALL)[HOUSING] == 1
    with asked(house.place.engine) as statements:
        assert kept(numbers, house) is first
    assert [statement.split("FROM")[1].split()[0] for statement in statements] == ["slot"]
    house.now += timedelta(weeks=1)
    assert kept(numbers, house) is first, "nothing has changed"
    release(house, [Post()])
    freeze(house)
    second = kept(numbers, house)
    assert second is not None and second.beside(ALL)[HOUSING] == 2 and second.past.past[0] is first.past.past[0]
    house.now += timedelta(weeks=11, minutes=15)
    third = kept(numbers, house)
    assert third is not None and third.beside(ALL)[HOUSING] == 1, "the first is twelve weeks old"


def test_within_a_quarter_of_an_hour_a_page_has_followed_what_was_stopped_or_withdrawn(house: House) -> None:
    """The study of the second week came for the barrier that it shares with that of the first."""
    numbers = KeptLately(house.live())
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    law = {"barriers": ("law",), "kind": "case-study"}
    (first,) = release(house, [Post(**law)])
    stopped = freeze(house)
    house.now += timedelta(weeks=1)
    release(house, [Post(("leisure",), ("scotland",), **law)])
    freeze(house)
    buses = Interests(frozenset({"housing"}), frozenset({"london"}))
    before = kept(numbers, house)
    assert before is not None and before.beside(buses)[ELSEWHERE] == before.brought(buses) == 2
    with writing(house.place.engine) as conn:
        entries.set_state(conn, first, "dropped")
    house.now += timedelta(minutes=15)
    after = kept(numbers, house)
    assert after is not None and after.brought(buses) == 1, "nothing in the second week shares its barrier now"
    with writing(house.place.engine) as conn:
        editions.hold(conn, stopped)
    house.now += timedelta(minutes=15)
    at_last = kept(numbers, house)
    assert at_last is not None and (at_last.editions, at_last.brought(buses)) == (1, 0)


def test_while_a_page_counts_the_others_get_the_numbers_from_before(house: House) -> None:
    numbers = KeptLately(house.live(), patience=0)
    house.reader("ann@example.org")
    house.now += timedelta(days=4)
    others: list[Lately | None] = []

    def ask(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT edition_entry.content"):
            thread = threading.Thread(target=lambda: others.append(kept(numbers, house)))
            thread.start()
            thread.join()

    release(house, [Post()])
    freeze(house)
    event.listen(house.place.engine, "before_cursor_execute", ask)
    first = kept(numbers, house)
    assert others == [None] and first is not None
    event.remove(house.place.engine, "before_cursor_execute", ask)
    house.now += timedelta(weeks=1)
    freeze(house)
    event.listen(house.place.engine, "before_cursor_execute", ask)
    second = kept(numbers, house)
    assert others == [None, first] and second is not first
    event.remove(house.place.engine, "before_cursor_execute", ask)
