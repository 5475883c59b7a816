"""Find the one more thing to follow with which an edition would have brought an entry to a reader, by trying it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sqlalchemy import Connection

from digest.editions.plan import Offer, Standing, new_entries
from digest.group import HAD, Candidate, candidate_of
from digest.installation import Installation
from digest.model import NATIONAL, Digest, Edition, Entry, Taxonomy
from digest.readers.decisions import OneChoice
from digest.readers.undecided import planner_of, reason_in
from digest.store import editions
from digest.store.editions import Shown
from subscribers.model import Interests, Subscriber

# Plans an edition for a reader, were these their interests.
Plan = Callable[[Interests], Digest | None]


def plan_of_frozen(
    conn: Connection, installation: Installation, edition: Edition, person: Subscriber, had: Digest
) -> Plan:
    """Return how a frozen edition would have been planned for a reader who got the digest `had` of it."""
    shown = editions.shown(conn, edition.id)
    earlier = [candidate_of(entry, 0) for entry in editions.earlier_studies(conn, edition)]
    offer = Offer(installation.settings, edition, shown, earlier)
    considered = {*(placed.entry for placed in had.placed), *(number for number, _ in had.left_out)}
    # The mark of that time: the last release of those that were not considered for them.
    mark = max(
        (row.release for row in new_entries(shown) if row.entry.id not in considered), default=edition.from_release
    )
    before = {number for number, code in had.left_out if code == HAD}
    reader = replace(person, state="active", cadence=edition.cadence)

    def plan(interests: Interests) -> Digest | None:
        standing = Standing(replace(reader, interests=interests), "", max(mark, edition.from_release), before)
        return offer.digest(offer.planned(standing))

    return plan


def plan_of_coming(
    conn: Connection, installation: Installation, coming: tuple[Edition, list[Shown]], person: Subscriber
) -> Plan:
    """Return how an edition that is not frozen would be planned for a reader if it were frozen now."""
    planner = planner_of(conn, installation, *coming)
    return lambda interests: planner.offer.digest(planner.reader(replace(person, interests=interests)))


def helpful_choice(taxonomy: Taxonomy, interests: Interests, entry: Entry, plan: Plan) -> OneChoice | None:
    """Return the one choice with which `plan` shows an entry that it leaves out, or None.

    The most natural comes first: the section From elsewhere, then what the entry is about, then a policy area that
    shares its barrier. None also where what they follow by now shows it already.
    """
    if reason_in(plan(interests), entry.id):
        return None
    candidate = candidate_of(entry, 1)
    for choice, changed in _choices(taxonomy, interests, candidate):
        if reason_in(plan(changed), entry.id):
            return choice
    return None


def _choices(taxonomy: Taxonomy, interests: Interests, candidate: Candidate) -> Iterator[tuple[OneChoice, Interests]]:
    """Yield the choices that could show a candidate, each with the interests that it leads to.

    A reader who follows all of a facet has nothing to add to it.
    """
    areas, regions, themes = interests.policy_areas, interests.regions, interests.themes
    named = [term.slug for term in taxonomy.policy_areas]
    own = [slug for slug in candidate.policy_areas if slug in named and slug not in areas]
    shared = [slug for slug in named if slug not in own and slug not in areas] if candidate.barriers else []
    offered = taxonomy.region_names.keys() - regions - {NATIONAL}
    wheres = [slug for slug in candidate.regions if slug in offered]
    about = [term.slug for term in taxonomy.themes if term.slug in {*candidate.themes} - themes]
    if not interests.elsewhere:
        yield OneChoice("elsewhere"), replace(interests, elsewhere=True)
    for slug in own if areas else ():
        yield OneChoice("policy_area", slug), replace(interests, policy_areas=areas | {slug})
    for slug in wheres if regions else ():
        yield OneChoice("region", slug), replace(interests, regions=regions | {slug})
    # A theme brings case studies from elsewhere alone, and readers of every region have no such section.
    for slug in about if regions and interests.elsewhere else ():
        yield OneChoice("theme", slug), replace(interests, themes=themes | {slug})
    for slug in shared if areas and regions and interests.elsewhere else ():
        yield OneChoice("policy_area", slug), replace(interests, policy_areas=areas | {slug})
