"""Which entries of an edition one reader gets, in which section, and why. Pure: values in, a Digest out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model import CASE_STUDY, NATIONAL, Digest, Entry, Group, Placed, Reason, Section
from subscribers.model import Interests

OUTSIDE, OVER_CAP, HAD, ELSEWHERE_OFF = "outside", "over-cap", "had", "elsewhere-off"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of an edition as a reader's interests see it. `release`: its newest number in this edition."""

    entry: int
    release: int
    kind: str
    policy_areas: tuple[str, ...]
    regions: tuple[str, ...]
    themes: tuple[str, ...]


def candidate(entry: Entry, release: int) -> Candidate:
    """Return what counts for matching from an entry."""
    f = entry.facets
    return Candidate(entry.id, release, entry.kind, f.policy_areas, f.regions, f.themes)


def order(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries in the one order of an edition: newest day first, case studies before posts."""

    def key(entry: Entry) -> tuple[int, bool, int]:
        day = (entry.published or entry.first_seen).date().toordinal()
        return -day, entry.kind != CASE_STUDY, entry.id

    return sorted(entries, key=key)


def select(
    candidates: Sequence[Candidate],
    interests: Interests,
    *,
    mark: int,
    had: frozenset[int] = frozenset(),
    cap: int = 12,
    elsewhere_cap: int = 3,
) -> Digest:
    """Return what a reader gets of an edition's `candidates` (in the edition's order).

    Considered is what was released after `mark`; what the reader `had` already does not come again. At most
    `cap` entries, of which up to `elsewhere_cap` from elsewhere; the rest that is owed is counted in `more`.
    """
    owed: list[tuple[Candidate, Reason]] = []
    further: list[tuple[Candidate, Reason]] = []
    left_out: list[tuple[int, str]] = []
    for one in candidates:
        if one.release <= mark:
            continue
        if one.entry in had:
            left_out.append((one.entry, HAD))
        elif reason := in_their_areas(one, interests):
            owed.append((one, reason))
        elif reason := from_elsewhere(one, interests):
            if interests.elsewhere:
                further.append((one, reason))
            else:
                left_out.append((one.entry, ELSEWHERE_OFF))
        else:
            left_out.append((one.entry, OUTSIDE))
    # Places are kept for elsewhere, or a busy policy area would crowd out what this letter exists for.
    kept = further[: min(elsewhere_cap, cap)]
    shown = owed[: cap - len(kept)]
    over = owed[len(shown) :] + further[len(kept) :]
    left_out += [(one.entry, OVER_CAP) for one, _ in over]
    sections = []
    if shown:
        sections.append(Section("areas", _by_policy_area(shown)))
    if kept:
        placed = tuple(Placed(one.entry, reason) for one, reason in kept)
        sections.append(Section("elsewhere", (Group("", placed),)))
    return Digest(tuple(sections), len(over), tuple(left_out))


def in_their_areas(one: Candidate, interests: Interests) -> Reason | None:
    """Return the reason when the policy area matches and the region is theirs or national."""
    area = _followed(one.policy_areas, interests.policy_areas)
    region = _followed(one.regions, interests.regions | {NATIONAL} if interests.regions else frozenset())
    if area is None or region is None:
        return None
    return Reason("area", area if interests.policy_areas else "", region)


def from_elsewhere(one: Candidate, interests: Interests) -> Reason | None:
    """Return the reason for a case study of another region on a followed policy area, or a theme they named.

    Themes widen this section only: a reader who names none gets none by theme.
    """
    if one.kind != CASE_STUDY or not interests.regions:
        return None
    if NATIONAL in one.regions or interests.regions & set(one.regions):
        return None
    area = _followed(one.policy_areas, interests.policy_areas)
    if area is not None:
        return Reason("elsewhere-area", area if interests.policy_areas else "", one.regions[0])
    for theme in one.themes:
        if theme in interests.themes:
            return Reason("elsewhere-theme", theme, one.regions[0])
    return None


def _followed(values: tuple[str, ...], wanted: frozenset[str]) -> str | None:
    """Return the first of `values` that is wanted; nothing wanted in particular means all ("" for no value)."""
    if not wanted:
        return values[0] if values else ""
    return next((value for value in values if value in wanted), None)


def _by_policy_area(shown: Sequence[tuple[Candidate, Reason]]) -> tuple[Group, ...]:
    """Group under the followed policy area; the group of the edition's first entry leads."""
    groups: dict[str, list[Placed]] = {}
    for one, reason in shown:
        heading = reason.slug or (one.policy_areas[0] if one.policy_areas else "")
        groups.setdefault(heading, []).append(Placed(one.entry, reason))
    return tuple(Group(slug, tuple(placed)) for slug, placed in groups.items())
