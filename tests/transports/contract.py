"""Test the promises of every transport. `test_contract.py` inherits these tests, with a fixture for each transport.

class TestMine(TransportContract):
    @pytest.fixture
    def case(self) -> Iterator[Case]: ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from digest.errors import DigestError
from digest.transports.base import Asked, Outcome, Parcel, Transport
from tests.transports.mailserver import message_id, parcel

STATES = {"accepted", "refused", "deferred", "uncertain"}


@dataclass
class Case:
    """Hold how to test one transport: `make` returns one, `taken` counts the deliveries that the other side has.

    `spoil` breaks the other side in a way that the transport cannot foresee: nonsense, a crash, no room to write.
    `tells`: whether the transport can tell of each letter, when it is asked, that it was accepted.
    """

    make: Callable[[], Transport]
    taken: Callable[[], Counter[int]]
    spoil: Callable[[], None]
    tells: bool = False


def once_each(outcomes: list[Outcome]) -> dict[int, Outcome]:
    """Return outcomes by delivery; check that none comes twice and that each state is one of the four."""
    assert max(Counter(outcome.delivery for outcome in outcomes).values(), default=1) == 1
    assert {outcome.state for outcome in outcomes} <= STATES
    return {outcome.delivery: outcome for outcome in outcomes}


def asked_of(letters: list[Parcel]) -> list[Asked]:
    """Return how to ask for letters by their Message-IDs, as is done for every reader who was not erased."""
    return [Asked(letter.delivery, letter.folder, message_id(letter.delivery)) for letter in letters]


class TransportContract:
    """Inherit, with a fixture `case`."""

    def test_one_outcome_each_and_the_other_side_agrees(self, case: Case) -> None:
        letters = [parcel(number, size=2000) for number in range(1, 31)]
        transport = case.make()
        outcomes = once_each(list(transport.hand_over(letters[:10])))
        outcomes |= once_each(list(transport.hand_over(letters[10:])))
        transport.close()
        assert {number: outcome.state for number, outcome in outcomes.items()} == dict.fromkeys(
            range(1, 31), "accepted"
        )
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
        never = Asked(99, letters[0].folder, message_id(99))
        erased = [Asked(letter.delivery, letter.folder) for letter in letters]
        for instance, asked in ((transport, asked_of(letters)), (case.make(), [*asked_of(letters), never])):
            answers = instance.ask(asked)
            assert set(answers) <= {number for number, *_ in asked}
            # A transport that cannot tell leaves a letter out; the one that can tell must know all five.
            assert {number: answers.pop(number, "accepted") for number in range(1, 6)} == dict.fromkeys(
                range(1, 6), "accepted"
            )
            assert set(answers.values()) <= {"absent"}
            assert (set(instance.ask(asked_of(letters))) == set(range(1, 6))) is case.tells
            assert set(instance.ask(erased).values()) <= {"accepted"}
            instance.close()

    def test_asking_after_an_early_close_is_never_wrong(self, case: Case) -> None:
        letters = [parcel(number) for number in range(1, 31)]
        transport = case.make()
        outcomes = transport.hand_over(letters)
        heard = [next(outcomes), next(outcomes)]
        outcomes.close()  # type: ignore[attr-defined]
        answers = transport.ask(asked_of(letters))
        transport.close()
        taken = case.taken()
        assert max(taken.values()) == 1
        assert {outcome.delivery for outcome in heard if outcome.state == "accepted"} <= set(taken)
        assert {number for number, state in answers.items() if state == "accepted"} <= set(taken)
        assert not {number for number, state in answers.items() if state == "absent"} & set(taken)

    def test_an_unforeseen_failure_is_never_taken_for_acceptance(self, case: Case) -> None:
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
        answers = transport.ask(asked_of(letters))
        transport.close()
        assert "accepted" not in {outcome.state for outcome in outcomes.values()} | set(answers.values())
        # Nor may a reader be refused for it, because the readers are not at fault.
        assert "refused" not in {outcome.state for outcome in outcomes.values()}
        taken = set(case.taken())
        unsound = {number for number, outcome in outcomes.items() if outcome.state == "deferred"} & taken
        assert not unsound

    def test_no_reason_holds_an_address(self, case: Case) -> None:
        reasons: list[str] = []
        for spoilt in (False, True):
            transport = case.make()
            try:
                letters = [*(parcel(number) for number in range(1, 6)), parcel(6, to="not an address")]
                reasons += [outcome.reason for outcome in transport.hand_over(letters)]
            except DigestError as error:
                reasons.append(str(error))
            transport.close()
            if not spoilt:
                case.spoil()
        assert not [words for words in reasons if "example.org" in words or "not an address" in words]
