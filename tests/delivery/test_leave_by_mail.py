"""A letter names an address to leave by mail, where `digest events` reads what arrives there."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.delivery.events_in import take_mailbox
from digest.desk.preview import preview
from digest.installation import Installation
from digest.store.engine import reading
from digest.transports.mailbox.mailbox import open_mailbox
from subscribers import store as people
from tests.house import House


def with_mailbox(
    house: House, *, kind: str = "smtp", bounces: str | None = "bounce@news.example.org", box: str = "x"
) -> Installation:
    transport = house.settings.transport
    part = transport.part.model_copy(update={"kind": kind})
    settings = replace(
        house.settings,
        transport=replace(transport, part=part, bounces=bounces),
        events=replace(house.settings.events, mailbox=box),
    )
    return house.live(settings)


@pytest.mark.long
def test_a_mail_to_the_address_in_the_header_makes_its_reader_leave(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    number = house.reader("ann@example.org")
    house.run()
    house.publish("A shared list")
    house.run(days=4)
    box = tmp_path / "box"
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    live = with_mailbox(house, box=f"maildir:{box}")
    tag = house.tag(1)
    (box / "new" / "1").write_bytes(
        f"From: x@y.example\r\nTo: bounce+{tag}@news.example.org\r\nSubject: unsubscribe\r\n\r\n".encode()
    )
    taken = take_mailbox(live, open_mailbox(f"maildir:{box}", ""))
    assert taken.taken.left == 1
    with reading(live.engine) as conn:
        person = people.get(conn, number)
    assert person is not None and person.state == "left"
    house.close()


def test_the_header_has_the_address_only_where_somebody_reads_it(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.reader("ann@example.org")
    house.run()
    house.publish("A shared list")
    house.now = house.now.replace(day=5)
    house.run()

    def header(live: Installation) -> str:
        shown = preview(live, email="ann@example.org")
        assert shown.parcel is not None
        return str(message_from_bytes(shown.parcel.message, policy=policy.compat32)["List-Unsubscribe"])

    by_mail = header(with_mailbox(house))
    assert "<mailto:bounce+1-" in by_mail and "@news.example.org?subject=unsubscribe>" in by_mail
    assert by_mail.count("https://") == 1
    assert header(with_mailbox(house, kind="file")) == header(with_mailbox(house, kind="sendgrid")) == by_mail
    for live in (with_mailbox(house, bounces=None), with_mailbox(house, box="")):
        assert "mailto" not in header(live)
    house.close()
