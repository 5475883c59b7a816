"""Make the messages of mail servers for tests: notifications, complaints, absence notes."""

from __future__ import annotations

from collections.abc import Callable

from digest.transports.tag import bounce_address
from tests.transports.webhook import made_up

MAILBOX = "bounce@example.org"


def envelope(delivery: int, tag: Callable[[int], str] = made_up) -> str:
    """Return the envelope sender of a delivery."""
    return bounce_address(MAILBOX, tag(delivery))


def dsn(
    to: str,
    *recipients: str,
    name: str = "n1@mx.example",
    head: str = "",
    date: str = "Mon, 02 Nov 2026 10:00:00 +0000",
) -> bytes:
    """Return a notification (RFC 3464) to `to`; each of `recipients` is the fields of one recipient's block."""
    blocks = "\n\n".join(recipients)
    return f"""Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: {to}
Message-ID: <{name}>
Date: {date}
{head}Auto-Submitted: auto-replied
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

Sorry. 5.1.1 in these words means nothing.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 02 Nov 2026 09:00:00 +0000

{blocks}

--b1
Content-Type: message/rfc822

From: Digest <digest@example.org>
To: reader@example.org
Subject: The letter

Text.
--b1--
""".replace("\n", "\r\n").encode()


def block(
    status: str = "5.1.1", action: str = "failed", diagnostic: str = "", address: str = "reader@example.org"
) -> str:
    """Return the fields of one recipient's block; an empty field is left out."""
    fields = {
        "Final-Recipient": f"rfc822; {address}",
        "Action": action,
        "Status": status,
        "Diagnostic-Code": diagnostic and f"smtp; {diagnostic}",
    }
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value)


def arf(quoted: str, *, kind: str = "abuse", fields: str = "", name: str = "f1@fbl.example") -> bytes:
    """Return a complaint (RFC 5965); `quoted` is the head of the letter complained of."""
    return f"""From: Feedback <fbl@fbl.example>
To: abuse@example.org
Message-ID: <{name}>
Date: Mon, 02 Nov 2026 11:00:00 +0000
Subject: FW: The letter
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain

A reader complained.
--b2
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Loop/1.0
Version: 1
{fields}

--b2
Content-Type: message/rfc822

{quoted}
From: Digest <digest@example.org>
Subject: The letter

Text.
--b2--
""".replace("\n", "\r\n").encode()


def note(to: str, head: str = "", sender: str = "A Reader <reader@example.org>", text: str = "I am away.") -> bytes:
    """Return an ordinary message."""
    return f"From: {sender}\nTo: {to}\nMessage-ID: <o1@example.org>\n{head}Subject: Away\n\n{text}\n".encode()
