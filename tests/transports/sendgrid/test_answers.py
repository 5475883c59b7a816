"""Test the verdict on each answer of the provider, as a table."""

from __future__ import annotations

import json

from digest.transports.sendgrid.answers import Answer, Silence, error_words, judge, wait_asked
from tests.counts import table
from tests.transports.sendgrid_sample import NOW


def errors(*pairs: tuple[str, str | None]) -> bytes:
    return json.dumps(
        {"errors": [{"message": message, "field": where, "help": None} for message, where in pairs]}
    ).encode()


NAMED = errors(("Does not contain a valid address.", "personalizations.3.to.0.email"))
TABLE: list[tuple[Answer | Silence, str, bool, bool]] = [
    # answer, state, begin no other request, a person must correct something
    (Answer(202, {"x-message-id": "abc"}), "accepted", False, False),
    (Answer(202), "accepted", False, False),
    (Answer(200, {}, b"<html>Sign in to this network</html>"), "uncertain", True, False),
    (Answer(204), "uncertain", True, False),
    (Answer(101), "uncertain", True, False),
    (Answer(400, {}, NAMED), "again", False, False),
    (Answer(400, {}, errors(("Bad Request", None))), "split", False, False),
    (Answer(400, {}, errors(("Bad Request", "null"))), "split", False, False),
    (Answer(400, {}, errors(("Each address once.", "personalizations"))), "split", False, False),
    (Answer(400, {}, errors(("Out of range.", "personalizations.10.to"))), "split", False, False),
    (Answer(400, {}, b"<html>"), "split", False, False),
    (Answer(400, {}, b"[" * 100_000), "split", False, False),
    (Answer(400, {}, b'{"errors": [1]}'), "split", False, False),
    (Answer(400, {}, errors(("Is empty.", "content.1.value"))), "deferred", False, False),
    (Answer(400, {}, errors(("Is required.", "subject"))), "deferred", False, False),
    (Answer(400, {}, errors(("The from address is not a verified Sender Identity", None))), "deferred", True, True),
    (Answer(400, {}, errors(("Maximum credits exceeded", None))), "deferred", True, True),
    (Answer(400, {}, errors(("Not verified.", "from.email"))), "deferred", True, True),
    (Answer(400, {}, errors(("Not found.", "batch_id"))), "deferred", True, True),
    (Answer(400, {}, errors(("Too far.", "send_at"))), "deferred", True, True),
    (Answer(401), "deferred", True, True),
    (Answer(402), "deferred", True, True),
    (Answer(403), "deferred", True, True),
    (Answer(404), "deferred", True, True),
    (Answer(405), "deferred", True, True),
    (Answer(415), "deferred", True, True),
    (Answer(302), "deferred", True, True),
    (Answer(413), "split", False, False),
    (Answer(429), "deferred", True, False),
    (Answer(408), "uncertain", True, False),
    (Answer(500), "uncertain", True, False),
    (Answer(502), "uncertain", True, False),
    (Answer(503), "uncertain", True, False),
    (Answer(504), "uncertain", True, False),
    (Answer(599), "uncertain", True, False),
    (Silence("refused", left=False), "deferred", True, False),
    (Silence("timed out", left=True), "uncertain", True, False),
]


@table("answer, state, stop, fault", TABLE)
def test_the_table_of_answers(answer: Answer | Silence, state: str, stop: bool, fault: bool) -> None:
    verdict = judge(answer, 10, NOW)
    assert (verdict.state, verdict.stop, bool(verdict.fault)) == (state, stop, fault)
    assert verdict.reason or state in ("accepted", "again")


@table(
    "status, words, cure",
    [
        (401, "Maximum credits exceeded", "look at the account's plan"),
        (403, "Your plan's daily limit is reached", "look at the account's plan"),
        (401, "The provided authorization grant is invalid, expired, or revoked", "check the SendGrid key"),
        (402, "Payment required", "look at its plan and its bills"),
        (403, "access forbidden", "give the key the right to send mail"),
        (403, "The from address does not match a verified Sender Identity", "verify the sender of [site] from"),
        (404, "not found", "check [transport] base_url"),
    ],
)
def test_the_cure_fits_the_words(status: int, words: str, cure: str) -> None:
    verdict = judge(Answer(status, {}, errors((words, None))), 10, NOW)
    assert cure in verdict.fault and words in verdict.fault and "nothing was refused" in verdict.fault


def test_every_status_has_a_rule_and_only_a_202_is_a_yes() -> None:
    for status in range(100, 1000):
        verdict = judge(Answer(status), 10, NOW)
        assert (verdict.state == "accepted") == (status == 202)
        # Never "refused" or "deferred", because a letter that may have been queued must not be handed over again.
        if status >= 500 or 200 <= status < 300:
            assert verdict.state in ("accepted", "uncertain")


def test_a_sandbox_answers_200() -> None:
    assert judge(Answer(200), 1, NOW, sandbox=True).state == "accepted"


def test_readers_named_in_a_400_are_refused_with_the_providers_words() -> None:
    body = errors(
        ("Does not contain a valid address: jane@example.org.", "personalizations.3.to.0.email"),
        ("Also wrong.", "personalizations.3.headers"),
        ("A name may not contain ;", "personalizations[7].to.0.name"),
        ("Bad Request", None),
    )
    verdict = judge(Answer(400, {}, body), 10, NOW)
    assert set(verdict.named) == {3, 7} and "Does not contain a valid address" in verdict.named[3]
    assert "jane" not in verdict.named[3]


def test_words_are_one_short_line() -> None:
    words = error_words(Answer(400, {}, errors(("a\r\nb\x1b[31m" + "x" * 5000, "f\nield"))))
    assert len(words) <= 300 and words.isprintable() and words.startswith("400 a b")


@table(
    "headers, seconds",
    [
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 90)}, 0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 10**6)}, 3600),
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": "soon", "retry-after": "12"}, 12),
        ({"retry-after": "Fri, 20 Nov 2026 06:02:00 GMT"}, 120),
        ({"retry-after": "Fri, 20 Nov 9999 06:02:00 GMT"}, 3600),
        ({"retry-after": "whenever"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 06:02:00"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked(headers, NOW) == seconds
    assert judge(Answer(429, headers), 1, NOW).retry_after == seconds
