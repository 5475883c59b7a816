"""What every transport promises, as tests. Each transport's test file inherits them and says how to make one.

class TestMine(TransportContract):
    @pytest.fixture
    def case(self) -> Iterator[Case]: ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from digest.errors import DigestError
from digest.transports.base import Outcome, Transport
from tests.transports.mailserver import parcel

STATES = {"accepted", "refused", "deferred", "uncertain"}


@dataclass
class Case:
    """A transport under test: `make` one, `taken` says which deliveries the other side has, `spoil` breaks that side.

    A spoilt other side fails in a way the transport was not told of: nonsense, a crash, no place to write.
    """

    make: Callable[[], Transport]
    taken: Callable[[], Counter[int]]
    spoil: Callable[[], None]


def once_each(outcomes: list[Outcome]) -> dict[int, Outcome]:
    """Return outcomes by delivery, having checked that none comes twice and each is one of the four."""
    assert max(Counter(one.delivery for one in outcomes).values(), default=1) == 1
    assert {one.state for one in outcomes} <= STATES
    return {one.delivery: one for one in outcomes}


class TransportContract:
    """Inherit, with a fixture `case`."""

    def test_one_outcome_each_and_the_other_side_agrees(self, case: Case) -> None:
        letters = [parcel(number, size=2000) for number in range(1, 31)]
        transport = case.make()
        outcomes = once_each(list(transport.hand_over(letters[:10])))
        outcomes |= once_each(list(transport.hand_over(letters[10:])))
        transport.close()
        assert {number: one.state for number, one in outcomes.items()} == dict.fromkeys(range(1, 31), "accepted")
        assert case.taken() == Counter(range(1, 31))

    def test_nothing_to_hand_over_is_nothing(self, case: Case) -> None:
        transport = case.make()
        assert list(transport.hand_over([])) == []
        assert transport.ask([]) == {}
        transport.close()
        assert case.taken() == Counter()

    def test_closing_twice_and_unused_is_no_fault(self, case: Case) -> None:
        transport = case.make()
        transport.close()
        transport.close()

    def test_asking_never_contradicts_what_happened(self, case: Case) -> None:
        letters = [parcel(number) for number in range(1, 6)]
        transport = case.make()
        list(transport.hand_over(letters))
        asked = [(one.delivery, one.folder) for one in letters] + [(99, letters[0].folder)]
        for one in (transport, case.make()):
            known = one.ask(asked)
            assert set(known) <= {number for number, _ in asked}
            assert {known.get(number, "accepted") for number in range(1, 6)} == {"accepted"}
            assert known.get(99, "absent") == "absent"
            one.close()

    def test_what_a_caller_did_not_stay_to_hear_is_known_or_unknown_but_never_wrong(self, case: Case) -> None:
        letters = [parcel(number) for number in range(1, 31)]
        transport = case.make()
        outcomes = transport.hand_over(letters)
        heard = [next(outcomes), next(outcomes)]
        outcomes.close()  # type: ignore[attr-defined]
        known = transport.ask([(one.delivery, one.folder) for one in letters])
        transport.close()
        taken = case.taken()
        assert max(taken.values()) == 1
        assert {one.delivery for one in heard if one.state == "accepted"} <= set(taken)
        assert {number for number, state in known.items() if state == "accepted"} <= set(taken)
        assert not {number for number, state in known.items() if state == "absent"} & set(taken)

    def test_a_failure_it_does_not_know_is_never_taken_for_acceptance(self, case: Case) -> None:
        letters = [parcel(number) for number in range(1, 11)]
        case.spoil()
        transport = case.make()
        heard: list[Outcome] = []
        try:
            for outcome in transport.hand_over(letters):
                heard.append(outcome)
        except DigestError:
            pass
        outcomes = once_each(heard)
        known = transport.ask([(one.delivery, one.folder) for one in letters])
        transport.close()
        assert "accepted" not in {one.state for one in outcomes.values()} | set(known.values())
        # Nobody is struck off for it either.
        assert "refused" not in {one.state for one in outcomes.values()}
        taken = set(case.taken())
        unsound = {number for number, one in outcomes.items() if one.state == "deferred"} & taken
        assert not unsound

    def test_no_reason_holds_an_address(self, case: Case) -> None:
        said: list[str] = []
        for spoilt in (False, True):
            transport = case.make()
            try:
                letters = [*(parcel(number) for number in range(1, 6)), parcel(6, to="not an address")]
                said += [one.reason for one in transport.hand_over(letters)]
            except DigestError as error:
                said.append(str(error))
            transport.close()
            if not spoilt:
                case.spoil()
        assert not [words for words in said if "example.org" in words or "not an address" in words]
