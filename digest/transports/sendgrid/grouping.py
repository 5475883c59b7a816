"""Group parcels for SendGrid: separate the parts that all readers of a digest share from each reader's own. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from digest.letter.form import Form
from digest.letter.mime import headers
from digest.letter.mime.headers import BadHeader
from digest.model import NamedAddress, Site
from digest.transports.base import Filling, Parcel
from digest.transports.sendgrid.payload import Personal, Shared, personal_part

# Headers that the provider does not write itself: those of one reader, and those that are the same for all readers.
OWN = ("List-Unsubscribe", "Message-ID")
_ALIKE = ("List-Unsubscribe-Post", "List-ID", "Feedback-ID", "Auto-Submitted", "Precedence")


def shared_of(blank: Form, site: Site, list_id: str, categories: tuple[str, ...] = ()) -> Shared:
    """Return the part of a request that all readers of a digest share: form, sender and the headers of its list.

    `list_id` is the list's name alone ("weekly.news.example.org"). Raises BadHeader if a value is unfit for a header.
    """
    name = headers.phrase("List-ID", site.name)
    alike = {
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-ID": f"{name} <{headers.domain('List-ID', list_id)}>",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
    }
    if blank.feedback_id:
        alike["Feedback-ID"] = blank.feedback_id
    marks = tuple(blank.marks)
    return Shared(blank.subject, blank.html, blank.text, categories, site.sender, site.reply_to, alike, OWN, marks)


def own_headers(unsubscribe_url: str, message_id: str, by_mail: str | None = None) -> tuple[str, str]:
    """Return the values of the headers `OWN` of one reader's letter. Raises BadHeader for an unfit one.

    `by_mail` is a mailto address by which the reader can leave too.
    """
    if not (message_id.isascii() and message_id.isprintable() and 0 < len(message_id) < headers.HARD_LINE - 20):
        raise BadHeader(f"Message-ID: {message_id[:60]!r} is not <name@domain>; give one per delivery")
    ways = [unsubscribe_url, by_mail] if by_mail else [unsubscribe_url]
    return ", ".join(headers.uri("List-Unsubscribe", way) for way in ways), message_id


def grouped(parcels: Sequence[Parcel]) -> tuple[list[tuple[Shared, list[Personal]]], dict[int, str]]:
    """Group parcels by the form they share, in the order in which each form first occurs.

    A parcel without a filling is a group of its own, made from its message, so that it costs a request of its own.
    Returned with the groups is the reason for each delivery whose address or links cannot be sent.
    """
    groups: dict[int, tuple[Shared, list[Personal]]] = {}
    refused: dict[int, str] = {}
    for parcel in parcels:
        filling = parcel.filling
        try:
            if filling is None:
                shared, personal = alone(parcel)
                groups[id(shared)] = shared, [personal]
                continue
            personal = personal_of(parcel, filling)
        except BadHeader:
            refused[parcel.delivery] = _unfit(parcel.to)
            continue
        if id(filling.form) not in groups:
            head = filling.head
            categories = (filling.category,) if filling.category else ()
            groups[id(filling.form)] = shared_of(filling.form, head.site, head.list_id, categories), []
        groups[id(filling.form)][1].append(personal)
    return list(groups.values()), refused


def personal_of(parcel: Parcel, filling: Filling) -> Personal:
    """Return one reader's own part of a request. Raises BadHeader if the address or a link is unfit."""
    head = filling.head
    own = (*own_headers(head.unsubscribe_url, head.message_id, head.unsubscribe_mailto), *filling.values)
    return personal_part(parcel.delivery, parcel.tag, own, head.to, head.to_name)


def alone(parcel: Parcel) -> tuple[Shared, Personal]:
    """Turn a composed letter into a request of its own, with nothing to substitute."""
    shown = BytesHeaderParser(policy=policy.default).parsebytes(parcel.message)
    spelt = BytesHeaderParser(policy=policy.compat32).parsebytes(parcel.message)

    def unfolded(name: str) -> str:
        return re.sub(r"\r?\n[ \t]*", " ", str(spelt[name])).strip()

    shared = Shared(
        parcel.letter.subject,
        parcel.letter.html_pieces,
        parcel.letter.text_pieces,
        sender=_mailbox_in(shown, "From") or NamedAddress(""),
        reply_to=_mailbox_in(shown, "Reply-To"),
        headers={name: unfolded(name) for name in (*OWN, *_ALIKE) if name in spelt},
    )
    to = _mailbox_in(shown, "To")
    return shared, personal_part(parcel.delivery, "", (), parcel.to, to.name if to else "")


def _unfit(to: str) -> str:
    """Return why a reader has no part in a request, without the address or link that the error quotes."""
    try:
        headers.address("To", to)
    except BadHeader:
        plain = to.rpartition("@")[0].isascii()
        cause = "is not one that can be mailed" if plain else "has letters outside ASCII before the @"
        return f"the address {cause}; correct it"
    return "not sent: the unsubscribe link or the Message-ID is unfit for a header"


def _mailbox_in(message: EmailMessage, name: str) -> NamedAddress | None:
    """Return the first mailbox in a header of a message, or None."""
    header = message[name]
    if header is None or not header.addresses:
        return None
    return NamedAddress(header.addresses[0].addr_spec, header.addresses[0].display_name)
