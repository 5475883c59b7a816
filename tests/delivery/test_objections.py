"""An objection to the sender refuses no reader: whole runs against the stand-ins for a mail server and SendGrid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.config.load import load
from digest.errors import DigestError, TryLater
from digest.model import Receipt
from digest.operations import doctor
from digest.operations.run_report import RunReport
from digest.store import deliveries, editions
from digest.store.engine import reading
from tests.counts import spread
from tests.house import House
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.mailserver import Act, Server, Talk, says, serving


class Post:
    """A house on the day before its weekly edition, which reads no mail server's or provider's address yet."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.house.run()
        self.house.publish("One")
        self.readers: dict[str, int] = {}

    def join(self, *addresses: str) -> None:
        for address in addresses:
            self.readers[address] = self.house.reader(address)

    def by_smtp(self, server: Server, concurrency: int = 1) -> None:
        part = {"KIND": "smtp", "HOST": "127.0.0.1", "PORT": str(server.port), "SECURITY": "none"}
        self._through(part | {"CONCURRENCY": str(concurrency), "EHLO": "client.example.org"}, {})

    def by_sendgrid(self, fake: FakeSendGrid) -> None:
        self._through({"KIND": "sendgrid", "BASE_URL": fake.url}, {"SENDGRID_API_KEY": KEY})

    def _through(self, part: dict[str, str], environ: dict[str, str]) -> None:
        environ |= {f"DIGEST_TRANSPORT__{key}": value for key, value in part.items()}
        self.house.settings = load(self.house.config, environ)

    def run(self, **ahead: float) -> RunReport:
        self.house.now += timedelta(**ahead)
        return pipeline.run(self.house.place)

    @property
    def receipt(self) -> Receipt:
        with reading(self.house.place.engine) as conn:
            weekly = [edition for edition in editions.listing(conn) if edition.cadence == "weekly"]
            return max((deliveries.receipt(conn, edition) for edition in weekly), key=lambda r: r.eligible)

    def attempts(self) -> set[int]:
        with reading(self.house.place.engine) as conn:
            return {row.attempts for row in deliveries.in_state(conn, "pending")}


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made_post = Post(tmp_path / "house")
    yield made_post
    made_post.house.close()


def addresses(count: int) -> list[str]:
    return [f"r{number}@a{number}.example" for number in range(count)]


def once_each(server: Server, addresses: list[str]) -> bool:
    return Counter(message.to for message in server.queued) == Counter(addresses)


OBJECTIONS = [
    ("mail", "550 5.7.1 this account may not send", "account"),
    ("rcpt", "553 5.7.1 <digest@example.org>: Sender address rejected: not owned by user", "right to send as"),
    ("rcpt", "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", "[transport] ehlo"),
    ("rcpt", "454 4.7.1 Relay access denied", "transport.username"),
    ("data", "550 5.7.23 SPF validation failed", "SPF"),
    ("dot", "550 5.7.60 Client does not have permissions to send as this sender", "right to send as"),
    ("dot", "550 5.4.5 Daily user sending limit exceeded", "plan"),
    ("dot", "554 5.7.1 Service unavailable, listed by a block list", "block list"),
    # These look personal, and are the same for everybody.
    ("rcpt", "550 5.1.1 User unknown", "same answer"),
    ("dot", "554 delivery error: go away", "same answer"),
]


@pytest.mark.parametrize(("point", "words", "told"), spread(2, OBJECTIONS))
def test_nobody_is_refused_and_all_get_their_letter_once_it_is_mended(
    post: Post, point: str, words: str, told: str
) -> None:
    everybody = addresses(5)
    post.join(*everybody)
    with serving({point: says(words)}) as server:
        post.by_smtp(server, concurrency=4)
        report = post.run(days=4)
    assert report.outcome == "failed" and len(report.failed) == 1 and not report.waiting
    assert told in report.failed[0] and words.partition("<")[0] in report.failed[0]
    assert (post.receipt.pending, post.receipt.refused, post.attempts()) == (5, 0, {0})
    with serving() as server:
        post.by_smtp(server)
        # The days lost take nothing of the three that a letter is tried.
        assert not post.run(days=4).failed
        assert once_each(server, everybody) and post.receipt.accepted == 5
        post.run(hours=1)
        assert once_each(server, everybody)


@pytest.mark.long
def test_few_readers_are_enough(post: Post) -> None:
    post.join("r@a.example")
    with serving({"rcpt": says("554 5.7.1 Relay access denied")}) as server:
        post.by_smtp(server)
        assert post.run(days=4).outcome == "failed"
    assert (post.receipt.pending, post.attempts()) == (1, {0})


@pytest.mark.long
def test_a_run_stops_after_a_few(post: Post) -> None:
    post.join(*addresses(40))
    with serving({"rcpt": says("554 5.7.1 Relay access denied")}) as server:
        post.by_smtp(server)
        post.run(days=4)
        assert sum(command.startswith("RCPT") for command in server.commands) <= 5
    assert post.receipt.pending == 40


@pytest.mark.long
def test_a_quota_that_ends_in_the_middle_leaves_the_others_owed(post: Post) -> None:
    everybody = addresses(5)
    post.join(*everybody)
    quota = says("554 5.2.0 SubmissionQuotaExceededException; permanent exception")
    with serving({("dot", number): quota for number in range(3, 20)}) as server:
        post.by_smtp(server)
        report = post.run(days=4)
    taken = [message.to for message in server.queued]
    assert report.outcome == "failed" and "plan" in report.failed[0]
    assert (post.receipt.accepted, post.receipt.pending, post.attempts()) == (2, 3, {0})
    with serving() as server:
        post.by_smtp(server)
        post.run(minutes=30)
        assert once_each(server, [address for address in everybody if address not in taken])


def denied_at(domain: str) -> Act:
    def rcpt(talk: Talk) -> None:
        talk.to = talk.server.commands[-1].partition("<")[2].rstrip(">")
        talk.reply("554 5.7.1 Relay access denied" if talk.to.endswith(domain) else "250 2.1.5 Ok")

    return rcpt


@pytest.mark.long
def test_an_objection_of_one_domain_stops_nobody_else(post: Post) -> None:
    """Its readers joined first, so that they would be tried first in every run."""
    here, there = [f"s{number}@closed.example" for number in range(4)], addresses(6)
    post.join(*here, *there)
    with serving({"rcpt": denied_at("closed.example")}, extensions=()) as server:
        post.by_smtp(server)
        report = post.run(days=4)
        assert once_each(server, there)
        assert not report.failed and len(report.waiting) == 1 and "4 letters were not taken" in report.waiting[0]
        assert (post.receipt.accepted, post.receipt.pending, post.receipt.refused) == (6, 4, 0)


@pytest.mark.long
def test_an_objection_of_one_domain_ends_after_three_days(post: Post) -> None:
    post.join("s@closed.example", *addresses(2))
    with serving({"rcpt": denied_at("closed.example")}, extensions=()) as server:
        post.by_smtp(server)
        for _ in range(45):
            post.run(hours=4)
    assert (post.receipt.accepted, post.receipt.pending, post.receipt.refused) == (2, 0, 1)
    with reading(post.house.place.engine) as conn:
        reasons = {row.reason for row in deliveries.in_state(conn, "refused")}
    assert reasons == {"given up after three days: 554 5.7.1 Relay access denied"}


@pytest.mark.long
def test_a_dead_address_among_others_is_refused_as_before(post: Post) -> None:
    post.join(*addresses(4))
    with serving({("rcpt", 1): says("550 5.1.1 User unknown")}) as server:
        post.by_smtp(server)
        report = post.run(days=4)
    assert not report.failed and not report.waiting
    assert (post.receipt.accepted, post.receipt.refused) == (3, 1)


def test_an_edition_that_nobody_got_never_passes_for_done(post: Post) -> None:
    post.join(*addresses(2))
    script = {("rcpt", 1): says("550 5.1.1 User unknown"), ("rcpt", 2): says("550 5.2.1 Mailbox closed")}
    with serving(script) as server:
        post.by_smtp(server)
        report = post.run(days=4)
    assert post.receipt.refused == 2
    assert report.outcome == "failed" and "nobody has got it" in report.failed[0]


@pytest.mark.long
def test_a_full_mailbox_is_tried_again_and_a_letter_too_large_is_no_readers_fault(post: Post) -> None:
    post.join(*addresses(4))
    script = {("rcpt", 1): says("552 5.2.2 Mailbox full"), ("rcpt", 2): says("452 4.2.2 Over quota"),
              ("dot", 1): says("552 5.3.4 Message size exceeds fixed limit")}  # fmt: skip
    with serving(script) as server:
        post.by_smtp(server)
        report = post.run(days=4)
        assert not report.failed and len(report.waiting) == 1 and "[letter] cap" in report.waiting[0]
        assert (post.receipt.accepted, post.receipt.pending, post.receipt.refused) == (1, 3, 0)
        post.run(hours=1)
        assert once_each(server, addresses(4)) and post.receipt.accepted == 4


@pytest.mark.long
def test_a_full_mailbox_that_everybody_has_is_an_objection(post: Post) -> None:
    post.join(*addresses(14))
    with serving({"dot": says("552 5.2.2 Over quota")}) as server:
        post.by_smtp(server)
        report = post.run(days=4)
    assert report.outcome == "failed" and "same answer" in report.failed[0] and "552 5.2.2" in report.failed[0]
    assert (post.receipt.pending, post.receipt.refused, post.attempts()) == (14, 0, {0})


@pytest.mark.long
def test_doctor_names_what_the_last_run_stopped_for(post: Post) -> None:
    post.join(*addresses(5))
    with serving({"rcpt": says("554 5.7.1 Relay access denied")}) as server:
        post.by_smtp(server)
        post.run(days=4)
    run, edition = doctor.examine(post.house.place)
    assert (run.level, "objected to, but the sender" in run.problem) == ("wrong", True)
    assert "transport.username" in run.cure and "transport.username" in edition.cure
    with pytest.raises(TryLater):
        post.run(hours=1)
    away = [finding for finding in doctor.examine(post.house.place) if finding.place.startswith("run 3")]
    assert [(finding.level, "cannot be reached" in finding.problem) for finding in away] == [("note", True)]
    with serving({"connect": says("554 5.7.1 you are banned")}) as server:
        post.by_smtp(server)
        with pytest.raises(DigestError):
            post.run(hours=1)
    assert any("you are banned" in finding.problem for finding in doctor.examine(post.house.place))
    with serving() as server:
        post.by_smtp(server)
        post.run(hours=1)
    assert doctor.examine(post.house.place) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    spread(
        2,
        [
            ("400 {}", "400"),
            ('400 {"errors": [{"message": "Bad Request", "field": null}]}', "400 Bad Request"),
            ('400 {"errors": [{"message": "Is required.", "field": "content"}]}', "content"),
            ("413", "413"),
            ('401 {"errors": [{"message": "Maximum credits exceeded", "field": null}]}', "plan"),
            ("402", "bills"),
            ("403", "verify the sender"),
        ],
    ),
)
@pytest.mark.parametrize("count", spread(1, [2, 12]))
def test_an_answer_that_names_no_reader_refuses_none(post: Post, fault: str, told: str, count: int) -> None:
    post.join(*addresses(count))
    fake = FakeSendGrid(now=post.house.now.timestamp())
    try:
        post.by_sendgrid(fake)
        fake.faults.extend([fault] * 200)
        report = post.run(days=4)
        assert report.outcome == "failed" and told in report.failed[0], report
        assert (post.receipt.pending, post.receipt.refused, post.attempts()) == (count, 0, {0})
        fake.faults.clear()
        post.run(hours=1)
        assert post.receipt.accepted == count and set(fake.mids().values()) == {1}
    finally:
        fake.close()
