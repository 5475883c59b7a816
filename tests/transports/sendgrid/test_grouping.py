"""Test the way from a compiled letter through SendGrid's JSON to the reader: the approved words arrive unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.parser import BytesParser

import pytest

from digest.letter.assemble import assemble
from digest.letter.compile import compile_letter
from digest.letter.form import form, random_stem, values
from digest.letter.mime import headers
from digest.letter.mime.compose import Head, compose
from digest.letter.mime.headers import BadHeader
from digest.transports.sendgrid.grouping import OWN, own_headers, shared_of
from digest.transports.sendgrid.payload import personal_part, shared_part
from tests.letter import sample
from tests.letter.test_form import TRICKS
from tests.letter.test_hostile import TITLES
from tests.transports.fake_sendgrid import FakeSendGrid
from tests.transports.sendgrid_sample import NOW, states, transport

WORDS = [title for title, _ in TITLES] + TRICKS.split() + ["see ?e=-email-", "#{name}", "Bcc: x@example.org"]
READERS = [
    replace(
        sample.READER, name=name, email=f"reader{number}@example.org", unsubscribe_url=f"https://d.example/u/{number}"
    )
    for number, name in enumerate(["Ceri", "", '<b>Bo</b> & "co"', "-name- %name% {{name}}", "Siân"], 1)
]


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    server = FakeSendGrid(now=NOW.timestamp())
    yield server
    server.close()


@pytest.mark.parametrize("start", range(0, len(WORDS), 12))
def test_every_word_arrives_as_it_was_approved(fake: FakeSendGrid, start: int) -> None:
    words = (WORDS + WORDS)[start : start + 12]
    entries = [
        replace(entry, title=word, summary=f"{word} {entry.summary}", source=word[:60])
        for entry, word in zip(sample.entries(), words, strict=True)
    ]
    letter = compile_letter(sample.EDITION, entries, sample.APPEARANCE)
    blank = form(letter, sample.digest(), READERS[0], random_stem())
    shared = shared_of(blank, sample.SITE, "weekly.news.example.org", ("weekly",))
    personals = [
        personal_part(
            number,
            "",
            (*own_headers(reader.unsubscribe_url, f"<{number}@d.example>"), *values(letter, blank, reader)),
            reader.email,
            reader.name,
        )
        for number, reader in enumerate(READERS, 1)
    ]
    instance = transport(fake)
    assert set(states(list(instance.hand_over_batches([(shared, personals)]))).values()) == {"accepted"}
    instance.close()
    for reader, got in zip(READERS, fake.queued, strict=True):
        whole = assemble(letter, sample.digest(), reader)
        assert (got.subject, got.html, got.text) == (whole.subject, whole.html_text(), whole.plain_text())
        assert "\n" not in got.subject and "\r" not in got.subject
        assert set(got.headers) == {
            "List-Unsubscribe", "List-Unsubscribe-Post", "List-ID", "Auto-Submitted", "Precedence", "Feedback-ID",
            "Message-ID",
        }  # fmt: skip
        assert not any("\n" in value or "\r" in value for value in got.headers.values())


def test_headers_are_what_a_list_carries() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    blank = form(letter, sample.digest(), READERS[0], random_stem())
    shared = shared_of(blank, replace(sample.SITE, name="Dysgu Môn"), "weekly.news.example.org")
    assert shared.headers["List-ID"].isascii()
    assert shared.headers["List-ID"].endswith(" <weekly.news.example.org>")
    assert OWN == ("List-Unsubscribe", "Message-ID")
    assert own_headers("https://d.example/u/1", "<m@d.example>") == ("<https://d.example/u/1>", "<m@d.example>")
    by_mail = "mailto:bounce+1-x@d.example?subject=unsubscribe"
    assert (
        own_headers("https://d.example/u/1", "<m@d.example>", by_mail)[0] == f"<https://d.example/u/1>, <{by_mail}>"
    )


@pytest.mark.parametrize(
    "value",
    [
        "Leeds, Bradford & Co <digest@news.example.org>",
        '"news@leeds" <digest@news.example.org>',
        r"Digest \ daily <digest@news.example.org>",
        "digest@news.example.org",
    ],
)
def test_the_sender_is_the_one_that_a_message_carries(value: str) -> None:
    """The From: of a message, as files and mail servers get it, and the one of a request name the same mailbox."""
    site = replace(sample.SITE, sender=headers.mailbox("site.from", value))
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    blank = form(letter, sample.digest(), READERS[0], random_stem())
    request = shared_part(shared_of(blank, site, "weekly.news.example.org"))
    head = Head(site, "r@example.org", "<1@news.example.org>", NOW, "weekly.news.example.org", "https://d.example/u")
    message = compose(assemble(letter, sample.digest(), READERS[0]), head)
    shown = BytesParser(policy=policy.default).parsebytes(message)["From"].addresses[0]
    assert (shown.addr_spec, shown.display_name) == (request["from"]["email"], request["from"].get("name", ""))


@pytest.mark.parametrize(
    "url", ["ftp://d.example/u/1", "https://d.example/u/1\r\nBcc: x@example.org", "https://d.example/é"]
)
def test_an_unfit_unsubscribe_address_is_refused(url: str) -> None:
    with pytest.raises(BadHeader):
        own_headers(url, "<m@d.example>")


@pytest.mark.parametrize("message_id", ["", "<m@d.example>\nBcc: x@example.org", "<é@d.example>", "x" * 990])
def test_an_unfit_message_id_is_refused(message_id: str) -> None:
    with pytest.raises(BadHeader):
        own_headers("https://d.example/u", message_id)
