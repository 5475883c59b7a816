"""Read the part of a report that is meant for machines (RFC 3464, RFC 6533), in whatever part it stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from digest.ledger.replies import classify, status_in
from digest.transports.mailbox.message import PARTS, header_of, headers_of, is_status_part, own_parts, text_of

_ACTIONS = {"delayed": "deferred", "delivered": "delivered", "relayed": "processed", "expanded": "processed"}
# Of several recipients behind one address the mildest result counts: if one was reached, the address is alive.
_MILDEST = ("delivered", "processed", "deferred", "blocked", "bounced")
_RECIPIENT = re.compile(r"(?im)^(?:final|original)-recipient[ \t]*:")
_RESULT = re.compile(r"(?im)^(?:action|status)[ \t]*:")


class NoReport(ValueError):
    """Report a message that is no report of ours, and why.

    `machine`: a program wrote it (an absence note, a report of a stranger's letter), so that no person need read it.
    `reader`: it answers one of our letters, so that a person must.
    """

    def __init__(self, why: str, *, machine: bool = False, reader: bool = False) -> None:
        super().__init__(why)
        self.machine, self.reader = machine, reader


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold what a report states of one recipient: an event's kind, status and reason.

    `quoted` are texts of the report that may hold the tag; `plain` says that it has words alone.
    """

    kind: str
    status: str | None
    reason: str
    quoted: str = ""
    plain: bool = False


def mildest(statements: Iterable[Statement]) -> Statement:
    """Return the mildest of several statements about one address; a dead address is the worst."""

    def harm(statement: Statement) -> tuple[int, bool]:
        dead = classify(statement.reason, status=statement.status) == "address"
        return _MILDEST.index(statement.kind), dead

    return min(statements, key=harm)


def read_notification(message: Message) -> Statement | None:
    """Return what a notification states: a block about the message, then one for each recipient. None if it is none.

    Servers also write it as plain text, as an attachment or encoded. Raises NoReport when it cannot be read.
    """
    blocks: list[Message] = []
    meant = False
    for part in own_parts(message):
        meant = meant or is_status_part(part)
        if is_status_part(part) or part.get_content_type() in ("text/plain", "application/octet-stream"):
            text = text_of(part).replace("\r\n", "\n")
            if is_status_part(part) or (_RECIPIENT.search(text) and _RESULT.search(text)):
                blocks += [message_from_string(piece) for piece in re.split(r"\n[ \t]*\n", text.strip("\n"))][:PARTS]
    about = [block for block in blocks if block.get("Action") or block.get("Status") or block.get("Final-Recipient")]
    if not about:
        if meant:
            raise NoReport("a notification without a recipient")
        return None
    statement = mildest(map(_of_recipient, about))
    quoted = " ".join(headers_of(block, ("Original-Envelope-Id",)) for block in blocks)
    return Statement(statement.kind, statement.status, statement.reason, quoted)


def _of_recipient(block: Message) -> Statement:
    diagnostic = " ".join(header_of(block, "Diagnostic-Code").split())
    reason = diagnostic.partition(";")[2].strip() or diagnostic
    status = status_in(header_of(block, "Status"))
    if status is None or status.endswith(".0.0"):
        # Many servers give a status of "failed" alone, and the real status in the diagnostic words.
        status = status_in(reason) or status
    action = header_of(block, "Action").partition("(")[0].strip().lower()
    if action in _ACTIONS:
        return Statement(_ACTIONS[action], status, reason)
    if action and action != "failed":
        raise NoReport("a notification of an unknown action")
    if status is not None and status.startswith("2"):
        return Statement("delivered", status, reason)
    return Statement("blocked" if status is not None and status.startswith("4") else "bounced", status, reason)
