"""Match an edition's entries with a reader plainly, one entry after the other, to judge the bit masks by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from digest.group import ELSEWHERE_OFF, HAD, NOT_FOR, OUTSIDE, OVER_CAP, Candidate
from digest.model import CASE_STUDY, NATIONAL, UNKNOWN, Digest, Group, Placed, Reason, Section
from subscribers.model import Interests

CODES = ("elsewhere-barrier", "elsewhere-theme", "elsewhere-area")


@dataclass(frozen=True)
class Limits:
    """The most entries of a digest, of them from elsewhere, and how many of the edition's first are pinned."""

    cap: int
    elsewhere: int
    pinned: int = 0


def select_plainly(
    edition: Sequence[Candidate],
    interests: Interests,
    mark: int,
    had: frozenset[int],
    limits: Limits,
    earlier: Sequence[Candidate] = (),
) -> Digest:
    """Return the digest that `digest.group.Matcher` must make."""
    studies = [*edition, *(each for each in earlier if each.entry not in {c.entry for c in edition})]
    near: list[tuple[Candidate, Reason]] = []
    far: list[tuple[Candidate, Reason]] = []
    also: list[tuple[Candidate, Reason]] = []  # on nothing that they follow, with a barrier that they know
    left_out: list[tuple[int, str]] = []
    for candidate in edition:
        if candidate.release <= mark:
            continue
        if candidate.entry in had:
            left_out.append((candidate.entry, HAD))
        elif {*candidate.not_for} & (interests.policy_areas | interests.regions):
            left_out.append((candidate.entry, NOT_FOR))
        elif reason := _in_their_areas(candidate, interests):
            near.append((candidate, reason))
        elif reason := _from_elsewhere(candidate, interests):
            if interests.elsewhere:
                far.append((candidate, reason))
            else:
                left_out.append((candidate.entry, ELSEWHERE_OFF))
        elif (
            interests.elsewhere and is_away(candidate, interests) and barrier_in_common(candidate, interests, studies)
        ):
            also.append((candidate, Reason("")))
        else:
            left_out.append((candidate.entry, OUTSIDE))
    # Case studies from elsewhere go first under the cap, because a busy policy area would crowd them out otherwise.
    # A pinned entry of their areas gives its room to none of them.
    pinned = [candidate.entry for candidate in edition[: limits.pinned]]
    room = max(0, limits.cap - sum(candidate.entry in pinned for candidate, _ in near))
    shown_far = _shown_from_elsewhere(far, also, interests, studies, min(limits.elsewhere, room), pinned)
    shown = {candidate.entry for candidate, _ in shown_far}
    shown_near = near[: limits.cap - len(shown_far)]
    over = near[len(shown_near) :] + [pair for pair in far if pair[0].entry not in shown]
    left_out += [(candidate.entry, OVER_CAP) for candidate, _ in over]
    left_out += [(candidate.entry, OUTSIDE) for candidate, _ in also if candidate.entry not in shown]
    sections = []
    if shown_near:
        sections.append(Section("areas", _by_policy_area(shown_near)))
    if shown_far:
        theirs = {reason.slug for _, reason in shown_near + shown_far if reason.code in ("area", "elsewhere-area")}
        placed = tuple(Placed(each.entry, _with_area(each, reason, theirs, studies)) for each, reason in shown_far)
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
    if not is_away(candidate, interests):
        return None
    area = _followed(candidate.policy_areas, interests.policy_areas)
    if area is not None:
        return Reason("elsewhere-area", area if interests.policy_areas else "", candidate.regions[0])
    for theme in candidate.themes:
        if theme in interests.themes:
            return Reason("elsewhere-theme", theme, candidate.regions[0])
    return None


def is_away(candidate: Candidate, interests: Interests) -> bool:
    """Return whether an entry is a case study of no region that a reader, who follows some, follows."""
    if candidate.kind != CASE_STUDY or not interests.regions:
        return False
    return not (interests.regions | {NATIONAL}) & set(candidate.regions)


def barrier_in_common(candidate: Candidate, interests: Interests, studies: Sequence[Candidate]) -> str:
    """Return the first barrier of a case study that another one, on a followed policy area, names too; else "".

    Of a policy area that the case study is not on, only the barrier counts that is named most often there.
    """
    others = [each for each in studies if each.kind == CASE_STUDY and each.entry != candidate.entry]
    for barrier in candidate.barriers:
        for area in interests.policy_areas or {""}:
            there = Counter(b for each in others if area in each.policy_areas or not area for b in each.barriers)
            ranked = sorted(there, key=lambda named: (-there[named], named))
            if barrier in (ranked if not area or area in candidate.policy_areas else ranked[:1]):
                return barrier
    return ""


def _with_area(candidate: Candidate, reason: Reason, theirs: set[str], studies: Sequence[Candidate]) -> Reason:
    """Return a reason by a barrier with the only policy area that shares it, else with the first of `theirs`."""
    if reason.code != "elsewhere-barrier":
        return reason
    alone = replace(candidate, barriers=(reason.slug,))
    areas = {area for each in studies for area in each.policy_areas}
    sharing = {area for area in areas if barrier_in_common(alone, Interests(frozenset({area})), studies)}
    return reason._replace(area=min(sharing if len(sharing) == 1 else sharing & theirs, default=""))


def _shown_from_elsewhere(
    far: list[tuple[Candidate, Reason]],
    also: list[tuple[Candidate, Reason]],
    interests: Interests,
    studies: Sequence[Candidate],
    count: int,
    pinned: list[int],
) -> list[tuple[Candidate, Reason]]:
    """Return the best case studies from elsewhere with their reasons: pinned, by barrier, by theme, then by area."""
    reasons = {candidate.entry: reason for candidate, reason in far}
    ranked = []
    for candidate, _ in sorted(far + also, key=lambda pair: studies.index(pair[0])):
        barrier = barrier_in_common(candidate, interests, studies)
        followed = candidate.entry in reasons
        if barrier:
            reasons[candidate.entry] = Reason("elsewhere-barrier", barrier, candidate.regions[0])
        on_theme = bool(set(candidate.themes) & interests.themes)
        rank = 1 if barrier and followed else 2 if barrier else 3 if on_theme else 4
        ranked.append((0 if candidate.entry in pinned and not followed else rank, candidate))
    ranked.sort(key=lambda pair: pair[0])
    strangers = [candidate for candidate, _ in also]
    shown = [candidate for candidate, _ in far if candidate.entry in pinned][:count]
    waiting = [candidate for _, candidate in ranked if candidate not in shown]
    for is_like in (lambda a, b: like_region(a, b) or a.source == b.source, like_region, lambda a, b: False):
        for candidate in list(waiting):
            if candidate in waiting and len(shown) < count and not any(is_like(candidate, other) for other in shown):
                shown.append(candidate)
                waiting.remove(candidate)
                if candidate in strangers:
                    waiting = [each for each in waiting if each not in strangers]
        waiting = [each for each in waiting if each not in strangers]
    shown.sort(key=studies.index)
    shown.sort(key=lambda candidate: (candidate.entry not in pinned, CODES.index(reasons[candidate.entry].code)))
    return [(candidate, reasons[candidate.entry]) for candidate in shown]


def like_region(a: Candidate, b: Candidate) -> bool:
    """Return whether two entries share a region."""
    return bool(set(a.regions) & set(b.regions) - {UNKNOWN})


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
