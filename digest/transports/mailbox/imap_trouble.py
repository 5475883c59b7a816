"""Tell why an IMAP server did not let us read: what a person must mend, or what passes by itself.

The server's own words are judged and never shown, because they may name a person.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl

from digest.errors import ConfigError, DigestError, TryLater

_CODE = re.compile(r"\[([A-Z-]+)")
# Response codes of RFC 5530 and RFC 3501 that pass by themselves, and words of servers that do.
_PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CORRUPTION", "ALREADYEXISTS", "THROTTLED"})
_PASSING_WORDS = re.compile(
    r"(?i)temporar|try (?:again|later)|too many|too much|unavailable|\bbusy\b|time(?:d )?[ -]?out|overload"
    r"|(?:internal|system|server|backend|mailbox) error|maximum number|not (?:currently )?available|shutting down"
    r"|maintenance|\brate\b|throttl|overquota|bandwidth|lock(?:ed by|ing)|in use|not connected|failed to connect"
)
_OF_CODE = {
    "EXPIRED": "the password has expired; set a new one there and in events.password_file",
    "PRIVACYREQUIRED": "it takes a password over TLS alone; write imaps:// in events.mailbox",
    "CONTACTADMIN": "the account needs its administrator; ask them to open IMAP for it",
    "WEBALERT": "the account must be opened in a browser first; sign in there, then try again",
    "AUTHORIZATIONFAILED": "the user may not open this mailbox; give it the right, or name another user",
    "NOPERM": "the user has no right to it; give it the right, or name another user",
}
# Beside these codes the words do not count; beside others, such as ALERT, they do.
_LASTING = frozenset({*_OF_CODE, "AUTHENTICATIONFAILED", "NONEXISTENT", "CANNOT"})
_OF_WORDS = (
    (re.compile(r"(?i)application[- ]specific|app(?:lication)?[- ]password"),
     "the account needs a password made for programs; make an app password, and put it into events.password_file"),
    (re.compile(r"(?i)web browser|weblogin"), _OF_CODE["WEBALERT"]),
    (re.compile(r"(?i)basic ?auth|authentication (?:is )?(?:disabled|blocked)|login ?(?:is )?disabled"),
     "the server takes no password; let its administrator allow it for this account, or name another mailbox"),
    (re.compile(r"(?i)imap (?:access )?(?:is )?(?:disabled|not enabled)|not enabled for imap|enabled for imap"),
     "IMAP is switched off for this account; switch it on in the account's settings"),
    (re.compile(r"(?i)privacy|plaintext|cleartext|secure connection|ssl|tls"), _OF_CODE["PRIVACYREQUIRED"]),
    (re.compile(r"(?i)account (?:is )?(?:locked|disabled|suspended|blocked)"),
     "the account is locked; ask its administrator to open it"),
)  # fmt: skip
_LOGIN = "refuses the user or the password; correct events.mailbox and its password (events.password_file)"


def trouble_of(error: Exception, host: str, step: str, folder: str) -> DigestError:
    """Return what `error` at a `step` ("connect", "login", "folder", "read") means, with the cure.

    ConfigError when a person must mend it, TryLater when it passes.
    """
    if isinstance(error, imaplib.IMAP4.error):
        problem = _refusal(error, step, folder)
        passing = "refused us or broke off"
    else:
        problem = _of_connection(error)
        passing = type(error).__name__
    if problem:
        return ConfigError([f"events.mailbox: {host}: {problem}"])
    return TryLater(f"mailbox {host}: {passing}; try again later, or check events.mailbox and its password")


def _refusal(error: imaplib.IMAP4.error, step: str, folder: str) -> str:
    """Return what a person must mend when the server said NO or BAD, or ""."""
    words = " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in error.args)
    code = match[1] if (match := _CODE.search(words)) else ""
    if step == "connect":
        offers_none = "tls" in words.lower() and "not supported" in words.lower()
        return "offers no STARTTLS; write imaps:// in events.mailbox, or ask its administrator" if offers_none else ""
    if isinstance(error, imaplib.IMAP4.readonly):
        return f"the folder {folder!r} may only be read; give the user the right to mark its messages as seen"
    if (
        isinstance(error, imaplib.IMAP4.abort)
        or code in _PASSING
        or (code not in _LASTING and _PASSING_WORDS.search(words))
    ):
        return ""
    if step == "login":
        of_words = next((cure for pattern, cure in _OF_WORDS if pattern.search(words)), _LOGIN)
        return _OF_CODE.get(code, of_words)
    if step == "folder":
        if code == "NOPERM" or re.search(r"(?i)permission|denied|not allowed|no right|acl", words):
            return f"the folder {folder!r}: {_OF_CODE['NOPERM']}"
        return f"the folder {folder!r} cannot be opened; make it, or correct its name in events.mailbox"
    if code == "NOPERM":
        return f"the folder {folder!r}: {_OF_CODE['NOPERM']}"
    return ""


def _of_connection(error: Exception) -> str:
    """Return what a person must mend when there was no connection, or ""."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); write the host as its certificate names it, or"
            " name the file of its authority in events.ca_file"
        )
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", "") in (
        "WRONG_VERSION_NUMBER",
        "RECORD_LAYER_FAILURE",
    ):
        return "does not speak TLS at this port; write imap://, or the port of imaps (993)"
    if isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return "there is no such host; correct its name in events.mailbox"
    if isinstance(error, UnicodeError):
        return "the host, user, password or folder has letters that IMAP cannot carry; use those of ASCII"
    return ""
