"""Plans: what is read back of a stored digest is what was written, in the form of today and in earlier ones."""

from __future__ import annotations

import json

from digest.group import Candidate, Matcher
from digest.store.plans import digest_of, left_out_of, plan_as_text, plan_of
from subscribers.model import Interests
from tests.counts import table

EDITION = [
    Candidate(number, number, "case-study", (area,), (region,), ())
    for number, (area, region) in enumerate(
        [("housing", "wales"), ("transport", "wales"), ("housing", "london")] * 4, 1
    )
]
ORDER = [candidate.entry for candidate in EDITION]


@table(
    "interests, mark, had",
    [
        (Interests(), 0, ()),
        (Interests(frozenset({"housing"}), frozenset({"wales"})), 0, ()),
        (Interests(frozenset({"housing"}), frozenset({"wales"}), elsewhere=False), 3, (4, 5)),
        (Interests(frozenset({"health"})), 0, ()),
        (Interests(), 12, ()),
    ],
)
def test_a_plan_holds_the_whole_digest(interests: Interests, mark: int, had: tuple[int, ...]) -> None:
    matcher = Matcher(EDITION, cap=3, elsewhere_cap=1)
    match = matcher.match(interests, mark, had)
    digest, shown = matcher.digest(match), matcher.shown(match)
    plan = json.loads(plan_as_text(shown, matcher.exceptions(match)))
    assert digest_of(plan) == shown
    assert left_out_of(plan, ORDER, shown) == digest.left_out


def test_a_plan_of_an_earlier_version_names_each_entry_left_out() -> None:
    digest = Matcher(EDITION).digest(Matcher(EDITION).match(Interests(frozenset({"housing"})), 0))
    plan = json.loads(json.dumps(plan_of(digest) | {"left_out": digest.left_out}))
    assert left_out_of(plan, [], digest_of(plan)) == digest.left_out != ()


def test_out_of_a_condensed_plan_nothing_is_left() -> None:
    shown = Matcher(EDITION).shown(Matcher(EDITION).match(Interests(frozenset({"housing"})), 0))
    assert left_out_of(plan_of(shown), ORDER, shown) == ()
