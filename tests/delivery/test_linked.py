"""A complaint that tells nothing but a signed link of our letter is its reader's, in every form of such reports."""

from __future__ import annotations

import base64
import mailbox
import quopri
import re
from collections.abc import Iterator
from email import message_from_bytes
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from digest.delivery.events_in import Incoming, _find_keys, take_mailbox
from digest.delivery.linked import read_links
from digest.ledger.events import Event
from digest.operations.new_link_key import add_new_key
from digest.store.engine import reading
from digest.store.events import TakenEvents
from digest.store.schema import delivery
from digest.transports.mailbox.mailbox import open_mailbox
from digest.transports.mailbox.reports import NoReport, read_report
from digest.transports.tag import read_tag
from subscribers import store as people
from subscribers.tokens import make_token
from tests.house import House
from tests.transports.postbox import block, dsn

BASE = "https://digest.example.org"
FIELDS = "Feedback-Type: abuse\nUser-Agent: Loop/2.0\nVersion: 1\nOriginal-Rcpt-To: redacted@fbl.example"
PERSON = ("Loop <fbl@fbl.example>", "Ann <ann@council.example>")
RFC822 = "Content-Type: message/rfc822\n\n"
HEAD_ALONE = "Content-Type: text/rfc822-headers\n\n"


@pytest.fixture(scope="module")
def after_friday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that has sent one edition to three readers; tests that change it copy it."""
    house = House(tmp_path_factory.mktemp("after-friday") / "house")
    house.run()
    for n in range(1, 4):
        house.reader(f"r{n}@example.org")
    house.publish("One")
    house.run(days=4)
    yield house
    house.close()


@pytest.fixture
def sent(after_friday: House, tmp_path: Path) -> Iterator[House]:
    """A house of this test's own that has sent one edition to three readers."""
    house = after_friday.copy(tmp_path / "house")
    yield house
    house.close()


def report(
    *parts: str, subtype: str = 'report; report-type="feedback-report"', head: str = "Subject: FW: One"
) -> str:
    """Return a report of these parts, each its head, an empty line and its body."""
    body = "".join(f"--b\n{part}\n" for part in parts)
    return (
        f"From: Loop <fbl@fbl.example>\nTo: bounce@digest.example.org\nMessage-ID: <1@fbl.example>\n{head}\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/{subtype}; boundary="b"\n\n{body}--b--\n'
    )


def feedback(*parts: str) -> str:
    words = "Content-Type: text/plain\n\nAn abuse report."
    return report(words, f"Content-Type: message/feedback-report\n\n{FIELDS}", *parts)


def letter(head: str, body: str = "Text.", subject: str = "One") -> str:
    """Return a letter from which a provider has taken the address, the envelope and the Message-ID."""
    taken_out = "From: Digest <digest@example.org>\nTo: redacted\nMessage-ID: <redacted>"
    return f"{taken_out}\nSubject: {subject}\n{head}\n\n{body}"


def header(token: str) -> str:
    return f"List-Unsubscribe: <{BASE}/unsubscribe/{token}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"


def encoded(how: str, kind: str, content: str) -> str:
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}[how](content.encode()).decode()
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: {how}\n\n{body}"


def complaints(token: str, link: str = "") -> list[str]:
    """Return complaints in all forms, each with a reader's token in a letter and nothing else of the reader."""
    link, listed = link or f"{BASE}/unsubscribe/{token}", header(token)
    in_html = f'<p>{"x" * 60} <a href="{link}">leave</a></p>'
    return [
        # The header, in every part that may hold it.
        feedback(RFC822 + letter(listed)),
        feedback(HEAD_ALONE + letter(listed, "")),
        *(
            feedback(encoded(how, kind, letter(listed)))
            for how in ("base64", "quoted-printable")
            for kind in ("text/rfc822-headers", "message/rfc822", 'application/octet-stream; name="letter.eml"')
        ),
        # The header folded inside its brackets, and as an encoded word.
        feedback(RFC822 + letter(listed.replace("/unsubscribe/", "/unsubscribe/\n "))),
        feedback(HEAD_ALONE + letter(listed.replace("/unsubscribe/", "/unsubscribe/\n "))),
        feedback(RFC822 + letter(f"List-Unsubscribe: =?utf-8?b?{base64.b64encode(f'<{link}>'.encode()).decode()}?=")),
        # The link in the text, in html, encoded, and rewritten by a filter.
        feedback(RFC822 + letter("X: y", f"To leave:\n{link}\nThank you.")),
        feedback(RFC822 + letter("Content-Type: text/html", in_html)),
        feedback(RFC822 + "Subject: One\n" + encoded("quoted-printable", "text/html", in_html)),
        feedback(RFC822 + "Subject: One\n" + encoded("base64", "text/plain", f"To leave: {link}.")),
        feedback(encoded("base64", "message/rfc822", encoded("base64", "text/plain", f"To leave: {link}"))),
        feedback(RFC822 + letter("X: y", f"https://safe.example/?url={quote(link, safe='')}&data=1")),
        feedback(RFC822 + letter("X: y", f"https://defence.example/v3/__{link}__;!!x")),
        # The fields in a part of another type, encoded, or left out.
        report(f"Content-Type: text/plain\n\n{FIELDS}", RFC822 + letter(listed), subtype="mixed"),
        report(encoded("base64", "message/feedback-report", FIELDS), RFC822 + letter(listed)),
        report(f"Content-Type: message/feedback-report\n\n{FIELDS}\nReported-URI: {link}"),
        report("Content-Type: text/plain\n\nA reader complained.", RFC822 + letter(listed)),
        # No feedback report at all, and a program that speaks of a complaint.
        report(RFC822 + letter(listed), subtype="mixed", head="Subject: complaint about message from 192.0.2.1"),
        report("Content-Type: text/plain\n\nA user marked it as spam.", RFC822 + letter(listed), subtype="mixed"),
        report("Content-Type: text/plain\n\nThis is an abuse report.", HEAD_ALONE + letter(listed), subtype="mixed"),
        f"From: 1@reports.spamcop.example\nSubject: [SpamCop] One\n\nSpamCop\n\n{letter(listed)}",
    ]


def read(house: House, raw: str) -> Event:
    return read_report(raw.encode(), lambda _text: None, partial(read_links, house.place), house.now)


@pytest.mark.parametrize("purpose", ["unsubscribe", "preferences"])
def test_a_complaint_with_nothing_but_our_link_is_its_readers(after_friday: House, purpose: str) -> None:
    for raw in complaints(after_friday.token(purpose, 2)):
        event = read(after_friday, raw)
        assert (event.kind, event.reader, event.delivery, event.address) == ("complained", 2, None, None), raw


def test_the_link_to_the_letter_and_its_message_id_tell_the_delivery_too(after_friday: House) -> None:
    with reading(after_friday.place.engine) as conn:
        owed = conn.execute(select(delivery).where(delivery.c.subscriber_id == 2)).one()
    token = after_friday.token("browse", 2, owed.edition_id)
    for raw in complaints(token, f"{BASE}/letters/{token}#more"):
        event = read(after_friday, raw)
        assert (event.reader, event.delivery) == (2, owed.id), raw
    name = message_from_bytes(mailed(after_friday, owed.id))["Message-ID"]
    raw = complaints(after_friday.token("unsubscribe", 2))[0].replace("<redacted>", name)
    assert (read(after_friday, raw).reader, read(after_friday, raw).delivery) == (2, owed.id)


def mailed(house: House, number: int) -> bytes:
    [path] = house.folder.glob(f"letters/weekly-*/{number:06d}.eml")
    return path.read_bytes()


def test_the_whole_letter_without_address_and_tag_is_its_readers(sent: House, tmp_path: Path) -> None:
    """The letter as it left, of which a provider has taken the address, and its event in the database."""
    raw = mailed(sent, 2).replace(b"r2@example.org", b"redacted").decode().replace("\r\n", "\n")
    raw = re.sub(r"Message-ID: .*", "Message-ID: <redacted>", raw)
    forms = [feedback(RFC822 + raw), feedback(encoded("base64", "message/rfc822", raw)), feedback(HEAD_ALONE + raw)]
    for form in forms:
        assert read(sent, form).reader == 2
    for form in forms[:2]:  # the third has no body
        assert read(sent, re.sub(r"List-Unsubscribe.*", "X: y", form)).reader == 2
    incoming = taken(sent, tmp_path / "box", *forms[:1], complaints("forged")[0].replace("<1@", "<2@"))
    assert (incoming.taken.new, incoming.taken.suppressed, incoming.taken.strangers) == (1, 1, 0)
    assert (incoming.unread, incoming.answers) == (1, 1), "the forged one waits for a person"
    with reading(sent.place.engine) as conn:
        why = [people.is_suppressed(conn, f"r{n}@example.org", secret=sent.place.secret) for n in (1, 2, 3)]
    assert why == [None, "complained", None]
    assert taken(sent, tmp_path / "box").taken == TakenEvents(), "it is marked as read"
    assert taken(sent, tmp_path / "copy", *forms[:1]).taken == TakenEvents(duplicate=1)


def taken(house: House, folder: Path, *letters: str) -> Incoming:
    box = mailbox.Maildir(folder)
    for raw in letters:
        box.add(raw.encode())
    box.close()
    return take_mailbox(house.place, open_mailbox(f"maildir:{folder}"))


def test_a_mailto_with_the_tag_tells_the_delivery(after_friday: House) -> None:
    tag = after_friday.tag(3)
    mailto = f"mailto:bounce+{tag}@digest.example.org?subject=unsubscribe"
    find = partial(read_tag, after_friday.place.secret, partial(_find_keys, after_friday.place.engine))
    for raw in (
        feedback(RFC822 + letter(f"List-Unsubscribe: <{mailto}>")),
        feedback(HEAD_ALONE + letter(f"List-Unsubscribe: <https://redacted>,\n <{mailto}>", "")),
        feedback(encoded("base64", "message/rfc822", letter(f"List-Unsubscribe: <{mailto}>"))),
        feedback(RFC822 + letter("Content-Type: text/html", f'<a href="{mailto}">leave</a>')),
    ):
        event = read_report(raw.encode(), find, lambda _text: None, after_friday.now)
        assert (event.kind, event.delivery, event.reader) == ("complained", 3, None), raw


def test_a_forged_damaged_or_foreign_link_is_nobodys(after_friday: House) -> None:
    token, other = after_friday.token("unsubscribe", 2), after_friday.token("unsubscribe", 3)
    nobodys = [
        make_token([b"x" * 32], "unsubscribe", 2, "0" * 16),  # of another installation
        make_token(after_friday.place.link_keys, "unsubscribe", 2, "0" * 16),  # of who had the id before a restore
        after_friday.token("unsubscribe", 99),
        after_friday.token("browse", 2, 99),
        make_token(after_friday.place.link_keys, "story", 2, "0" * 16, now=after_friday.now),
        token[:-1] + ("A" if token[-1] != "A" else "Q"),
        token[:-1],
        token + "A",
        token[3:],
        token.swapcase(),
        f"{token.partition('.')[0]}.{other.partition('.')[2]}",
        "redacted",
        f"{token}> <{BASE}/unsubscribe/{other}",  # of two readers
    ]
    for forged in nobodys:
        for raw in (*complaints(forged)[:3], complaints(forged)[-1]):
            with pytest.raises(
                NoReport, match="a complaint without the tag or a link of one of our letters"
            ) as caught:
                read(after_friday, raw)
            assert caught.value.reader and not caught.value.machine, "it stays unread, and is told"


def test_a_person_who_sends_the_letter_to_us_does_not_complain(after_friday: House) -> None:
    listed = header(after_friday.token("unsubscribe", 2))
    spam = letter(listed, subject="Complaints about messages: a spam report")
    words = "Content-Type: text/plain\n\n"
    mine = partial(report, subtype="mixed")
    for raw in (
        mine(words + "Why did this land in my spam folder?", RFC822 + letter(listed)).replace(*PERSON),
        mine(words + "Is it marked as spam?", RFC822 + letter(listed)).replace(*PERSON),
        mine(words + "See below.", RFC822 + spam, head="Subject: Fwd: Complaints about messages: a spam report"),
        mine(words + "Thank you.", RFC822 + letter(listed), head="Subject: Re: One"),
        f"From: staff@council.example\nSubject: Re: One\n\nNice!\n> {listed}",
        mine(words + "It is marked as spam.", head="Subject: no letter in it"),
    ):
        with pytest.raises(NoReport, match="not a report") as caught:
            read(after_friday, raw)
        assert caught.value.reader, raw
    ticket = mine(words + "Your abuse report is open.", RFC822 + letter(listed), head="Auto-Submitted: auto-replied")
    with pytest.raises(NoReport, match="automatic answer"):
        read(after_friday, ticket)
    for kind in ("not-spam", "virus"):
        with pytest.raises(NoReport, match="no complaint"):
            read(after_friday, feedback(RFC822 + letter(listed)).replace("abuse", kind))


def test_a_bounce_that_tells_nothing_but_our_link_is_its_readers(after_friday: House) -> None:
    raw = dsn("bounce@example.org", block("5.1.1")).decode()
    for head in (header(after_friday.token("unsubscribe", 3)), "X: y"):
        body = f"{BASE}/unsubscribe/{after_friday.token('unsubscribe', 3)}"
        event = read(after_friday, raw.replace("Text.", body).replace("Subject: The letter", head))
        assert (event.kind, event.reader, event.status) == ("bounced", 3, "5.1.1")
    with pytest.raises(NoReport, match="a report without the tag or a link") as caught:
        read(after_friday, raw)
    assert caught.value.machine


def test_who_opted_out_leaves_and_a_retired_key_proves_no_more_than_that(sent: House, tmp_path: Path) -> None:
    opted = [raw.replace("Feedback-Type: abuse", "Feedback-Type: opt-out") for raw in complaints("")]
    assert opted != complaints("")
    old = [sent.token("unsubscribe", n) for n in (1, 2, 3)]
    bounce = dsn("bounce@example.org", block("5.1.1")).decode().replace("Text.", f"{BASE}/unsubscribe/{old[0]}")
    first = taken(
        sent, tmp_path / "first", complaints(old[0])[0].replace("Feedback-Type: abuse", "Feedback-Type: opt-out")
    )
    assert (first.taken.left, first.taken.suppressed) == (1, 0)
    add_new_key(sent.place, retire_older=True)
    assert read(sent, complaints(old[1])[0]).kind == "unsubscribed"
    assert read(sent, complaints(sent.token("unsubscribe", 2))[0]).kind == "complained"
    with pytest.raises(NoReport, match="a report without the tag or a link"):
        read(sent, bounce)
    second = taken(sent, tmp_path / "second", complaints(old[1])[0])
    assert (second.taken.left, second.taken.suppressed) == (1, 0)
    with reading(sent.place.engine) as conn:
        assert [people.get(conn, n).state for n in (1, 2, 3)] == ["left", "left", "active"]
        assert people.is_suppressed(conn, "r2@example.org", secret=sent.place.secret) == "left"
