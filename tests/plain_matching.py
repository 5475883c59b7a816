"""Match an edition's entries with a reader plainly, one entry after the other, to judge the bit masks by."""

from __future__ import annotations

from collections.abc import Sequence

from digest.group import ELSEWHERE_OFF, HAD, OUTSIDE, OVER_CAP, Candidate
from digest.model import CASE_STUDY, NATIONAL, UNKNOWN, Digest, Group, Placed, Reason, Section
from subscribers.model import Interests


def select_plainly(
    edition: Sequence[Candidate], interests: Interests, mark: int, had: frozenset[int], cap: int, elsewhere_cap: int
) -> Digest:
    """Return the digest that `digest.group.Matcher` must make."""
    near: list[tuple[Candidate, Reason]] = []
    far: list[tuple[Candidate, Reason]] = []
    left_out: list[tuple[int, str]] = []
    for candidate in edition:
        if candidate.release <= mark:
            continue
        if candidate.entry in had:
            left_out.append((candidate.entry, HAD))
        elif reason := _in_their_areas(candidate, interests):
            near.append((candidate, reason))
        elif reason := _from_elsewhere(candidate, interests):
            if interests.elsewhere:
                far.append((candidate, reason))
            else:
                left_out.append((candidate.entry, ELSEWHERE_OFF))
        else:
            left_out.append((candidate.entry, OUTSIDE))
    # Case studies from elsewhere go first under the cap, because a busy policy area would crowd them out otherwise.
    shown_far = far[: min(elsewhere_cap, cap)]
    shown_near = near[: cap - len(shown_far)]
    over = near[len(shown_near) :] + far[len(shown_far) :]
    left_out += [(candidate.entry, OVER_CAP) for candidate, _ in over]
    sections = []
    if shown_near:
        sections.append(Section("areas", _by_policy_area(shown_near)))
    if shown_far:
        placed = tuple(Placed(candidate.entry, reason) for candidate, reason in shown_far)
        sections.append(Section("elsewhere", (Group("", placed),)))
    order = [candidate.entry for candidate in edition]
    left_out.sort(key=lambda pair: order.index(pair[0]))
    return Digest(tuple(sections), len(over), tuple(left_out))


def _in_their_areas(candidate: Candidate, interests: Interests) -> Reason | None:
    """Return the reason for an entry of a followed policy area in a followed region or national, else None.

    A post of an unknown place counts as national, and a case study of one as of no region that anybody follows.
    """
    area = _followed(candidate.policy_areas, interests.policy_areas)
    always = {NATIONAL} if candidate.kind == CASE_STUDY else {NATIONAL, UNKNOWN}
    region = _followed(candidate.regions, interests.regions | always if interests.regions else frozenset())
    if area is None or region is None:
        return None
    return Reason("area", area if interests.policy_areas else "", region)


def _from_elsewhere(candidate: Candidate, interests: Interests) -> Reason | None:
    """Return the reason for a case study of another region on a followed policy area or theme, else None.

    A reader who names no policy area follows them all. Themes only widen this section: a reader who names none gets
    no entry by its theme.
    """
    if candidate.kind != CASE_STUDY or not interests.regions:
        return None
    if NATIONAL in candidate.regions or interests.regions & set(candidate.regions):
        return None
    area = _followed(candidate.policy_areas, interests.policy_areas)
    if area is not None:
        return Reason("elsewhere-area", area if interests.policy_areas else "", candidate.regions[0])
    for theme in candidate.themes:
        if theme in interests.themes:
            return Reason("elsewhere-theme", theme, candidate.regions[0])
    return None


def _followed(values: tuple[str, ...], wanted: frozenset[str]) -> str | None:
    """Return the first of `values` that is wanted, or None.

    An empty `wanted` means that all are: then the first value, or "" where there is none.
    """
    if not wanted:
        return values[0] if values else ""
    return next((value for value in values if value in wanted), None)


def _by_policy_area(shown: Sequence[tuple[Candidate, Reason]]) -> tuple[Group, ...]:
    """Group entries under the followed policy area; groups stand in the order of their first entries."""
    groups: dict[str, list[Placed]] = {}
    for candidate, reason in shown:
        heading = reason.slug or (candidate.policy_areas[0] if candidate.policy_areas else "")
        groups.setdefault(heading, []).append(Placed(candidate.entry, reason))
    return tuple(Group(slug, tuple(placed)) for slug, placed in groups.items())
