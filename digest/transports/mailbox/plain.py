"""Read the reports that have words alone: of Exim, qmail, Postfix, Sendmail and older Exchange servers. Pure.

Such a report is believed only if a mail server wrote it, if it tells of a failure, and if a reason stands in it in
the form that servers give it. A notice of a postmaster that mentions a code is none.
"""

from __future__ import annotations

import re
from email.message import Message

from digest.ledger.replies import classify, status_in
from digest.transports.mailbox.message import header_of, headers_of, words_of
from digest.transports.mailbox.notifications import NoReport, Statement, mildest

_DAEMON = re.compile(r"(?i)\b(mailer-daemon|mail delivery (sub)?system|mail ?daemon)\b")
_POSTMASTER = re.compile(r"(?i)\bpostmaster\b")
_FAILED = re.compile(
    r"(?i)\b(?:not|n't|unable to|cannot|failed to|failure to|able to) (?:be )?(?:deliver|reach|complete)"
    r"|undeliver|returned (?:mail|to sender)|failure notice|permanent (?:fatal )?(?:error|failure)"
    r"|(?:delivery|deliver\w*) (?:\w+ ){0,3}(?:fail|problem)"
    r"|did not reach|returning (?:your )?message|mail (?:delivery )?failed"
)
_ARRIVED = re.compile(r"(?i)\b(?:was|were|has been|have been|successfully) (?:successfully )?delivered\b")
_WARNING = re.compile(
    r"(?i)warning only|not yet been delivered|has been delayed|delayed \d+ (?:hour|minute)|delivery (?:\w+ )?delayed"
    r"|will (?:be retried|keep trying|continue to (?:be )?(?:try|retr))|attempts? will continue"
    r"|delivery status notification \(delay"
)
# Where the copy of the letter begins.
_COPY = re.compile(
    r"(?im)^(?:-{2,}.{0,20}(?:copy of|original message|returned message|message header|below this line).*"
    r"|received: .*|return-path: .*|mime-version: .*)$"
)
_ADDRESS_LINE = re.compile(
    r"\s*<?[^\s<>@():]+@[^\s<>@():]+>?(?::\s*|\s+on .*|\s*)$|\s*<[^\s<>@]+@[^\s<>@]+>:\s+(?=\S)"
)
_CODE_LINE = re.compile(
    r"\W*[45]\d\d[ -]\S|.*\b(?:said|returned|reason|response|reply|error|failure)\b[^:]*:\s*[45]\d\d[ -]"
)
_LINES = 12


def read_words(message: Message) -> Statement | None:
    """Return what a mail server's plain words state; None if the message is no such report.

    Raises NoReport when it tells of a failure in a form that cannot be read, so that a person reads it.
    """
    writer = headers_of(message, ("From", "Sender"))
    listed = message.get("X-Failed-Recipients") is not None
    if not (listed or _DAEMON.search(writer) or _POSTMASTER.search(writer)):
        return None
    text = words_of(message)
    if copy := _COPY.search(text):
        text = text[: copy.start()]
    heard = f"{header_of(message, 'Subject')}\n{text}"
    if _WARNING.search(heard) and not listed:
        return Statement("deferred", None, "a warning: not delivered yet", plain=True)
    failed = listed or _FAILED.search(heard) is not None
    believed = failed or (_DAEMON.search(writer) is not None and not _ARRIVED.search(text))
    reasons = _reasons(text) if believed else []
    if not reasons and not failed:
        return None
    if not reasons and not listed:
        raise NoReport("a mail server's message of a failure without its reason")
    return mildest(map(_statement, reasons or [""]))


def _statement(reason: str) -> Statement:
    status = status_in(reason)
    code = re.search(r"(?<![\w.:-])([45])\d\d[ -]", reason)
    group = (status or "")[:1] or (code[1] if code else "")
    passing = group == "4" or classify(reason) == "passing"
    if code and len(reason) > 160:
        reason = reason[code.start() :]  # because only so much of it is kept
    return Statement("blocked" if passing else "bounced", status, reason, plain=True)


def _reasons(text: str) -> list[str]:
    """Return the reason for each recipient: the lines after an address, or the lines that begin with a code."""
    after = _after_addresses(text.splitlines())
    coded = [line.strip() for line in text.splitlines() if _CODE_LINE.match(line) or _has_status(line)]
    if after and (not coded or any(classify(reason) != "unsure" for reason in after)):
        return after
    return [" ".join(coded[:_LINES])] if coded else []


def _has_status(line: str) -> bool:
    return (status_in(line.strip()) or "").startswith(("4", "5"))


def _after_addresses(lines: list[str]) -> list[str]:
    reasons = []
    for number, line in enumerate(lines):
        if not (match := _ADDRESS_LINE.match(line)):
            continue
        reason = [line[match.end() :]]
        for following in lines[number + 1 : number + _LINES]:
            if not following.strip() or _ADDRESS_LINE.match(following):
                break
            reason.append(following)
        if words := " ".join(" ".join(reason).split()):
            reasons.append(words)
    return reasons
