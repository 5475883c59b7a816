"""Plans: what is left out of a digest is read back from its plan, in the form of today and in earlier ones."""

from __future__ import annotations

import json
from dataclasses import replace

from digest.group import Candidate, Matcher
from digest.model import Digest, Group, Placed, Reason, Section
from digest.store.plans import digest_of, placed_in, plan_of, whole_digest
from subscribers.model import Interests

EDITION = [
    Candidate(number, number, "case-study", (area,), (region,), ())
    for number, (area, region) in enumerate(
        [("housing", "wales"), ("transport", "wales"), ("housing", "london")] * 3, 1
    )
]
ORDER = [9, 8, 7, 6, 5, 4, 3, 2, 1]
DIGEST = Digest((Section("areas", (Group("housing", (Placed(1, Reason("area", "housing", "wales")),)),)),), 2)


def test_each_considered_entry_that_is_not_placed_has_its_reason() -> None:
    edition = [replace(each, not_for=("wales",)) if each.entry in (2, 8) else each for each in EDITION]
    matcher = Matcher(edition, cap=1, elsewhere_cap=1)
    followed = Interests(frozenset({"housing"}), frozenset({"wales"}), elsewhere=False)
    plan = json.loads(json.dumps(matcher.plan(matcher.match(followed, 1, (4,)))))
    digest = whole_digest(plan, ORDER)
    assert digest.left_out == (
        (9, "elsewhere-off"), (8, "not-for"), (6, "elsewhere-off"), (5, "outside"), (4, "had"), (3, "elsewhere-off"),
        (2, "not-for"),
    )  # fmt: skip
    assert placed_in(plan) == [placed.entry for placed in digest.placed] == [7]
    over = whole_digest(matcher.plan(matcher.match(Interests(), 6)), ORDER)
    assert (over.left_out, over.more) == (((9, "over-cap"), (8, "over-cap")), 2)


def test_a_plan_of_an_earlier_version_names_each_entry_left_out() -> None:
    plan = json.loads(json.dumps(plan_of(DIGEST) | {"left_out": [[2, "outside"], [3, "over-cap"]]}))
    assert whole_digest(plan, ORDER).left_out == ((2, "outside"), (3, "over-cap"))


def test_out_of_a_condensed_plan_nothing_is_left() -> None:
    assert whole_digest(plan_of(DIGEST), ORDER) == digest_of(plan_of(DIGEST)) == DIGEST
