"""Why not: for every reader and entry the same as `digest explain`, and the choice that would have brought it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from digest import pipeline
from digest.desk import explain
from digest.editions.freeze import freeze_slot
from digest.model import Entry, Facets
from digest.readers.decisions import MissedFacet, OneChoice
from digest.readers.helpful_choice import plan_of_frozen
from digest.readers.history import HadLetter, history_of
from digest.readers.missed import missed_facets
from digest.readers.record import read_history
from digest.readers.why_not import ReaderWhy, why
from digest.readers.words import letter_words, page_words
from digest.schedule import slot_of
from digest.store import entries
from digest.store.engine import reading
from digest.web.readers.history_words import HistoryWords
from subscribers import store as people
from subscribers.model import Interests, Subscriber
from tests.counts import table
from tests.house import START, House
from tests.outcomes import Stage, interests
from tests.readers.eventful import two_more_weeks

EDITION = re.compile(r"edition (\d+) \((\w+) ([\d-]+)\)")
# All that must have happened to somebody, or the proof proves less than it says.
OUTCOMES = {
    "included", "bounced", "refused", "uncertain", "pending", "cancelled", "over-cap", "outside", "elsewhere-off",
    "not-for", "had", "suppressed", "held", "left", "unconfirmed", "before-joining", "owed", "baseline", "dropped",
    "duplicate",
}  # fmt: skip
Cells = dict[tuple[str, str], tuple[dict[str, Any], ReaderWhy]]


@dataclass
class Played:
    """What a reader's page and `digest explain` tell of the same weeks."""

    stage: Stage
    cells: Cells
    histories: dict[str, tuple[tuple[str, ...], tuple[HadLetter, ...]]]

    def words(self, language: str) -> HistoryWords:
        """Return the words of a language."""
        settings = self.stage.settings
        return HistoryWords(
            page_words(settings, (language,)), letter_words(settings, language), settings.taxonomy
        )  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Three weeks in which everything happened, asked for every reader and entry, and for every reader's history."""
    stage = Stage(tmp_path_factory.mktemp("eventful") / "house").play()
    two_more_weeks(stage)
    cells: Cells = {}
    histories = {}
    with reading(stage.place.engine) as conn:
        persons = {name: person for name, who in stage.who.items() if (person := people.get(conn, who))}
        stored = {title: entries.get(conn, number) for title, number in stage.entry.items()}
        for (name, person), (title, entry) in product(persons.items(), stored.items()):
            assert entry is not None
            cells[name, title] = told_to_operator(stage, person, entry), why(conn, stage.place, person, entry)
        for name, person in persons.items():
            _, _, told = explain.explain(stage.place, str(person.id))
            histories[name] = told.reasons, history_of(conn, stage.place, person, limit=100).letters
    yield Played(stage, cells, histories)
    stage.close()


def told_to_operator(stage: Stage, person: Subscriber, entry: Entry) -> dict[str, Any]:
    """Return what `digest explain --json` prints."""
    number, entry_number, explanation = explain.explain(stage.place, str(person.id), str(entry.id))
    return explanation.to_json(number, entry_number)


def of_operator(document: dict[str, Any]) -> tuple[str, list[tuple[int, str, str]]]:
    """Return the outcome that `digest explain --json` gives, and the editions that its lines name, in order."""
    seen = [EDITION.search(line) for line in document["reasons"]]
    return document["outcome"], [(int(each[1]), each[2], each[3]) for each in seen if each]


def of_reader(told: ReaderWhy) -> tuple[str, list[tuple[int, str, str]]]:
    """Return the outcome and the editions that a reader's page gives."""
    decisions = [*told.decisions, *(told.original.decisions if told.original else ())]
    return told.outcome, [tuple(each.edition) for each in decisions if each.edition]


@pytest.mark.long
def test_every_reader_and_entry_has_the_outcome_and_the_editions_of_digest_explain(played: Played) -> None:
    differing = {
        cell: (of_operator(document), of_reader(told))
        for cell, (document, told) in played.cells.items()
        if of_operator(document) != of_reader(told)
    }
    assert differing == {}
    happened = {told.outcome for _, told in played.cells.values()}
    happened |= {each.code for _, told in played.cells.values() for each in told.decisions}
    assert OUTCOMES - happened == set()
    # It can fail: what is told of one reader is not what is told of another.
    others = [(played.cells["accepted", title][0], played.cells["buses", title][1]) for title in played.stage.entry]
    assert sum(of_operator(document) != of_reader(told) for document, told in others) > 5


@pytest.mark.long
def test_digest_explain_prints_what_it_always_did(played: Played) -> None:
    printed = {(document["outcome"], *document["reasons"]) for document, _ in played.cells.values()}
    printed |= {(of_operator_alone(lines), *lines) for lines, _ in played.histories.values()}
    # Without the numbers of entries, because they depend on the order in which a folder lists its files.
    blocks = {re.sub(r"entry \d+", "entry N", "\n  ".join(block)) for block in printed}
    golden = (Path(__file__).parent / "explained.txt").read_text(encoding="utf-8")
    assert sorted(blocks) == sorted(re.split(r"\n(?! )", golden.rstrip("\n")))


def of_operator_alone(lines: tuple[str, ...]) -> str:
    """Return the outcome for a reader alone: the state of their newest letter."""
    found = re.match(r"edition \d+ \([^)]*\): ([a-z]+)", lines[0])
    return found[1] if found else "none"


@pytest.mark.long
def test_every_history_has_the_letters_of_digest_explain_and_the_entries_that_why_names(played: Played) -> None:
    numbers = {number: title for title, number in played.stage.entry.items()}
    for name, (lines, letters) in played.histories.items():
        told = [(*found.groups(), line.split(": ", 1)[1]) for line in lines if (found := EDITION.match(line))]
        by_edition = {(str(each.edition.id), *each.edition[1:]): each for each in letters}
        assert [each.edition.slot for each in letters] == sorted([each[2] for each in told], reverse=True)
        for number, cadence, slot, rest in told:
            letter = by_edition[number, cadence, slot]
            count = f"{len(letter.entries)} entr" if letter.entries else "no letter"
            assert rest.startswith(letter.letter.state) and count in rest, (name, rest, letter)
            assert (f", {letter.more} more" in rest) == (bool(letter.entries) and not letter.condensed)
        had = {(numbers[each.entry.id], letter.edition) for letter in letters for each in letter.entries}
        included = {
            (title, each.edition)
            for title in played.stage.entry
            for each in played.cells[name, title][1].decisions
            if each.code == "included"
        }
        assert had == included, name


@pytest.mark.long
def test_what_a_reader_is_told_is_whole_sentences_without_a_word_for_operators(played: Played) -> None:
    operators = re.compile(r"deliver(y|ies)\b|\b[Ee]dition|[Ss]ubscriber|transport\b|allow-list|entry \d|[{}`]|slug")
    told_in: dict[str, set[str]] = {}
    for language in ("en", "cy"):
        words = played.words(language)
        lines = [line for _, told in played.cells.values() for line in words.why(told)]
        for _, letters in played.histories.values():
            lines += [line for each in letters for line in (words.title(each) + ".", *words.state(each))]
            lines += [words.reason(had) for each in letters for had in each.entries]
            lines += [words.correction(c) for each in letters for had in each.entries for c in had.corrections]
        bad = {line for line in lines if operators.search(line) or line[:1].islower() or line[-1] not in ".:"}
        assert bad == set()
        assert all(words.why(told) for _, told in played.cells.values())
        told_in[language] = set(lines)
    assert not told_in["en"] & told_in["cy"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        (
            ("accepted", "study"),
            ["You had it in the weekly letter of 6 November 2026.", "You follow Housing; this was done in Scotland."],
        ),
        (
            ("accepted", "tram"),
            [
                "It was not in the weekly letter of 20 November 2026, because it is outside what you follow.",
                "It is about: Transport. You follow: Housing.",
                "If you had also followed the policy area Transport, it would have been in that letter.",
            ],
        ),
        (
            ("changed", "new"),
            [
                "It was not in the weekly letter of 13 November 2026, because it is outside what you follow.",
                "It matches what you follow now; you followed other things when that letter was made.",
            ],
        ),
        (
            ("monthly", "away"),
            [
                "It is not decided yet: the monthly letter of 1 December 2026 will decide.",
                "As things stand, it will not be in the monthly letter of 1 December 2026, because it is outside "
                "what you follow.",
                "It is about: Transport. You follow: Housing.",
                "If you also follow the policy area Transport, it will be in that letter.",
            ],
        ),
        (
            ("near", "family"),
            [
                "It tells what an earlier entry from another source tells, so only that one is sent.",
                "About that earlier entry, “New family hub opens in Southend”:",
                "You had it in the weekly letter of 13 November 2026.",
                "You follow Housing; this comes from Wales.",
            ],
        ),
        (
            ("left", "home"),
            ["It came out before you joined or came back."],
        ),
        (
            ("paused-late", "study"),
            [
                "It is in the weekly letter of 6 November 2026, which waits until you go on.",
                "You follow Housing; this was done in Scotland.",
            ],
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_reader_is_told_why_in_their_words(played: Played, cell: tuple[str, str], lines: list[str]) -> None:
    assert played.words("en").why(played.cells[cell][1]) == lines


@pytest.mark.long
def test_a_frozen_edition_planned_again_is_what_was_frozen(played: Played) -> None:
    stage, seen = played.stage, 0
    with reading(stage.place.engine) as conn:
        for name, who in stage.who.items():
            person = people.get(conn, who)
            if person is None or name == "changed":
                continue
            history = read_history(conn, stage.place, person)
            for delivery in history.deliveries:
                frozen, edition = history.digest(delivery), history.editions[delivery.edition]
                if frozen is None or frozen.again:
                    continue
                planned = plan_of_frozen(conn, stage.place, edition, person, frozen)(person.interests)
                assert planned == frozen, (name, edition)
                seen += 1
    assert seen > 20


@pytest.mark.long
def test_a_choice_for_a_letter_to_come_brings_the_entry_once_it_is_made(played: Played) -> None:
    stage, seen = played.stage, set()
    with reading(stage.place.engine) as conn:
        for (name, title), (_, told) in played.cells.items():
            decided = told.expected or told.decisions[0]
            if told.choice is None or not decided.edition_state:
                continue
            person, entry = people.get(conn, stage.who[name]), entries.get(conn, stage.entry[title])
            assert person and entry
            changed = replace(person, interests=dict(additions(person.interests))[told.choice])
            after = why(conn, stage.place, changed, entry)
            now = after.expected or after.decisions[0]
            assert (now.code, now.edition) == ("coming", decided.edition) and now.reason, (name, title)
            seen.add((told.choice.facet, told.expected is None))
    assert seen >= {("policy_area", True), ("policy_area", False), ("elsewhere", True)}


# --- the choice that would have brought an entry --------------------------------------------------------------

TRUST = {
    "ingredients": '{in_the_way: {text: "Nobody believed the record.", barriers: trust}}',
    "ingredients_by": "A. N.",
}
BASE = [
    interests("housing", "wales"),
    interests("transport", "scotland"),
    interests("transport", "scotland", elsewhere=False),
    interests("", "scotland"),
    interests("transport", ""),
    interests("housing", "wales london", themes="leadership"),
]


def additions(follows: Interests) -> Iterator[tuple[OneChoice, Interests]]:
    """Yield every single thing that the house's config lets a reader add to what they follow."""
    facets = {"policy_area": ("policy_areas", ("housing", "transport")),
              "region": ("regions", ("wales", "scotland", "london", "north-east")),
              "theme": ("themes", ("leadership",))}  # fmt: skip
    if not follows.elsewhere:
        yield OneChoice("elsewhere"), replace(follows, elsewhere=True)
    for facet, (name, slugs) in facets.items():
        chosen: frozenset[str] = getattr(follows, name)
        for slug in slugs if chosen or facet == "theme" else ():
            if slug not in chosen:
                yield OneChoice(facet, slug), replace(follows, **{name: chosen | {slug}})


@pytest.mark.long
@pytest.mark.parametrize("cap", [12, 3])
def test_a_choice_is_named_exactly_where_it_would_have_brought_the_entry(
    begun: Callable[..., House], tmp_path: Path, cap: int
) -> None:
    house = begun(tmp_path / "house")
    house.settings = replace(house.settings, letter_cap=cap, elsewhere_cap=2)
    house.publish("Homes", "housing", "wales", **TRUST)
    house.publish("Trams", "transport", "london", **TRUST)
    house.publish("Led", "housing", "north-east", themes="[leadership]")
    house.publish("Post", "transport", "wales", kind="post")
    house.publish("All", "housing", "national", kind="post")
    house.publish("None", "housing, transport", "scotland", kind="post")
    who = {
        follows: house.reader(f"r{number}@example.org", "daily", follows) for number, follows in enumerate(readers())
    }
    house.believe_clock(days=1)
    place, daily = house.place, house.settings.cadence("daily")
    pipeline.gather(place, force=True)
    freeze_slot(place, daily, slot_of(daily, house.now.date().isoformat(), house.settings.site.zone), house.now)
    kinds = set()
    with reading(place.engine) as conn:
        persons = people.many(conn, list(who.values()))
        had = {
            follows: {each.entry.id for each in history_of(conn, place, persons[number]).letters[0].entries}
            for follows, number in who.items()
        }
        for follows, entry in product(BASE, entries.listing(conn, state="ready")):
            told = why(conn, place, persons[who[follows]], entry)
            helping = {choice for choice, changed in additions(follows) if entry.id in had[changed]}
            if told.outcome in ("outside", "elsewhere-off"):
                assert (told.choice in helping) if helping else told.choice is None, (follows, entry.title, told)
                kinds.add(told.choice.facet if told.choice else "none")
            else:
                assert told.choice is None
    house.close()
    assert kinds >= {"policy_area", "region", "theme", "elsewhere", "none"} if cap == 12 else kinds


def readers() -> list[Interests]:
    """Return each interests of BASE, and all that one more choice makes of them."""
    return [*dict.fromkeys([*BASE, *(changed for each in BASE for _, changed in additions(each))])]


# --- the facets that miss -------------------------------------------------------------------------------------


def entry_about(areas: str, regions: str, kind: str = "post") -> Entry:
    facets = Facets(tuple(areas.split()), tuple(regions.split()))
    return Entry(1, "S", None, "E", kind, None, START, facets=facets)


@table(
    "entry, follows, missed",
    [
        (entry_about("housing", "wales"), interests(), ""),
        (entry_about("transport", "wales"), interests(), "policy_area"),
        (entry_about("housing", "scotland"), interests(), "region"),
        (entry_about("transport", "scotland"), interests(), "policy_area region"),
        # A case study of another region misses by its policy area alone, because it could come from elsewhere.
        (entry_about("transport", "scotland", "case-study"), interests(), "policy_area"),
        (entry_about("transport", "scotland", "case-study"), interests(elsewhere=False), "policy_area region"),
        (entry_about("", "wales"), interests(), "policy_area"),
        (entry_about("transport", "national"), interests(), "policy_area"),
        (entry_about("transport", "unknown"), interests(), "policy_area"),
    ],
)
def test_a_facet_is_missed_where_following_all_of_it_would_help(
    entry: Entry, follows: Interests, missed: str
) -> None:
    told = missed_facets(entry, follows, "outside")
    assert " ".join(each.facet for each in told) == missed
    assert missed_facets(entry, follows, "over-cap") == ()
    for each in told:
        carried = entry.facets.policy_areas if each.facet == "policy_area" else entry.facets.regions
        followed = follows.policy_areas if each.facet == "policy_area" else follows.regions
        assert each == MissedFacet(each.facet, carried, tuple(sorted(followed)))
