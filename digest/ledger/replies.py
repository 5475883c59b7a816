"""Classify what a mail server, a bounce report or a provider's event says about one letter. Pure.

One classifier for SMTP replies, reports and events, so that the same words mean the same thing wherever they come
from. The enhanced code (RFC 3463) decides first, then well-known phrases, then the class of the SMTP code. Words of
other languages are not read: their codes decide. A reply that is not understood is "unsure", and where code and words
contradict each other the milder reading counts, because nobody may lose their letters by a misunderstanding.
"""

from __future__ import annotations

import re
from typing import Final

from digest.ledger.phrases import Class, read_hints, read_phrases

__all__ = ["Class", "classify", "status_in", "wait_asked"]

# --- codes ---------------------------------------------------------------------------------------------------

_SMTP_CODE = r"(?<![\w.:/-])[245]\d\d"
_STATUS = re.compile(
    rf"(?:^\s*(?:[a-z][\w-]*\s*;\s*)?|{_SMTP_CODE}[ -]\s*#?|#|\b(?:status|dsn)(?: code)?\s*[:=]?\s*)"
    r"([245])\.0{0,2}([0-7])\.(\d{1,3})(?![\w]|\.\w)",
    re.I,
)
_FIRST_CODE = re.compile(r"(?:^|[;:'\"(>]|\bsaid|\breturned)\s*([45])\d\d(?=[\s:;,-]|$)")

# The class of a code, by (subject, detail) and by subject; the codes that are not here tell nothing alone, as 5.0.0,
# 5.1.0, 5.2.0 and 5.4.x, which servers give for whatever they have no word for.
_BY_DETAIL: Final[dict[tuple[int, int], Class]] = {
    (1, 1): "address", (1, 2): "address", (1, 3): "address", (1, 6): "address", (1, 10): "address",
    (1, 7): "sender", (1, 8): "sender", (1, 90): "sender",
    (2, 1): "address", (2, 2): "mailbox", (2, 3): "letter", (2, 121): "mailbox", (2, 122): "mailbox",
    (3, 1): "passing", (3, 4): "letter", (4, 7): "passing", (7, 512): "letter",
}  # fmt: skip
_BY_SUBJECT: Final[dict[int, Class]] = {6: "letter", 7: "sender"}
_LOOSE = ((7, 0), (7, 1))  # given for whatever is refused, so that words outrank them
_OF_THE_LOGIN = (530, 534, 535, 538)
# Postfix names the command that a server refused: before RCPT the server does not know whom the letter is for.
_BEFORE_RCPT = re.compile(r"\(in reply to (?:mail from|ehlo|helo|starttls|auth)\b", re.I)


def classify(text: str, code: int | None = None, status: str | None = None) -> Class:
    """Return what a reply, a report's diagnostic or an event's reason is about.

    `code` is the SMTP code and `status` the enhanced code where they are known apart; `text` may hold both.
    """
    words = _words(text)
    phrase = read_phrases(words)
    codes = [parts for parts in map(_parts, (status_in(text), status_in(status or ""))) if parts]
    if phrase == "sender" or code in _OF_THE_LOGIN or _BEFORE_RCPT.search(text):
        return "sender"
    # A report's own field and the server's code that it quotes may differ: "address" counts only if nothing milder
    # stands beside it.
    kinds = [kind for parts in codes if (kind := _by_code(parts))]
    kind = next((kind for kind in kinds if kind != "address"), kinds[0] if kinds else None)
    firm = kind if any(_by_code(parts) and parts[1:] not in _LOOSE for parts in codes) else None
    if "4" in (_first_digit(text, code), *(str(parts[0]) for parts in codes)):
        return _temporary(firm, phrase or read_hints(words))
    if (5, 4, 1) in codes and "recipient address rejected: access denied" in words:
        return "address"  # Microsoft 365 says so of an address that its directory does not hold
    if kind == "address":
        return phrase or read_hints(words) or "address"
    if kind == "sender" and firm is None and phrase in ("address", "mailbox", "letter"):
        # "5.7.1 user unknown" contradicts itself, so that nobody is suppressed for it.
        return "unsure" if phrase == "address" else phrase
    return kind or phrase or read_hints(words) or "unsure"


def _temporary(kind: Class | None, words: Class | None) -> Class:
    """Return the class of a temporary reply; it is never "address", because the server itself does not say so."""
    for told in (kind if kind in ("mailbox", "letter") else None, words, kind):
        if told is not None:
            return "passing" if told in ("address", "unsure") else told
    return "passing"


def _by_code(parts: tuple[int, int, int]) -> Class | None:
    return _BY_DETAIL.get(parts[1:]) or _BY_SUBJECT.get(parts[1])


def _parts(status: str | None) -> tuple[int, int, int] | None:
    if status is None:
        return None
    group, subject, detail = status.split(".")
    return int(group), int(subject), int(detail)


def _first_digit(text: str, code: int | None) -> str:
    match = _FIRST_CODE.search(text)
    return str(code)[0] if code else match[1] if match else ""


def status_in(text: str) -> str | None:
    """Return the first enhanced code that stands as a code in `text`, or None.

    It stands at the start, after the SMTP code ("550-5.1.1"), after "#" or after "Status:". A version, an IP
    address, a date or a number in prose is none.
    """
    match = _STATUS.search(text)
    return ".".join(str(int(part)) for part in match.groups()) if match else None


# --- words ---------------------------------------------------------------------------------------------------

# Codes, links, addresses, host names and Postfix's "(in reply to ... command)", because these hold other words.
_NOISE = re.compile(
    r"https?:\S+|\(in reply to [^)]*\)|\S+@[^\s:)>]*|\[[^\]]*\]|<[^>]*>"
    r"|#?(?<![\w.])[2456]\d\d[ -](?=\S)|(?<!\w)#?[245]\.\d+\.\d+"
    r"|\b(?!resolver\.|storedrv\.|smtpsend\.)(?:[\w-]+\.){2,}[a-z]{2,}\b",
    re.I,
)


def _words(text: str) -> str:
    """Return a reply's words in small letters, without what only looks like words."""
    return " ".join(_NOISE.sub(" ", text[:2000]).lower().replace("\u2019", "'").split())


# --- waits ---------------------------------------------------------------------------------------------------

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_TIME = r"(?<![\d.:-])(\d{1,5})\s?(s|sec|secs|seconds?|m|mins?|minutes?|h|hrs?|hours?)(?:\(s\))?(?![\w.]*\w)"
_AMOUNT = rf"{_TIME}(?:(?:,| and)? {_TIME})?"
_ABOUT = r"(?:about |at least |another |approximately |up to )?"
# A verb that asks for a wait, then the time; or a time that is "left".
_WAIT = re.compile(
    rf"\b(?:again|retry|retrying|come back|wait|gr[ae]ylisted)\b(?: \w+){{0,3}}? \(?(?:in|after|for) "
    rf"{_ABOUT}{_AMOUNT}|\b(?:wait|retry-after)[ :=]+{_ABOUT}{_AMOUNT}"
    r"|\bretry-after ?[:=] ?(\d{1,5})(?![\w.:/-]| ?[a-z])"  # seconds, as in HTTP
    rf"|{_AMOUNT} (?:left|remaining|to go)\b",
    re.I,
)
_RUN_TOGETHER = re.compile(r"(?<![\w.:-])(\d{1,3}[hm])(\d{1,2}(?:m|min|s|sec))(?!\w)", re.I)
_CLOCK = re.compile(r"\b(?:wait|for|in) (0[0-5]):([0-5]\d):([0-5]\d)\b(?! ?(?:utc|gmt|[ap]m))", re.I)


def wait_asked(text: str) -> float | None:
    """Return the seconds that a reply asks to wait before another try, or None if it names no wait.

    Only where the words say so ("try again in 5 minutes", "wait 00:04:55"). Clock times, addresses, ports, dates
    and ids are no waits.
    """
    text = _RUN_TOGETHER.sub(r"\1 \2", " ".join(text.split()))
    if clock := _CLOCK.search(text):
        hours, minutes, seconds = map(int, clock.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    if match := _WAIT.search(text):
        parts = [part for part in match.groups() if part]
        if len(parts) == 1:
            return float(parts[0])
        return float(
            sum(int(number) * _SECONDS[unit[0].lower()] for number, unit in zip(parts[::2], parts[1::2], strict=True))
        )
    return None
