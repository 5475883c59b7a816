"""Test by tables when the answers of a run show that the sender is objected to, and what helps."""

from __future__ import annotations

from digest.ledger.cures import cure_for
from digest.ledger.objections import ENOUGH, ENOUGH_AMONG_ACCEPTED, ENOUGH_OF_READERS, Answers, Refusal
from tests.counts import table

RELAY = "554 5.7.1 <…>: Relay access denied"
UNKNOWN = "550 5.1.1 User unknown"
FULL = "552 5.2.2 Mailbox full"
ODD = "550 5.0.0 Go on"


def hear(script: str, *, accepted: bool = False) -> Answers:
    """Return the answers of a script: "ok", or ABOUT@DOMAIN; "user", "odd", "full" and "other" look personal."""
    answers = Answers()
    answers.begin(accepted=accepted)
    for number, word in enumerate(script.split()):
        if word == "ok":
            answers.hear_accepted()
            continue
        about, _, domain = word.partition("@")
        personal = about in ("user", "odd", "other", "full")
        reason = {"user": UNKNOWN, "odd": ODD, "full": FULL, "other": f"550 other {number:b}a"}.get(about, RELAY)
        answers.hear(Refusal(number, domain, "" if personal else about, reason))
    return answers


@table(
    "script, before, under_way, at_the_end",
    [
        ("sender@a sender@b", False, False, True),
        ("sender@a sender@b sender@c", False, True, True),
        ("sender@a sender@a sender@a", False, True, True),
        ("sender@a", False, False, True),
        ("user@a sender@b", False, False, False),
        ("account@a", False, True, True),
        ("ok ok account@a", False, True, True),
        # Once somebody is accepted, a single domain's objection is its own.
        ("ok sender@a sender@a sender@a sender@a", False, False, False),
        ("ok sender@a sender@b", False, False, False),
        ("ok sender@a sender@b sender@c", False, True, True),
        ("sender@a sender@b ok sender@c", False, False, False),
        ("sender@a", True, False, False),
        ("sender@a sender@b sender@c", True, True, True),
        # The same personal answer for everybody.
        ("user@a user@b", False, False, False),
        ("odd@a odd@b odd@c", False, True, True),
        # A list may begin with dead addresses.
        ("user@a user@b user@c", False, False, True),
        ("user@a user@b user@c user@d", False, False, True),
        ("user@a user@b user@c other@d", False, False, False),
        (" ".join(["user@a"] * ENOUGH_OF_READERS), False, True, True),
        (" ".join(["full@a"] * (ENOUGH_OF_READERS - 1)), False, False, False),
        (" ".join(["full@a"] * ENOUGH_OF_READERS), False, True, True),
        ("ok " + " ".join(["full@a"] * ENOUGH_OF_READERS), False, False, False),
        ("user@a other@b user@c", False, False, False),
        ("ok user@a user@b user@c", False, False, False),
        ("user@a user@b user@c", True, False, False),
        ("reader@a reader@b reader@c reader@d", False, False, False),
        # An objection to a letter stops nothing while others may get another letter.
        ("letter@a letter@b letter@c letter@d", False, False, True),
        ("ok letter@a letter@b letter@c letter@d", False, False, False),
    ],
)
def test_when_the_sender_is_objected_to(script: str, before: bool, under_way: bool, at_the_end: bool) -> None:
    answers = hear(script, accepted=before)
    assert (answers.objection() is not None, answers.objection(ended=True) is not None) == (under_way, at_the_end)


def test_many_equal_refusals_in_a_row_are_an_objection_though_others_were_accepted() -> None:
    domains = [f"user@d{number % ENOUGH}" for number in range(ENOUGH_AMONG_ACCEPTED)]
    assert hear(" ".join(["ok", *domains[:-1]])).objection() is None
    assert hear(" ".join(["ok", *domains])).objection() is not None
    assert hear(" ".join(["ok", *["user@d"] * 100])).objection() is None


def test_answers_that_differ_in_ids_and_domains_are_the_same() -> None:
    first = Refusal(1, "a.example", "", "550 5.7.0 AM0PR01CA0123 rejected for a.example (id 4XyZ1)")
    assert first.same_as(Refusal(2, "b.example", "", "550 5.7.0 DB9PR02 rejected for b.example (id 77q)"))
    assert not first.same_as(Refusal(3, "b.example", "", "550 5.1.1 DB9PR02 rejected for b.example (id 77q)"))
    assert not first.same_as(Refusal(4, "b.example", "", "550 5.7.0 no such user"))


def test_who_was_struck_before_is_taken_back_also_from_the_edition_before() -> None:
    answers = hear("odd@a other@b odd@c")
    answers.begin(accepted=False)
    answers.hear(Refusal(9, "d", "", ODD))
    objection = answers.objection()
    assert objection is not None and answers.refused_alike(objection) == [0, 2, 9]
    assert answers.refused_alike(objection) == []


@table(
    "words, cure",
    [
        ("553 5.7.1 <…>: Sender address rejected: not owned by user …", "the right to send as"),
        ("550 5.7.60 Client does not have permissions to send as this sender", "the right to send as"),
        ("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", "[transport] ehlo"),
        ("450 4.7.25 Client host rejected: cannot find your hostname", "[transport] ehlo"),
        ("554 5.7.1 <…>: Relay access denied", "transport.username"),
        ("530 5.7.0 Authentication required", "transport.username"),
        ("554 5.2.0 SubmissionQuotaExceededException; Failed to process message", "plan"),
        ("401 Maximum credits exceeded", "plan"),
        ("550 5.7.26 unauthenticated mail, SPF did not pass", "SPF"),
        ("554 5.7.1 Service unavailable; blocked using zen.example", "block list"),
        ("553 5.1.8 <…>: Sender address rejected: Domain not found", "[site] from"),
        ("the letter has 5000 bytes and this server takes 4000", "[letter] cap"),
        ("552 5.3.4 Message size exceeds fixed limit", "[letter] cap"),
        ("the letter has 8-bit bytes, which this server does not take (8BITMIME)", "8-bit"),
        ("554 no", "operator"),
    ],
)
def test_the_cure_fits_the_words(words: str, cure: str) -> None:
    assert cure in cure_for(words).text
