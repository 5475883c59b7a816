"""Test the decisions about events by tables, and the law that their order and repetition do not matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.ledger.events import KINDS, UNSETTLED, action, fate_of, struck_out, too_many, worst_day
from digest.ledger.redact import redacted
from tests.counts import table

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
STATES = ("pending", "claimed", "uncertain", "refused", "accepted", "cancelled", "suppressed", "empty", "held")


@table(
    "state, fate, kind, then",
    [
        ("uncertain", None, "processed", ("accepted", None)),
        ("uncertain", None, "delivered", ("accepted", "delivered")),
        ("claimed", None, "deferred", ("accepted", None)),
        ("claimed", None, "bounced", ("accepted", "bounced")),
        ("pending", None, "delivered", ("accepted", "delivered")),
        ("refused", None, "delivered", ("accepted", "delivered")),
        ("accepted", None, "dropped", ("accepted", "bounced")),
        ("accepted", None, "blocked", ("accepted", "bounced")),
        ("accepted", "delivered", "bounced", ("accepted", "bounced")),  # a delayed bounce
        ("accepted", "bounced", "delivered", ("accepted", "bounced")),  # the same, out of order
        ("accepted", "delivered", "complained", ("accepted", "complained")),
        ("accepted", "complained", "bounced", ("accepted", "complained")),
        ("accepted", "delivered", "processed", ("accepted", "delivered")),
        ("accepted", "delivered", "unsubscribed", ("accepted", "delivered")),
        # Written off by a person, who could not know.
        ("cancelled", None, "delivered", ("accepted", "delivered")),
        # Never handed over: an event cannot be about it.
        ("suppressed", None, "bounced", ("suppressed", None)),
        ("empty", None, "complained", ("empty", None)),
        ("held", None, "delivered", ("held", None)),
    ],
)
def test_what_an_event_does_to_a_delivery(
    state: str, fate: str | None, kind: str, then: tuple[str, str | None]
) -> None:
    assert fate_of(state, fate, kind) == then


@given(state=st.sampled_from(STATES), kinds=st.lists(st.sampled_from(KINDS), max_size=6), data=st.data())
def test_order_and_repetition_do_not_matter(state: str, kinds: list[str], data: st.DataObject) -> None:
    def run(history: list[str]) -> tuple[str, str | None]:
        now: tuple[str, str | None] = (state, None)
        for kind in history:
            now = fate_of(*now, kind)
        return now

    mixed = data.draw(st.permutations(kinds * 3))
    assert run(list(mixed)) == run(kinds)
    assert run(kinds)[0] == ("accepted" if kinds and state in UNSETTLED else state)


@table(
    "kind, status, reason, does",
    [
        ("bounced", "5.1.1", "", "bounced"),
        ("bounced", "5.1.10", "null MX", "bounced"),
        ("bounced", "5.2.1", "mailbox disabled", "bounced"),
        ("blocked", "5.1.1", "", "bounced"),  # the status outranks the kind
        ("bounced", "5.1.7", "bad sender", "alert"),  # about us, not about them
        ("bounced", "5.1.8", "bad sender's system", "alert"),
        ("bounced", "5.2.2", "mailbox full", "strike"),
        ("blocked", "5.2.2", "", "strike"),
        ("bounced", "4.4.7", "expired", "strike"),
        ("blocked", "4.2.1", "", "strike"),
        ("bounced", "5.7.1", "message refused", "alert"),
        ("blocked", "5.7.26", "unauthenticated", "alert"),
        ("blocked", "4.7.0", "rate limited", "alert"),
        ("bounced", "5.4.4", "no route", "unsure"),
        ("bounced", "5.3.4", "too big", "alert"),  # about the text, not about them
        ("bounced", "5.6.1", "not our media", "alert"),
        # No status, or one that says no more than "failed": the server's words decide.
        ("bounced", None, "", "unsure"),  # never a suppression, because nothing tells of the address
        ("bounced", None, "550 5.7.1 listed", "alert"),
        ("bounced", None, "550 5.1.1 unknown", "bounced"),
        ("bounced", "5.0.0", "unknown user", "bounced"),
        ("bounced", "5.0.0", "552 Quota exceeded (mailbox for user is full)", "strike"),
        ("bounced", "5.0.0", "550 relay not permitted", "alert"),
        ("bounced", "5.0.0", "450 TEMPERROR: retry timeout exceeded", "strike"),
        ("bounced", "5.0.0", "550 looks like spam", "alert"),
        ("bounced", "5.2.0", "Reputation: 550 no", "alert"),
        ("bounced", None, "blocked by 5.1.1.9 DNSBL", "alert"),  # an IP address is no status
        ("bounced", None, "452 try again", "strike"),
        ("bounced", "4.0.0", "", "strike"),
        ("blocked", None, "", "unsure"),
        ("blocked", None, "550 unknown", "unsure"),
        ("bounced", "nonsense", "", "unsure"),
        ("dropped", None, "Dropped", "unsure"),
        ("bounced", "5.4.6", "mail loops back to myself", "unsure"),
        ("bounced", None, "554 Der Empfänger nimmt keine Post an", "unsure"),
        ("complained", None, "", "complained"),
        ("unsubscribed", None, "", "left"),
        ("dropped", None, "Spam Reporting Address", "complained"),
        ("dropped", None, "Unsubscribed Address", "left"),
        ("dropped", None, "Bounced Address", "strike"),  # their list may hold a spam-block
        ("dropped", None, "Invalid", "strike"),
        ("dropped", None, "Recipient List over Package Quota", "alert"),
        ("dropped", None, "Spam Content", "alert"),
        ("delivered", "2.0.0", "550 5.1.1", ""),
        ("processed", None, "", ""),
        ("deferred", "4.2.2", "", ""),
    ],
)
def test_what_an_event_does_to_an_address(kind: str, status: str | None, reason: str, does: str) -> None:
    assert action(kind, status, reason) == does


@table(
    "days, out",
    [
        ([0, 7], False),
        ([0, 1, 2], False),
        ([0, 1, 6.99], False),
        ([0, 3, 7], True),
        ([0, 7, 14], True),
        ([0, 31, 61], True),
        ([0, 60, 101], False),
        ([0, 200, 201, 202], False),
        ([0, 200, 203, 207], True),
        ([0, 0.1, 0.2, 8], True),
        ([], False),
    ],
)
def test_three_strikes_over_a_week(days: list[float], out: bool) -> None:
    assert struck_out([(START + timedelta(days=day), n) for n, day in enumerate(days)]) is out


def test_many_strikes_of_one_letter_are_one() -> None:
    assert not struck_out([(START + timedelta(days=n), 7) for n in range(30)])
    assert not struck_out([(START + timedelta(days=n), n // 10) for n in range(20)])


@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 300))
def test_another_strike_never_helps(days: list[int], more: int) -> None:
    strikes = [(START + timedelta(days=day), n) for n, day in enumerate(days)]
    if struck_out(strikes):
        assert struck_out([(START + timedelta(days=more), 99), *reversed(strikes)])


@table(
    "accepted, hours, alarm",
    [
        (1000, [0] * 10, False),  # 1 % is not more than 1 %
        (1000, [0] * 11, True),
        (1000, [n * 3 for n in range(20)], False),  # at most eight in a day
        (50, [0, 1], False),
        (50, [0, 1, 2], True),
        (0, [], False),
        (0, [0, 0, 0], True),
    ],
)
def test_more_than_one_in_a_hundred_within_a_day_is_an_alarm(accepted: int, hours: list[int], alarm: bool) -> None:
    assert too_many(accepted, [START + timedelta(hours=h) for h in hours]) is alarm


def test_a_day_slides() -> None:
    hours = [0, 23, 24, 25, 46]
    assert worst_day([START + timedelta(hours=h) for h in reversed(hours)]) == 4
    assert worst_day([]) == 0


@table(
    "reason, address, kept",
    [
        ("550 5.1.1 <jane.doe@example.org>: no such user", None, "550 5.1.1 <…>: no such user"),
        ("no mailbox Jane.Doe here\r\n", "jane.doe@example.org", "no mailbox … here"),
        ("mailto:a+b=c@example.org;x", None, "mailto:…;x"),
        ("a\x00b\ud800c", None, "a b c"),
        ("x" * 500, None, "x" * 200),
    ],
)
def test_no_address_is_kept(reason: str, address: str | None, kept: str) -> None:
    assert redacted(reason, address) == kept
