"""Plan: one rule says what each reader gets of an edition; preview, explain and freeze give its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from digest import pipeline
from digest.config.load import load
from digest.delivery.claim import mailable
from digest.desk import explain
from digest.desk.preview import Preview, preview
from digest.editions import approve as approving
from digest.editions import draft as drafting
from digest.editions import freeze as freezing
from digest.editions.due import slot_owed
from digest.editions.plan import NO_READER, Offer, Standing
from digest.model import Digest, Edition, Entry, Facets
from digest.store import deliveries, editions
from digest.store.deliveries import Delivery
from digest.store.editions import Shown
from digest.store.engine import reading, writing
from digest.store.plans import digest_of
from subscribers import store as people
from subscribers.model import Interests, Subscriber
from tests.counts import others_long, table
from tests.house import CONFIG, START, House

HOUSING = Interests(policy_areas=frozenset({"housing"}))
LATE = "after the edition was drafted"
CAME = f"came to this cadence, or may be mailed again, {LATE}"
WHY_LATE = {"back": f"came back from a pause {LATE}", "joined": f"joined {LATE}"}  # of others: CAME
ALLOWED = ("@example.org", "named@elsewhere.example")
NOTHING_MATCHES = "nothing in this edition matches: no letter is written"


# The rule by itself: (what is said of the subscriber, blocked, mark) -> (state, reason).
RULE = [
    ({}, "", 3, "pending", ""),
    ({}, "", 4, "pending", ""),
    ({}, "", 5, "empty", ""),
    ({"interests": Interests(policy_areas=frozenset({"transport"}))}, "", 3, "empty", ""),
    ({}, "", 2, "held", f"{CAME}; the next one makes it good"),
    ({}, "paused", 2, "held", "paused"),
    ({}, "not on the allow-list", 3, "held", "not on the allow-list"),
    ({}, "suppressed", 3, "suppressed", "suppressed"),
    ({"state": "left"}, "suppressed", 3, NO_READER, "suppressed"),
    ({"state": "left"}, "left", 3, NO_READER, "left"),
    ({"state": "pending"}, "pending", 3, NO_READER, "pending"),
    ({"cadence": "monthly"}, "", 3, NO_READER, "follows the monthly cadence"),
    ({"cadence": "monthly"}, "suppressed", 3, NO_READER, "follows the monthly cadence"),
]


@table("about, blocked, mark, state, reason", RULE)
def test_each_standing_has_its_plan(
    tmp_path: Path, about: dict[str, object], blocked: str, mark: int, state: str, reason: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    edition = Edition(1, "weekly", "2026-11-06", "approved", False, "", 5, "", from_release=3)
    facets = Facets(("housing",), ("wales",), (), ())
    shown = [Shown(Entry(n, "T", None, "S", "post", None, START, facets=facets), n) for n in (4, 5)]
    offer = Offer(load(config, {}), edition, shown)
    person = replace(Subscriber(1, "r@example.org", interests=HOUSING), **about)  # type: ignore[arg-type]
    planned = offer.planned(Standing(person, blocked, mark, frozenset()))
    assert (planned.state, planned.reason) == (state, reason)
    digest = offer.digest(planned)
    assert [placed.entry for placed in digest.placed] == [
        n for n in (4, 5) if n > mark and state == "pending"
    ] if digest else state not in ("pending", "empty")  # fmt: skip
    twin = offer.planned(Standing(replace(person, id=2), blocked, mark, frozenset()))
    assert twin.match == planned.match, "readers who get the same share a digest"


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize(("arranged", "pinned", "seen"), [((), 0, 1), ((2,), 0, 1), ((2,), 1, 2), ((3, 2), 2, 3)])
def test_what_editors_have_pinned_goes_before_what_comes_from_elsewhere(
    tmp_path: Path, arranged: tuple[int, ...], pinned: int, seen: int, carried: bool
) -> None:
    """Entry 1 comes from elsewhere; 2 and 3 are of the reader's areas, and the letter has room for one."""
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    settings = replace(load(tmp_path / "config.toml", {}), letter_cap=1, elsewhere_cap=1)
    edition = Edition(1, "weekly", "2026-11-06", "approved", False, "", 3, "", arranged=arranged, pinned=pinned)
    order = [*arranged, *(n for n in (1, 2, 3) if n not in arranged)]
    entries = [
        Entry(n, "S", None, f"T{n}", "case-study", None, START, facets=Facets(("housing",), (region,)),
              carried_from="2026-10-30" if carried else "")
        for n, region in ((n, "london" if n == 1 else "wales") for n in order)
    ]  # fmt: skip
    offer = Offer(settings, edition, [Shown(entry, 0 if carried else entry.id) for entry in entries])
    reader = Subscriber(1, "r@example.org", interests=Interests(frozenset({"housing"}), frozenset({"wales"})))
    digest = digest_of(
        offer.plan(offer.planned(Standing(reader, "", 0, (), (1, 2, 3) if carried else ())).match or 0)
    )
    assert [placed.entry for placed in digest.placed] == [seen] and digest.again == carried


@pytest.mark.long
def test_a_digest_whose_letter_mail_programs_would_clip_is_planned_shorter(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    settings = replace(load(tmp_path / "config.toml", {}), letter_cap=100)
    facets = Facets(("housing",), ("wales",), (), ())
    long = "What was done, and what came of it. " * 20
    shown = [Shown(Entry(n, "T", None, f"S{n}", "post", None, START, long, facets=facets), n) for n in range(1, 91)]
    edition = Edition(1, "weekly", "2026-11-06", "approved", False, "", 90, "")
    offer = Offer(settings, edition, shown)
    plans = [offer.planned(Standing(Subscriber(n, "r@example.org", interests=HOUSING), "", 0, ())) for n in (1, 2)]
    digest = offer.digest(plans[0])
    assert digest is not None and plans[0].match == plans[1].match
    first = [placed.entry for placed in digest.placed]
    assert first == list(range(1, len(first) + 1)) and 10 < len(first) < 90
    assert digest.more == 90 - len(first)
    assert digest.left_out == tuple((n, "over-cap") for n in range(len(first) + 1, 91))
    # The group of the second pinned entry stands last, and keeps it.
    buses = replace(shown[1].entry, facets=replace(facets, policy_areas=("transport",)))
    shown[1] = replace(shown[1], entry=buses)
    offer = Offer(settings, replace(edition, arranged=(1, 2), pinned=2), shown)
    digest = offer.digest(offer.planned(Standing(Subscriber(1, "r@example.org", interests=Interests()), "", 0, ())))
    assert digest is not None and 10 < len(digest.placed) < 90
    assert [group.slug for group in digest.sections[0].groups] == ["housing", "transport"]


def address(name: str) -> str:
    return f"{name}@{'elsewhere.example' if name in ('named', 'stranger') else 'example.org'}"


class Town:
    """A house with every kind of reader, whose weekly edition was drafted before some of them changed."""

    def __init__(
        self, folder: Path, database_url: str, *, weekly: str = "", welcome: int = 0, like: Town | None = None
    ) -> None:
        self.house = like.house.copy(folder) if like else House(folder, database_url, weekly=weekly)
        self.house.settings = replace(
            self.house.settings, welcome=timedelta(days=welcome), only=like.house.settings.only if like else ()
        )
        self.ids = dict(like.ids) if like else {}

    def change(self, work: Callable[[Connection], object]) -> None:
        with writing(self.house.place.engine) as conn:
            work(conn)

    def join(
        self, *names: str, cadence: str = "weekly", interests: Interests = HOUSING, state: str = "active"
    ) -> None:
        house = self.house
        for name in names:
            with writing(house.place.engine) as conn:
                self.ids[name] = people.add(
                    conn,
                    people.NewSubscriber(address(name), cadence=cadence, interests=interests, state=state),
                    how="test",
                    now=house.now,
                    secret=house.place.secret,
                ).id

    def pause(self, name: str, days: int) -> None:
        now = self.house.now
        self.change(lambda conn: people.pause(conn, self.ids[name], now + timedelta(days=days), how="test", now=now))

    def suppress(self, name: str) -> None:
        house = self.house
        self.change(
            lambda conn: people.suppress(conn, address(name), "bounced", secret=house.place.secret, now=house.now)
        )

    def leave(self, name: str) -> None:
        house = self.house
        self.change(
            lambda conn: people.leave(conn, self.ids[name], how="test", now=house.now, secret=house.place.secret)
        )

    def cadence(self, name: str, cadence: str) -> None:
        self.change(lambda conn: people.set_cadence(conn, self.ids[name], cadence, how="test", now=self.house.now))

    def gather(self, title: str, areas: str = "housing") -> None:
        self.house.now += timedelta(hours=1)
        self.house.publish(title, areas)
        pipeline.gather(self.house.place, force=True)

    def drafted(self) -> int:
        """Let a first week pass, then draft the second week's edition and let readers change; return its number."""
        house = self.house
        self.join("usual", "named", "stranger", "suppressed", "left", "paused", "back", "early", "away")
        self.join("buses", interests=Interests(policy_areas=frozenset({"transport"})))
        self.join("unconfirmed", state="pending")
        self.join("monthly", "changed", cadence="monthly")
        house.publish("Before they joined")
        house.run()
        for name, days in (("paused", 40), ("back", 10), ("early", 40)):
            self.pause(name, days)
        self.gather("First week")
        self.friday(6)
        approve(self, self.draft())
        assert not house.run().failed
        house.now += timedelta(days=3)
        self.gather("Second week")
        # Only now: whoever is left out keeps their mark, and the next draft goes back as far as that.
        house.settings = replace(house.settings, only=ALLOWED)
        number = self.draft()
        house.now += timedelta(hours=1)
        self.join("joined")
        self.cadence("changed", "weekly")
        self.cadence("away", "monthly")
        self.change(lambda conn: people.end_pause(conn, self.ids["early"], how="test", now=house.now))
        self.suppress("suppressed")
        self.leave("left")
        self.gather("After the draft")
        return number

    def draft(self) -> int:
        house = self.house
        with writing(house.place.engine) as conn:
            return drafting.draft(conn, house.settings, house.settings.cadence("weekly"), house.now).id

    def friday(self, day: int) -> None:
        self.house.now = START.replace(day=day, hour=9)

    def previews(self) -> dict[str, Preview]:
        return {name: preview(self.house.place, email=address(name), cadence="weekly") for name in self.ids}

    def freeze(self) -> int:
        house, weekly = self.house, self.house.settings.cadence("weekly")
        with writing(house.place.engine) as conn:
            slot = slot_owed(conn, weekly, house.now, "Europe/London")
            assert slot is not None
            drafting.ready(conn, house.settings, weekly, slot, house.now)
            return freezing.freeze(conn, house.settings, weekly, slot, house.place.secret, house.now).id

    def account(self, number: int) -> dict[str, tuple[Delivery, Digest | None]]:
        """Return what was frozen for each reader of an edition."""
        with reading(self.house.place.engine) as conn:
            rows = {
                name: row
                for name, who in self.ids.items()
                for row in deliveries.of_subscriber(conn, who)
                if row.edition == number
            }
            plans = deliveries.digests(conn, [row.digest for row in rows.values() if row.digest])
        return {name: (row, plans.get(row.digest or 0)) for name, row in rows.items()}

    def explained(self, number: int) -> dict[tuple[str, int], str]:
        """Return the outcome for every reader and every entry that an edition carries."""
        with reading(self.house.place.engine) as conn:
            carried = [shown.entry.id for shown in editions.shown(conn, number)]
        return {
            (name, entry): explain.explain(self.house.place, address(name), str(entry))[2].outcome
            for name in self.ids
            for entry in carried
        }


@pytest.fixture
def make_town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """`Town` in a folder of its own, closed when the test ends, however it ends."""
    towns: list[Town] = []

    def make(database_url: str = "", **choices: Any) -> Town:
        towns.append(Town(tmp_path / "house", database_url, **choices))
        return towns[-1]

    yield make
    for town in towns:
        town.house.close()


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], tuple[Town, int]]:
    """Drafted towns on SQLite, to copy, with their edition's number: by the weekly cadence's config and welcome."""
    return {}


@pytest.fixture
def make_drafted(
    make_town: Callable[..., Town],
    drafts: dict[tuple[str, int], tuple[Town, int]],
    tmp_path_factory: pytest.TempPathFactory,
    pipeline_url: str,
) -> Callable[[str, int], tuple[Town, int]]:
    """Give a town whose second edition is drafted, and the edition's number."""

    def make(weekly: str, welcome: int) -> tuple[Town, int]:
        if not pipeline_url.startswith("sqlite"):
            town = make_town(pipeline_url, weekly=weekly, welcome=welcome)
            return town, town.drafted()
        if (weekly, welcome) not in drafts:
            town = Town(tmp_path_factory.mktemp("draft") / "house", "", weekly=weekly, welcome=welcome)
            drafts[weekly, welcome] = town, town.drafted()
        first, number = drafts[weekly, welcome]
        return make_town(welcome=welcome, like=first), number

    return make


def hold(town: Town, number: int) -> None:
    town.change(lambda conn: approving.hold(conn, number))


def approve(town: Town, number: int) -> None:
    house = town.house
    town.change(lambda conn: approving.approve(conn, house.settings, number, "ed", house.now))


def nothing(_town: Town, _number: int) -> None:
    pass


# The editor's acts on the draft, before and after the look at it.
KINDS: dict[str, tuple[str, Callable[[Town, int], None], Callable[[Town, int], None]]] = {
    "automatic": ("", nothing, nothing),
    "approved": ("", approve, nothing),
    "held": ("", hold, approve),
    "to be approved": ('approval = "required"', nothing, approve),
}
# By hand: what freeze writes for each reader, of an edition that stands as drafted and of one that is made anew.
# "-" no delivery; `joined` with a welcome look-back of 30 days is in the second row.
STANDING = {
    "usual": "pending", "named": "pending", "stranger": "held", "suppressed": "suppressed", "left": "-",
    "paused": "held", "back": "late", "early": "late", "away": "-", "buses": "empty", "unconfirmed": "-",
    "monthly": "-", "changed": "late", "joined": "empty",
}  # fmt: skip
ANEW = STANDING | {"back": "pending", "early": "pending", "changed": "pending", "joined": "pending"}
WORDS = {
    "stranger": "this reader is not on the allow-list ([transport] only)",
    "suppressed": "this reader is suppressed",
    "left": "this reader is suppressed",
    "paused": "this reader is paused",
    "buses": NOTHING_MATCHES,
    "unconfirmed": "this reader has not confirmed yet",
    "monthly": "this reader follows the monthly cadence",
    "away": "this reader follows the monthly cadence",
}


# With a welcome look-back the first new reader, too, is owed what was released before the draft's window.
CASES = others_long([*((kind, 0) for kind in KINDS), ("automatic", 30), ("approved", 30)], ("approved", 30))


@pytest.mark.parametrize(("kind", "welcome"), CASES)
def test_preview_and_explain_say_what_freeze_then_writes(
    make_drafted: Callable[[str, int], tuple[Town, int]], kind: str, welcome: int
) -> None:
    weekly, before, after = KINDS[kind]
    town, number = make_drafted(weekly, welcome)
    before(town, number)
    town.friday(13)
    shown, told = town.previews(), town.explained(number)
    after(town, number)
    assert town.freeze() == number
    account, explained = town.account(number), town.explained(number)

    expected = dict(ANEW if kind == "automatic" else STANDING)
    if welcome and kind != "automatic":
        expected["joined"] = "late"
    assert {name: _state(account, name) for name in town.ids} == expected
    for name, seen in shown.items():
        _, digest = account.get(name, (None, None))
        assert seen.edition.id == number
        assert (seen.digest, seen.parcel is not None) == (digest, expected[name] == "pending"), name
        assert seen.reason == _words(name, expected[name]), name
    for (name, entry), outcome in explained.items():
        if (name, entry) in told:  # an entry that came after an automatic draft is not planned yet
            assert told[name, entry] == {"pending": "owed"}.get(outcome, outcome), (name, entry)


def _state(account: dict[str, tuple[Delivery, Digest | None]], name: str) -> str:
    if name not in account:
        return "-"
    row, _ = account[name]
    return "late" if LATE in row.reason else row.state


def _words(name: str, state: str) -> str:
    if state == "late":
        why = WHY_LATE.get(name, CAME)
        return f"this edition holds this reader, who {why}; the weekly edition of 2026-11-20 makes it good"
    return "" if state == "pending" else WORDS.get(name, NOTHING_MATCHES)


@pytest.mark.long
def test_who_joined_late_gets_all_of_it_once_with_the_edition_that_makes_it_good(
    make_drafted: Callable[[str, int], tuple[Town, int]],
) -> None:
    town, number = make_drafted("", 30)
    approve(town, number)
    town.friday(13)
    town.house.run()
    for name in ("back", "early", "changed", "joined"):
        town.friday(14)
        seen = preview(town.house.place, email=address(name))
        told = town.house.letters(town.ids[name])
        town.friday(20)
        assert told == [] and seen.digest is not None and seen.parcel is not None, name
        assert seen.edition.slot == "2026-11-20"
    wanted = {name: preview(town.house.place, email=address(name)).digest for name in town.ids}
    town.house.run()
    for name in ("back", "early", "changed", "joined"):
        assert town.house.letters(town.ids[name]) == [wanted[name]], name
    town.friday(27)
    town.house.run()
    assert len(town.house.letters(town.ids["joined"])) == 1, "their mark has moved: nothing comes twice"


@pytest.fixture
def frozen(make_town: Callable[..., Town]) -> tuple[Town, int]:
    """A frozen edition that is not handed over yet."""
    town = make_town()
    town.join("usual", "paused", "suppressed", "left", "named")
    town.house.run()
    town.gather("News")
    town.friday(6)
    return town, town.freeze()


@pytest.mark.long
def test_a_frozen_letter_is_shown_as_the_claim_will_take_it(frozen: tuple[Town, int]) -> None:
    town, number = frozen
    town.pause("paused", 3)
    town.suppress("suppressed")
    town.leave("left")
    town.house.settings = replace(town.house.settings, only=("@example.org",))
    place = town.house.place
    with reading(place.engine) as conn:
        owed = deliveries.in_state(conn, "pending", number)
        batch, dropped = mailable(conn, place.settings, owed, place.secret, town.house.now, corrects=False)
    goes = {one.delivery.id for one in batch} | {one.delivery for one in dropped if one.until}
    expected = {
        "usual": "pending",
        "paused": "pending, but this reader is paused",
        "suppressed": "pending, but this reader is suppressed",
        "left": "pending, but this reader is suppressed",
        "named": "pending, but this reader is not on the allow-list ([transport] only)",
    }
    for name, (row, _) in town.account(number).items():
        seen = preview(place, email=address(name), number=number)
        assert (seen.reason, seen.parcel is not None) == (expected[name], row.id in goes), name
        entry = next(placed.entry for placed in seen.digest.placed) if seen.digest else 0
        told = explain.explain(place, address(name), str(entry))[2]
        assert ("not to be handed over" in told.reasons[0]) == (row.id not in goes), told
    pipeline.send_owed(place, number=number)
    sent = {name for name, (row, _) in town.account(number).items() if row.state == "accepted"}
    assert sent == {"usual"}


def test_a_draft_that_was_passed_over_is_shown_no_letter(make_town: Callable[..., Town]) -> None:
    town = make_town(weekly='approval = "required"')
    town.join("usual")
    town.house.run()
    town.gather("News")
    number = town.draft()
    town.friday(13)
    seen = preview(town.house.place, email=address("usual"), number=number)
    assert seen.parcel is None
    assert seen.reason == "this draft was passed over: the weekly edition of 2026-11-13 carries its entries"
    assert preview(town.house.place, email=address("usual")).parcel is not None


@pytest.mark.long
def test_an_approved_edition_that_no_run_took_yet_is_shown_before_the_one_now_owed(
    make_town: Callable[..., Town],
) -> None:
    town = make_town()
    town.join("usual")
    town.house.run()
    town.gather("News")
    number = town.draft()
    approve(town, number)
    town.friday(13)
    town.gather("Later")
    seen = preview(town.house.place, email=address("usual"))
    assert seen.edition.id == number
    town.house.run()
    assert town.house.letters(town.ids["usual"])[0] == seen.digest


@pytest.mark.long
def test_who_is_not_on_the_allow_list_is_shown_no_letter_before_there_is_a_draft(
    make_town: Callable[..., Town],
) -> None:
    town = make_town()
    town.join("usual", "named", "stranger")
    town.house.run()
    town.gather("News")
    town.house.settings = replace(town.house.settings, only=ALLOWED)
    assert {name: seen.reason for name, seen in town.previews().items()} == {
        "usual": "", "named": "", "stranger": WORDS["stranger"],
    }  # fmt: skip
    anyone = preview(town.house.place, interests=HOUSING, cadence="weekly")
    assert anyone.parcel is not None, "an imagined reader has no address that a list could leave out"
    town.house.settings = replace(town.house.settings, only=("@elsewhere.example",))
    assert preview(town.house.place, interests=HOUSING, cadence="weekly").parcel is not None


@pytest.mark.long
def test_a_letter_by_the_welcome_look_back_moves_the_mark_of_who_had_none(make_town: Callable[..., Town]) -> None:
    town = make_town(welcome=30)
    town.join("usual")
    town.house.run()
    town.gather("News")
    approve(town, town.draft())
    town.join("joined")  # and nothing is gathered until the freeze, so that nobody gives them a mark
    town.friday(6)
    seen = preview(town.house.place, email=address("joined"))
    assert seen.digest is not None and len(seen.digest.placed) == 1
    town.freeze()
    pipeline.send_owed(town.house.place)
    town.gather("Later")
    town.friday(13)
    town.house.run()
    first, second = town.house.letters(town.ids["joined"])
    assert first == seen.digest
    assert not {placed.entry for placed in first.placed} & {placed.entry for placed in second.placed}
