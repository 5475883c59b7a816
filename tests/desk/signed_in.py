"""Sign editors in, in tests: `signed_in(house, email)` asks for a link, hands its mail over, and redeems it."""

from __future__ import annotations

import re
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage

from digest.delivery.run import Run
from digest.desk.sign_in import ask, redeem
from digest.notices.hand_over import hand_over_owed
from tests.house import House


def mails(house: House) -> list[EmailMessage]:
    """Return the notices that were handed over, as files, the oldest first."""
    paths = sorted((house.folder / "letters" / "notices").glob("*.eml"))
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]


def link_in(mail: EmailMessage) -> str:
    """Return the path of the link in a notice, with its query."""
    text, _html = (part.get_content() for part in mail.iter_parts())
    (link,) = re.findall(r"https?://[^/\s]+(/desk/sign-in/\S+)", text)
    return str(link)


def link_for(house: House, email: str, network: str = "192.0.2.0", to: str = "") -> str:
    """Ask for a link, hand its mail over, and return the token in it."""
    before = len(mails(house))
    ask(house.place, email, network, to)
    hand_over(house)
    newest = mails(house)[before:]
    assert len(newest) == 1, f"{len(newest)} mails"
    return link_in(newest[0]).rpartition("/")[2].partition("?")[0]


def signed_in(house: House, email: str, device: str = "Firefox on Linux") -> str:
    """Sign an editor in; return the token of the session."""
    return redeem(house.place, link_for(house, email), device)


def hand_over(house: House) -> None:
    """Hand over the notices that are owed, as the web process does."""
    place = house.place
    place.fence.check()
    with closing(place.transport()) as transport:
        hand_over_owed(Run(place, transport))
