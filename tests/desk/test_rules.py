"""A correction becomes a rule: its effect is shown first, and it counts for later entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digest.desk import edit
from digest.desk import rules as desk
from digest.editions.readings import store_snapshot
from digest.errors import WrongUse
from digest.facets.rules import EditorRule
from digest.model import Entry, Sighting, Snapshot, Source, Taxonomy
from digest.operations.doctor import examine
from digest.sources.read import Reading, Validators
from digest.store import entries, releases
from digest.store.engine import reading
from tests.console import digest
from tests.counts import table
from tests.house import ANN, House

SOURCE = Source("Feed", url="https://feed.example/")
TITLES = ["Of old: a front door", "One front door", "Homes behind front doors", "Buses and homes"]
WORDS = ("rules", "add", "--when", "front doors", "--policy-areas", "Transport", "--not-policy-areas", "housing")
TRANSPORT, HOUSING = ("policy_area", "Transport"), ("policy_area", "housing")
TO_TRANSPORT = EditorRule(0, "Ann", "front door", added=(TRANSPORT,), removed=(HOUSING,))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with an entry of a baseline, and three that wait to be mailed."""
    here = filled(House(tmp_path / "house"))
    yield here
    here.close()


@pytest.fixture
def anywhere(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    """The same on any database."""
    here = filled(House(tmp_path / "house", pipeline_url))
    yield here
    here.close()


def filled(house: House) -> House:
    gather(house, TITLES[:1])
    gather(house, TITLES)
    return house


def gather(house: House, titles: list[str]) -> None:
    sightings = tuple(Sighting(title, None, title, html="<p>The housing of all.</p>") for title in titles)
    store_snapshot(house.place, SOURCE, Reading("ok", Snapshot(sightings), Validators()), house.now)


def by_title(house: House) -> dict[str, Entry]:
    with reading(house.place.engine) as conn:
        return {entry.title: entry for entry in entries.listing(conn)}


def areas(house: House) -> list[tuple[str, ...]]:
    return [by_title(house)[title].facets.policy_areas for title in TITLES[1:]]


def test_a_rule_shows_what_it_would_change_and_changes_nothing(house: House) -> None:
    before = by_title(house)
    shown = digest(house.folder, *WORDS)
    assert shown.code == 4
    assert [line.split("  ")[-1] for line in shown.stdout.splitlines()[2:]] == [
        "policy areas: housing → transport"
    ] * 3
    assert "holds for 3 past entries and would change 3, 2 of them still to be mailed" in shown.stderr
    assert "nothing was changed" in shown.stderr
    assert by_title(house) == before
    assert digest(house.folder, "rules", "--json").document == []


def test_a_rule_counts_for_later_entries_until_it_is_removed(house: House) -> None:
    before = areas(house)
    added = digest(house.folder, *WORDS, "--by", "Ann", "--kind", "case-study", "--yes", "--json")
    assert (added.code, added.document["rule"], areas(house)) == (0, 1, before)
    gather(house, [*TITLES, "A new front door"])
    entry = by_title(house)["A new front door"]
    assert (entry.facets.policy_areas, entry.kind) == (("transport",), "case-study")
    assert "rule 1 by Ann: 'front doors'" in digest(house.folder, "entry", str(entry.id)).stdout
    assert [row["touched"] for row in digest(house.folder, "rules", "--json").document] == [1]
    assert digest(house.folder, "rules", "remove", "1").code == 0
    assert digest(house.folder, "rules", "remove", "1").code == 2
    gather(house, [*TITLES, "A new front door", "The newest front door"])
    assert by_title(house)["The newest front door"].facets.policy_areas == ("housing",)
    assert by_title(house)["A new front door"].facets.policy_areas == ("transport",)


def test_those_that_wait_change_where_the_editor_says_so_and_corrected_ones_stay(anywhere: House) -> None:
    house = anywhere
    corrected = by_title(house)[TITLES[1]].id
    edit.retag(house.place, ANN, corrected, {"theme": ("leadership",)})
    effect = desk.effect_of(house.place, desk.checked_rule(house.place, TO_TRANSPORT))
    assert (effect.holds, effect.tagged, len(effect.changes), len(effect.waiting)) == (3, 1, 2, 1)
    with reading(house.place.engine) as conn:
        last = releases.latest(conn)
    desk.add(house.place, ANN, effect, also_waiting=True)
    assert areas(house) == [("housing",), ("transport",), ("housing", "transport")]
    with reading(house.place.engine) as conn:
        assert [entry.entry for entry in releases.after(conn, last, last + 9)] == [by_title(house)[TITLES[2]].id]
    assert [(rule.number, touched) for rule, touched in desk.rules_and_counts(house.place)] == [(1, 1)]
    assert desk.remove(house.place, ANN, 1) == "rule 1 was removed; what it has given to 1 entry stays"


def test_a_correction_suggests_rules(house: House) -> None:
    number = by_title(house)[TITLES[1]].id
    assert digest(house.folder, "rules", "suggest", str(number)).code == 2
    assert (
        f"rules suggest {number}" in digest(house.folder, "retag", str(number), "--policy-areas", "transport").stderr
    )
    told = digest(house.folder, "rules", "suggest", str(number), "--by", "Ann").stdout
    assert "add --when 'front door' --policy-areas transport --not-policy-areas housing --by Ann\n" in told
    assert "holds for 3 past entries and would change 2" in told
    edit.retag(house.place, ANN, number, {"policy_area": ("housing",)})
    with pytest.raises(WrongUse, match="no rule is needed"):
        desk.suggestions(house.place, number, "Ann")


@table(
    "changes, problem",
    [
        ({"phrase": " – "}, "has no word"),
        ({"phrase": "x" * 201}, "at most 200 characters"),
        ({"phrase": ""}, "say where the rule holds"),
        ({"source": "Nowhere"}, "source 'Nowhere' is not in config.toml; known: Notes"),
        ({"added": (), "removed": ()}, "say what the rule changes"),
        ({"added": (("policy_area", "transprot"),)}, "did you mean 'transport'"),
        ({"added": (("region", "unknown"),)}, "region 'unknown' is unknown"),
        ({"removed": (("policy_area", "transport"),)}, "gives 'transport' and takes it out"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(changes: dict[str, object], problem: str, house: House) -> None:
    with pytest.raises(WrongUse, match=problem):
        desk.checked_rule(house.place, replace(TO_TRANSPORT, **changes))  # type: ignore[arg-type]


def test_a_rule_for_most_entries_and_one_that_is_there_are_refused(house: House) -> None:
    rule = desk.checked_rule(house.place, TO_TRANSPORT)
    desk.add(house.place, ANN, desk.effect_of(house.place, rule))
    with pytest.raises(WrongUse, match="rule 1 says that already"):
        desk.checked_rule(house.place, replace(TO_TRANSPORT, by="Ben"))
    gather(house, [*TITLES, *(f"Behind {n} front doors" for n in range(9))])
    with pytest.raises(WrongUse, match="'door' holds for more than half of all past entries"):
        desk.effect_of(house.place, replace(rule, phrase="door"))


def test_a_value_that_config_no_longer_has_is_left_out_and_told(house: House) -> None:
    desk.add(house.place, ANN, desk.effect_of(house.place, desk.checked_rule(house.place, TO_TRANSPORT)))
    housing, _ = house.settings.taxonomy.policy_areas
    house.settings = replace(house.settings, taxonomy=Taxonomy((housing,)))
    told = {finding.place: finding.problem for finding in examine(house.place)}
    assert told["rule 1"] == "changes 'transport', which config.toml does not have"
    gather(house, [*TITLES, "A new front door"])
    assert by_title(house)["A new front door"].facets.policy_areas == ()


@pytest.mark.long
def test_what_a_frozen_edition_carries_keeps_its_facets(anywhere: House) -> None:
    reader = anywhere.reader("ann@example.org", "daily")
    gather(anywhere, [*TITLES, "A mailed front door"])
    anywhere.run(hours=24)
    assert len(anywhere.letters(reader)) == 1
    gather(anywhere, [*TITLES, "A mailed front door", "A front door that waits"])
    before = by_title(anywhere)["A mailed front door"]
    effect = desk.effect_of(anywhere.place, desk.checked_rule(anywhere.place, TO_TRANSPORT))
    desk.add(anywhere.place, ANN, effect, also_waiting=True)
    assert by_title(anywhere)["A mailed front door"] == before
    assert by_title(anywhere)["A front door that waits"].facets.policy_areas == ("transport",)
