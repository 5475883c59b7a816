"""Notices: written first, handed over at most once, by any transport, and never to who must not be mailed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest import send
from digest.delivery.run import Run
from digest.desk.acts import Hand
from digest.desk.editors import add_editor
from digest.desk.sign_in import ask
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse
from digest.installation import Installation
from digest.notices.hand_over import give_notice, hand_over_owed
from digest.store import runs
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.store.notices import Notice
from digest.store.schema import delivery, notice
from digest.transports.base import Capabilities, Outcome, Parcel, Transport
from subscribers import store as people
from tests import console
from tests.house import House
from tests.test_send import Recorder, freeze
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.mailserver import Server, says

TO = "ann@example.org"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house")
    yield house
    house.close()


class Asked(Recorder):
    """A transport with small batches, during the first of which an editor asks for a link to sign in."""

    capabilities = Capabilities(batch_size=2)

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        if not self.taken:
            ask(self.house.place, "editor@example.org", "192.0.2.0/24")
        return super().hand_over(parcels)


def test_a_link_to_sign_in_leaves_in_between_the_letters_of_a_run(house: House) -> None:
    house.run()
    add_editor(house.place, Hand("operator"), "editor@example.org", "Ed", "admin")
    for n in range(5):
        house.reader(f"r{n}@example.org")
    house.publish("One")
    transport = Asked(house)
    send.send(Run(house.place, transport, run_number(house)), freeze(house))
    kinds = ["notice" if parcel.to == "editor@example.org" else "letter" for parcel in transport.taken]
    assert kinds == ["letter", "letter", "notice", "letter", "letter", "letter"]


def run_number(house: House) -> int:
    with writing(house.place.engine) as conn:
        return runs.start(conn, "send", house.now, "a transport of this test")


class Answering(Installation):
    """An installation whose transport gives one verdict on each letter and notes what it was given."""

    def __init__(self, house: House, verdict: str) -> None:
        super().__init__(house.settings, house.now)
        self.__dict__["engine"] = house.place.engine
        self.recorder = Recorder(verdict=verdict)

    def transport(self) -> Transport:
        return self.recorder


def given(house: House, verdict: str = "accepted") -> Notice:
    return give_notice(Answering(house, verdict), "test", TO)


def run_again(house: House, verdict: str = "accepted") -> int:
    """Hand over what is owed, as the next run does; return how many notices left."""
    place = Answering(house, verdict)
    hand_over_owed(Run(place, place.recorder))
    return len(place.recorder.taken)


def addresses(house: House) -> list[str | None]:
    with reading(house.place.engine) as conn:
        return list(conn.scalars(select(notice.c.email)))


@pytest.mark.parametrize(
    ("verdict", "state", "again"),
    [
        ("accepted", "accepted", 0),
        ("refused", "refused", 0),
        ("uncertain", "uncertain", 0),
        ("deferred", "pending", 1),
    ],
)
def test_a_notice_leaves_at_most_once_and_its_address_is_kept_while_it_is_owed(
    house: House, verdict: str, state: str, again: int
) -> None:
    assert given(house, verdict).state == state
    assert addresses(house) == [TO if again else None]
    assert run_again(house) == again
    assert run_again(house) == 0
    assert addresses(house) == [None]
    with reading(house.place.engine) as conn:
        assert conn.scalars(select(delivery.c.id)).all() == [], "it is no delivery of any receipt"


def test_a_notice_that_a_dead_process_claimed_is_not_sent_again(house: House) -> None:
    given(house, "deferred")
    with writing(house.place.engine) as conn:
        conn.execute(update(notice).values(state="claimed"))
    assert run_again(house) == 0
    house.now += timedelta(days=2)
    assert run_again(house) == 0
    assert addresses(house) == [None]


OBJECTIONS = {
    # At which command, the answer, the exit code of `digest test`, and what it tells.
    ("rcpt", "553 5.7.1 Sender address rejected: not owned by user"): (1, "right to send as"),
    ("mail", "550 5.7.1 this account may not send"): (1, "ask the operator"),
    ("rcpt", "454 4.7.1 Relay access denied"): (1, "transport.username"),
    ("dot", "550 5.7.26 unauthenticated, SPF failed"): (1, "publish SPF"),
    ("dot", "552 5.3.4 too big"): (1, "[letter] cap"),
    ("connect", "554 5.7.1 this host is banned"): (1, "block list"),
    ("rcpt", "550 5.1.1 User unknown"): (1, "correct or remove"),
    ("rcpt", "552 5.2.2 Mailbox full"): (75, "the next run tries again"),
    ("mail", "450 4.7.1 too many messages, slow down"): (75, "the next run tries again"),
}


@pytest.mark.long
def test_an_objection_ends_a_test_letter_with_its_cure(house: House) -> None:
    with closing(Server()) as server:
        lines = f'[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
        folder = configured(house, lines)
        for number, ((point, words), (code, told)) in enumerate(OBJECTIONS.items()):
            server.script = {point: says(words)}
            answer = console.digest(folder, "test", f"r{number}@example.org")
            assert (answer.code, told in answer.stderr) == (code, True), (words, answer)
        server.script = {}
        assert console.digest(folder, "run").code == 0
    assert [message.to for message in server.queued] == ["r7@example.org", "r8@example.org"], "nobody by surprise"
    assert addresses(house) == [None] * len(OBJECTIONS)


def test_a_notice_waits_for_a_run_under_way_and_not_longer_than_a_day(house: House) -> None:
    with run_lock(house.place.engine), pytest.raises(TryLater):
        given(house)
    assert addresses(house) == [TO]
    house.now += timedelta(days=2)
    assert run_again(house) == 0
    assert addresses(house) == [None]


def test_nobody_gets_a_notice_who_must_not_be_mailed(house: House) -> None:
    place = house.place
    with writing(place.engine) as conn:
        people.suppress(conn, "left@example.org", "left", now=house.now, secret=place.secret)
    with pytest.raises(WrongUse, match="suppressed"):
        give_notice(place, "test", "Left@example.org")
    house.settings = replace(house.settings, only=("@other.example",))
    with pytest.raises(WrongUse, match="only"):
        given(house)
    house.settings = replace(house.settings, only=())
    given(house, "deferred")
    with writing(place.engine) as conn:
        people.suppress(conn, TO, "left", now=house.now, secret=place.secret)
    assert run_again(house) == 0, "suppressed after it was written"
    place.fence.hold()
    with pytest.raises(PersonNeeded, match="HOLD"):
        give_notice(house.place, "test", "other@example.org")


def test_an_address_gets_three_an_hour(house: House) -> None:
    for _ in range(3):
        given(house)
    with pytest.raises(TryLater, match="within an hour"):
        given(house)
    house.now += timedelta(minutes=61)
    assert given(house).state == "accepted"


class Failing(Recorder):
    """A transport that cannot be used."""

    def __init__(self, error: DigestError) -> None:
        super().__init__()
        self._error = error

    def open(self) -> None:
        raise self._error


@pytest.mark.long
def test_notices_that_never_left_lock_nobody_out_and_wait_once(house: House) -> None:
    for error in (DigestError("the login is refused"), TryLater("the server is away; run again later")):
        for _ in range(4):
            place = Answering(house, "accepted")
            place.recorder = Failing(error)
            with pytest.raises(type(error), match=str(error)) as raised:
                give_notice(place, "test", TO)
        assert ("it waits: the next run sends it" in str(raised.value)) == isinstance(error, TryLater)
    assert [given(house, "refused").state for _ in range(4)] == ["refused"] * 4, "which ends what waited"
    assert [given(house, "deferred").state for _ in range(4)] == ["pending"] * 4
    assert [given(house).state for _ in range(3)] == ["accepted"] * 3, "the first of them waited"
    with pytest.raises(TryLater, match="has had 3 such notices within an hour"):
        given(house)
    assert run_again(house) == 0, "nothing is left to leave"


class LeavingMeanwhile(Recorder):
    """A transport whose connection takes so long that something happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def open(self) -> None:
        self._meanwhile()


@pytest.mark.parametrize("change", ["left", "complained", "erased"])
def test_nobody_gets_a_notice_who_says_no_while_the_transport_is_opened(house: House, change: str) -> None:
    number = house.reader(TO)
    given(house, "deferred")
    place = house.place

    def say_no() -> None:
        with writing(place.engine) as conn:
            if change == "erased":
                people.forget(conn, number, now=house.now, secret=place.secret)
            elif change == "left":
                people.leave(conn, number, how="link", now=house.now, secret=place.secret)
            else:
                people.suppress(conn, TO, change, now=house.now, secret=place.secret)

    transport = LeavingMeanwhile(say_no)
    hand_over_owed(Run(place, transport))
    assert (transport.taken, addresses(house)) == ([], [None])


def configured(house: House, transport: str) -> Path:
    house.close()
    house.config.write_text(house.config.read_text() + transport)
    return house.folder


def test_the_command_writes_to_files(house: House) -> None:
    answer = console.digest(configured(house, ""), "test", TO)
    assert (answer.code, "accepted" in answer.stdout, "mails nobody" in answer.stderr) == (0, True, True)
    (path,) = (house.folder / "letters" / "notices").glob("*.eml")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["Subject"] == "Test letter from Digest" and message["To"] == TO
    assert message["List-Unsubscribe"] is None and message["List-ID"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert console.digest(house.folder, "test", "no address").code == 2


def test_the_command_hands_over_to_a_mail_server(house: House) -> None:
    with closing(Server()) as server:
        lines = f'[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
        folder = configured(house, lines)
        answer = console.digest(folder, "test", TO, "--json")
        assert (answer.code, answer.document["state"]) == (0, "accepted")
    assert len(server.queued) == 1
    answer = console.digest(folder, "test", "later@example.org")
    assert answer.code == 75, answer


def test_the_command_hands_over_to_a_provider(house: House) -> None:
    with closing(FakeSendGrid()) as fake:
        folder = configured(house, f'[transport]\nkind = "sendgrid"\nbase_url = "{fake.url}"\n')
        answer = console.digest(folder, "test", TO, environ={"SENDGRID_API_KEY": KEY})
        assert answer.code == 0, answer
        (message,) = fake.queued
        assert "spf=pass" in answer.stderr
        fake.faults.append('401 {"errors": [{"message": "authorization required", "field": null}]}')
        answer = console.digest(folder, "test", "later@example.org", environ={"SENDGRID_API_KEY": KEY})
        assert (answer.code, addresses(house)) == (1, [None, None]), answer
    assert (message.to, message.subject) == (TO, "Test letter from Digest")
    assert "dmarc=pass" in message.text and "<p>" in message.html


def test_who_is_erased_is_erased_from_the_notices_too(house: House) -> None:
    house.reader(TO)
    assert given(house, "deferred").state == "pending"
    assert addresses(house) == [TO]
    answer = console.digest(house.folder, "--config", str(house.config), "subscribers", "forget", TO, "--yes")
    assert answer.code == 0, answer.stderr
    assert addresses(house) == [None]
    assert run_again(house) == 0
