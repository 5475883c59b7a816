"""Which one more choice would have brought a reader the most: a table over past editions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from digest.config.load import load
from digest.editions.choices import Additions
from digest.editions.past import PastEdition, PastEditions, past_editions
from digest.editions.plan import Offer, Planner, Standing
from digest.group import Candidate
from digest.model import Edition, Entry, Facets, Ingredient, Taxonomy, Term
from digest.store import editions
from digest.store.editions import Shown
from digest.store.engine import writing
from digest.store.schema import entry
from subscribers.model import Interests, Subscriber
from tests.counts import table
from tests.house import CONFIG, House
from tests.test_group import a_candidate, follows

START = datetime(2026, 11, 6, 8, tzinfo=UTC)
TAXONOMY = Taxonomy(
    tuple(Term(slug, slug.title()) for slug in ("transport", "housing", "safeguarding")), (Term("trust", "Trust"),)
)
WELSH, SCOTTISH = ("wales",), ("scotland",)


def past(folder: Path, *weeks: list[Candidate]) -> Additions:
    """Return the choices by weekly editions, oldest first; each has considered the releases of those before it."""
    (folder / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    settings = load(folder / "config.toml", {})
    editions, mark = [], 0
    for number, candidates in enumerate(weeks, 1):
        at = START + timedelta(weeks=number - 1)
        edition = Edition(number, "weekly", at.date().isoformat(), "frozen", False, "", 99, "", from_release=mark)
        offer = Offer(settings, edition, [Shown(entry_of(each), each.release) for each in candidates])
        editions.append(PastEdition(at, "weekly", mark, offer))
        mark = max([mark, *(candidate.release for candidate in candidates)])
    return Additions(TAXONOMY, PastEditions(editions))


def entry_of(candidate: Candidate) -> Entry:
    facets = Facets(candidate.policy_areas, candidate.regions, candidate.themes)
    return Entry(candidate.entry, candidate.source, None, "T", candidate.kind, None, START, facets=facets)


def posts(numbers: range, areas: str, *regions: str) -> list[Candidate]:
    return [a_candidate(number, (areas,), regions, kind="post") for number in numbers]


THREE = posts(range(1, 4), "housing", "wales")
CASE = a_candidate(9, ("housing",), WELSH, ("trust",))


@table(
    "weeks, interests, choice",
    [
        ([THREE], follows("transport", "wales"), ("policy_area", "housing", 3)),
        ([THREE], follows("housing", "scotland"), ("region", "wales", 3)),
        # of equal choices the first in config's order; of unequal ones the better
        ([posts(range(1, 2), "housing", "wales"), posts(range(2, 3), "transport", "wales")],
         follows("safeguarding", "wales"), ("policy_area", "transport", 1)),
        ([THREE, posts(range(4, 6), "transport", "wales")], follows("safeguarding", "wales"),
         ("policy_area", "housing", 3)),
        ([[CASE]], follows("transport", "scotland"), ("policy_area", "housing", 1)),
        ([[CASE]], follows("housing", "scotland", elsewhere=False), ("elsewhere", "", 1)),
        ([[a_candidate(9, (), WELSH, ("trust",))]], follows("transport", "scotland"), ("theme", "trust", 1)),
        # what two choices would bring together is brought by none
        ([posts(range(1, 4), "housing", "scotland")], follows("transport", "wales"), None),
        ([THREE], follows(), None),
        ([THREE], follows("housing", "wales"), None),
        ([], follows("housing", "wales"), None),
    ],
)  # fmt: skip
def test_the_choice_that_would_have_brought_the_most(
    tmp_path: Path, weeks: list[list[Candidate]], interests: Interests, choice: tuple[str, str, int] | None
) -> None:
    assert past(tmp_path, *weeks).best(interests, frozenset()) == choice


def test_a_choice_counts_what_letters_would_have_shown_and_nothing_twice(tmp_path: Path) -> None:
    transport = follows("transport", "wales")
    assert past(tmp_path, posts(range(1, 21), "housing", "wales")).best(transport, frozenset()) == (
        "policy_area", "housing", 12,
    ), "the cap of a letter"  # fmt: skip
    both = past(tmp_path, THREE, [*THREE, *posts(range(4, 5), "housing", "wales")])
    assert both.best(transport, frozenset()) == ("policy_area", "housing", 4)
    assert both.best(transport, frozenset({1, 2})) == ("policy_area", "housing", 2), "without what they had"
    assert both.past.brought(follows("housing", "wales"), frozenset({1})) == {2, 3, 4}
    assert both.past.since(START) == (2, {1, 2, 3, 4}) and both.past.since(START + timedelta(days=1)) == (1, {4})


@pytest.mark.long
def test_past_editions_bring_what_they_were_planned_to_bring(tmp_path: Path) -> None:
    """The barrier of the first case study is shared only by the second, so that the first came to nobody for it."""
    house = House(tmp_path / "house")
    lines = (Ingredient("in-the-way", "Nobody trusted it.", ("trust",)),)
    with writing(house.place.engine) as conn:
        for number, area in enumerate(("transport", "housing", "transport"), 1):
            at = START + timedelta(weeks=number)
            study = Entry(
                number, "", None, "A", "case-study", at, at, facets=Facets((area,), WELSH), ingredients=lines
            )
            row = {"id": number, "source": "", "title": "A", "kind": "case-study", "first_seen": at, "state": "ready"}
            lists = {name: [] for name in ("categories", "policy_areas", "regions", "themes", "evidence")}
            conn.execute(insert(entry).values(**row, **lists, print=""))
            shown, day = [Shown(study, number)], at.date().isoformat()
            edition = editions.draft(conn, "weekly", day, (number - 1, number), shown, at)
            editions.freeze(conn, edition.id, 1, at)
        editions_then = past_editions(conn, house.settings, "weekly", at)
        planned: set[int] = set()
        interests = follows("housing", "scotland")
        for each in editions.frozen_since(conn, "weekly", START):
            planner = Planner(conn, house.settings, each, editions.shown(conn, each.id), b"", at)
            standing = Standing(Subscriber(1, "a@example.org", interests=interests), "", each.from_release, ())
            digest = planner.offer.digest(planner.offer.planned(standing))
            planned |= {placed.entry for placed in digest.placed} if digest else set()
    house.close()
    assert editions_then.brought(interests, frozenset()) == planned == {2, 3}
    choices = Additions(house.settings.taxonomy, editions_then)
    assert choices.best(replace(interests, elsewhere=False), frozenset()) == ("elsewhere", "", 2)
