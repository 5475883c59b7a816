"""A test letter: what the preview shows, marked, to any address, and nothing in it is a reader's own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from digest.config.load import load
from digest.desk.acts import Hand, StaleForm, check_fresh
from digest.desk.preview import ChosenReader, preview
from digest.desk.test_letter import marked, send_test_letter
from digest.desk.words import masked_address
from digest.editions import draft
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse
from digest.letter.blocks import Assembled
from digest.letter.mime.quoted_printable import encode
from digest.store import acts
from digest.store.desk_tables import act
from digest.store.engine import reading, writing
from digest.store.schema import delivery, notice
from digest.web.app import make_app
from subscribers import store as people
from subscribers.model import Interests
from tests import console
from tests.counts import table
from tests.house import House
from tests.transports.fake_sendgrid import KEY, FakeSendGrid

TO = "Ann.Editor@council.example"
WALES = Interests(frozenset({"housing"}), frozenset({"wales"}))
ANN = Hand("Ann")


class Post:
    """What a mail server has taken, by recipient, in order."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append((envelope.rcpt_tos[0], message))
        return "250 taken"


def set_port(house: House, port: int) -> None:
    """Let a house mail by the server at a port."""
    lines = f'\n[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    house.config.write_text(house.config.read_text().partition("\n[transport]")[0] + lines)
    house.settings = replace(house.settings, transport=load(house.config, {}).transport)


@contextmanager
def mailed(house: House) -> Iterator[Post]:
    """Let a house mail by a real SMTP server."""
    post = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        set_port(house, port)
        yield post
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a reader in Wales and two entries in the draft of the weekly edition."""
    house = House(tmp_path_factory.mktemp("drafted") / "house")
    with writing(house.place.engine) as conn:
        added = people.NewSubscriber("rhian@town.example", name="Rhian", cadence="weekly", interests=WALES)
        people.add(conn, added, how="test", now=house.now, secret=house.place.secret)
    house.run()
    house.publish("Homes that were damp")
    house.publish("Buses that came", areas="transport", region="scotland")
    house.run(hours=1)
    with writing(house.place.engine) as conn:
        draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    yield house
    house.close()


@pytest.fixture
def house(drafted: House, tmp_path: Path) -> Iterator[House]:
    house = drafted.copy(tmp_path / "house")
    yield house
    house.close()


def parts(message: EmailMessage) -> tuple[str, str]:
    """Return the decoded text and html of a message."""
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage) and isinstance(html, EmailMessage)
    first, second = (part.get_content().replace("\r\n", "\n") for part in (text, html))
    return first, second


# The links that are a reader's own, whatever their tokens.
LINKS = re.compile(r"https://digest\.example\.org/(?:unsubscribe|yours|letters)/[^\s\"<#]+(?:#more)?")
SIGN = re.compile(r'\n<div lang="en"[^>]*>This is a test\.[^<]*</div>\n')


def like_preview(message: EmailMessage) -> tuple[str, str, str]:
    """Return subject, text and html of a test letter without its marks, and without the addresses of links."""
    text, html = parts(message)
    line, _, text = text.partition("\n\n")
    assert line.replace("\n", " ").startswith(
        "This is a test. It shows the weekly edition of Digest of 2026-11-06 (edition 1)"
    )
    assert message["Subject"].startswith("TEST: ")
    without, count = SIGN.subn("", html)
    assert count == 1
    return message["Subject"].removeprefix("TEST: "), LINKS.sub("LINK", text), LINKS.sub("LINK", without)


@pytest.mark.parametrize(
    "reader",
    [ChosenReader("rhian@town.example"), ChosenReader(None, WALES)],
    ids=["a subscriber", "a made-up reader"],
)
def test_what_arrives_is_the_preview_but_for_marks_and_links(house: House, reader: ChosenReader) -> None:
    with mailed(house) as post:
        sent = send_test_letter(house.place, ANN, f"Ann <{TO}>", reader)
    assert (sent.notice.state, sent.edition.id) == ("accepted", 1)
    ((to, message),) = post.letters
    assert to == TO and message["To"] == TO
    shown = preview(house.place, email=reader.email, interests=reader.interests)
    assert shown.parcel is not None
    letter = shown.parcel.letter
    anonymous = [
        LINKS.sub("LINK", part.replace("rhian@town.example", "reader@example.org").replace("Rhian, here", "Here"))
        for part in (letter.plain_text(), letter.html_text())
    ]
    assert like_preview(message) == (letter.subject, *anonymous)
    assert "Homes that were damp" in anonymous[0]


def test_nothing_in_it_names_a_reader_or_acts_on_one(house: House) -> None:
    with mailed(house) as post:
        send_test_letter(house.place, ANN, TO, ChosenReader("rhian@town.example"))
    message = post.letters[0][1]
    assert not [name for name in message if name.lower().startswith(("list-", "feedback", "precedence-"))]
    whole = message.as_string() + "".join(parts(message))
    assert "rhian" not in whole.lower()
    links = set(LINKS.findall("".join(parts(message))))
    assert links == {"https://digest.example.org/letters/test"}


def test_it_is_a_notice_in_no_account_and_stands_in_the_log_without_its_address(house: House) -> None:
    with mailed(house):
        send_test_letter(house.place, ANN, TO, ChosenReader(None, WALES))
    with reading(house.place.engine) as conn:
        assert conn.scalar(select(func.count()).select_from(delivery)) == 0
        assert conn.execute(select(notice.c.kind, notice.c.state, notice.c.email, notice.c.facts)).all() == [
            ("letter", "accepted", None, None)
        ]
        (done,) = acts.listing(conn)
    assert (done.by, done.verb, done.object_name) == ("Ann", "test letter", "edition 1")
    assert done.after == {"to": "a…@council.example"}
    with writing(house.place.engine) as conn:
        check_fresh(conn, "edition 1", Hand("Bob", 0))  # because it changes nothing that Bob's form holds
        conn.execute(update(act).values(verb="note"))
        with pytest.raises(StaleForm):
            check_fresh(conn, "edition 1", Hand("Bob", 0))


@pytest.mark.long
def test_a_server_that_is_away_gets_the_newest_of_them_once(house: House) -> None:
    set_port(house, 1)
    for _ in range(2):
        with pytest.raises(TryLater, match="it waits"):
            send_test_letter(house.place, ANN, TO, ChosenReader(None, WALES))
    with writing(house.place.engine) as conn:
        states = conn.execute(select(notice.c.state, notice.c.reason).order_by(notice.c.id)).all()
    assert states == [("dropped", "replaced by a newer one"), ("pending", "")]
    with mailed(house) as post:
        house.run(minutes=5)
        house.run(minutes=5)
    assert [to for to, _ in post.letters] == [TO]


@pytest.mark.long
def test_ten_an_hour_to_an_address_and_then_again(house: House) -> None:
    with mailed(house) as post:
        for _ in range(10):
            send_test_letter(house.place, ANN, TO, ChosenReader(None, WALES))
        with pytest.raises(TryLater, match="had 10 such notices within an hour"):
            send_test_letter(house.place, ANN, TO.upper(), ChosenReader(None, WALES))
        send_test_letter(house.place, ANN, "bob@council.example", ChosenReader(None, WALES))
        house.believe_clock(minutes=61)
        send_test_letter(house.place, ANN, TO, ChosenReader(None, WALES))
    assert len(post.letters) == 12


REFUSED: dict[str, tuple[type[DigestError], str]] = {
    "suppressed": (WrongUse, "suppressed"),
    "not allowed": (WrongUse, r"\[transport\] only"),
    "HOLD": (PersonNeeded, "HOLD"),
    "no letter": (WrongUse, "this reader would get no letter"),
    "no edition": (WrongUse, "edition 7 does not exist"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_nothing_is_sent_or_recorded_where_nothing_may_be(house: House, why: str) -> None:
    error, words = REFUSED[why]
    reader, number = ChosenReader(None, WALES), 7 if why == "no edition" else None
    if why == "suppressed":
        with writing(house.place.engine) as conn:
            people.suppress(conn, TO, "bounced", now=house.now, secret=house.place.secret)
    elif why == "not allowed":
        house.settings = replace(house.settings, only=("@other.example",))
    elif why == "HOLD":
        house.place.fence.hold()
    elif why == "no letter":
        reader = ChosenReader(None, Interests(frozenset({"housing"}), frozenset({"london"}), elsewhere=False))
    with mailed(house) as post, pytest.raises(error, match=words):
        send_test_letter(house.place, ANN, TO, reader, number)
    with reading(house.place.engine) as conn:
        assert conn.scalar(select(func.count()).select_from(notice)) == 0
        assert acts.listing(conn) == []
    assert post.letters == []


PAGES = {
    '<html><body class="a>b">\n<p>Hi</p></body>': '<html><body class="a>b">\nMARK\n<p>Hi</p></body>',
    "<p>No body</p>": "\nMARK<p>No body</p>",
}


@table("page, wanted", PAGES.items())
def test_the_mark_stands_first_in_any_template(page: str, wanted: str) -> None:
    letter = marked(Assembled("News", [encode(page)], [encode("Hi\n")]), "A test of <b>")
    html = re.sub(r"<div [^>]*>A test of &lt;b&gt;</div>\n", "MARK", letter.html_text())
    assert html == wanted.replace("\nMARK\n", "\nMARK\n") and letter.plain_text() == "A test of <b>\n\nHi\n"


@table(
    "address, shown",
    [("ann@council.example", "a…@council.example"), ("a@b.example", "a…@b.example"), ("é@b.example", "é…@b.example")],
)
def test_the_log_has_a_letter_and_the_domain(address: str, shown: str) -> None:
    assert masked_address(address) == shown


def test_the_command(house: House) -> None:
    house.close()
    words = ("--config", str(house.config), "--now", house.now.isoformat(), "test", TO)
    sent = console.digest(house.folder, *words, "--letter", "--area", "housing", "--by", "Ann", "--json")
    assert (sent.code, sent.document["edition"], sent.document["state"]) == (0, 1, "accepted"), sent
    assert "weekly edition of 2026-11-06" in sent.stderr
    (path,) = (house.folder / "letters" / "notices").glob("*.eml")
    assert b"Subject: TEST: Homes that were damp" in path.read_bytes()
    for wrong in (("--area", "housing"), ("--by", "Ann"), ("--letter", "--area", "housing", "--subscriber", "1")):
        refused = console.digest(house.folder, *words, *wrong)
        assert (refused.code, "give " in refused.stderr) == (2, True), refused
    plain = console.digest(house.folder, *words)
    assert (plain.code, plain.stdout) == (0, "test letter 2: accepted\n")


def test_its_links_lead_to_a_page_that_says_so(house: House) -> None:
    client = TestClient(make_app(house.live()))
    answer = client.get("/letters/test")
    assert (answer.status_code, "stands in a test letter" in answer.text) == (404, True)


@pytest.mark.long
def test_a_provider_gets_it_too(house: House) -> None:
    house.close()
    with closing(FakeSendGrid()) as fake:
        house.config.write_text(
            house.config.read_text() + f'[transport]\nkind = "sendgrid"\nbase_url = "{fake.url}"\n'
        )
        words = ("--config", str(house.config), "--now", house.now.isoformat(), "test", TO, "--letter")
        answer = console.digest(house.folder, *words, environ={"SENDGRID_API_KEY": KEY})
        assert answer.code == 0, answer
        (message,) = fake.queued
    assert message.to == TO and message.subject.startswith("TEST: ") and "This is a test." in message.html
