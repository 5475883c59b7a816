"""Group parcels for SendGrid: separate the parts that all readers of a digest share from each reader's own. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from digest.letter.form import Form
from digest.letter.mime import headers
from digest.model import NamedAddress, Site
from digest.transports.base import Filling, Parcel
from digest.transports.sendgrid.payload import Personal, Shared

# Headers that the provider does not write itself: those of one reader, and those that are the same for all readers.
_OWN = ("List-Unsubscribe", "Message-ID")
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
    return Shared(blank.subject, blank.html, blank.text, categories, site.sender, site.reply_to, alike)


def own_headers(unsubscribe_url: str, message_id: str = "") -> dict[str, str]:
    """Return the headers of one reader's letter alone. Raises BadHeader if the unsubscribe address is unfit."""
    own = {"List-Unsubscribe": headers.uri("List-Unsubscribe", unsubscribe_url)}
    return own | {"Message-ID": message_id} if message_id else own


def grouped(parcels: Sequence[Parcel]) -> list[tuple[Shared, list[Personal]]]:
    """Group parcels by the form they share, in the order in which each form first occurs.

    A parcel without a filling is a group of its own, made from its message, so that it costs a request of its own.
    """
    groups: dict[int, tuple[Shared, list[Personal]]] = {}
    for parcel in parcels:
        filling = parcel.filling
        if filling is None:
            shared, personal = alone(parcel)
            groups[id(shared)] = shared, [personal]
            continue
        if id(filling.form) not in groups:
            head = filling.head
            categories = (filling.category,) if filling.category else ()
            groups[id(filling.form)] = shared_of(filling.form, head.site, head.list_id, categories), []
        groups[id(filling.form)][1].append(personal_of(parcel, filling))
    return list(groups.values())


def personal_of(parcel: Parcel, filling: Filling) -> Personal:
    """Return one reader's own part of a request. Raises BadHeader if the unsubscribe address is unfit."""
    head = filling.head
    own = own_headers(head.unsubscribe_url, head.message_id)
    return Personal(parcel.delivery, head.to, head.to_name, filling.values, own, parcel.tag)


def alone(parcel: Parcel) -> tuple[Shared, Personal]:
    """Turn a composed letter into a request of its own, with nothing to substitute."""
    shown = BytesHeaderParser(policy=policy.default).parsebytes(parcel.message)
    spelt = BytesHeaderParser(policy=policy.compat32).parsebytes(parcel.message)

    def unfolded(name: str) -> str:
        return re.sub(r"\r?\n[ \t]*", " ", str(spelt[name])).strip()

    shared = Shared(
        parcel.letter.subject,
        parcel.letter.html_text(),
        parcel.letter.plain_text(),
        sender=_mailbox_in(shown, "From") or NamedAddress(""),
        reply_to=_mailbox_in(shown, "Reply-To"),
        headers={name: unfolded(name) for name in _ALIKE if name in spelt},
    )
    to = _mailbox_in(shown, "To")
    own = {name: unfolded(name) for name in _OWN if name in spelt}
    return shared, Personal(parcel.delivery, parcel.to, to.name if to else "", headers=own)


def _mailbox_in(message: EmailMessage, name: str) -> NamedAddress | None:
    """Return the first mailbox in a header of a message, or None."""
    header = message[name]
    if header is None or not header.addresses:
        return None
    return NamedAddress(header.addresses[0].addr_spec, header.addresses[0].display_name)
