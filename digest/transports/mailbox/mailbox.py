"""Read the mailbox that bounces and complaints are sent to: an mbox, a Maildir or a folder of an IMAP server.

A message is marked as read (`done`) only after its event is stored. A kill between the two means that the message is
read again, which is harmless because its event has the same id. Messages are never deleted.
"""

from __future__ import annotations

import imaplib
import mailbox
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from digest.errors import ConfigError, TryLater, without_secrets
from digest.transports.mailbox.reports import LARGEST

_FORMS = '"maildir:/path", "mbox:/path" or "imaps://user@host/INBOX"'
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_WAIT = 30.0  # seconds for a server's answer


class Mailbox(Protocol):
    """Give the messages of one mailbox. One instance serves one reading; `close` is always called."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (key, the message's first megabyte) of each message not yet marked."""
        ...

    def done(self, keys: Sequence[str]) -> None:
        """Mark messages as read; a key whose message has gone is no error."""
        ...

    def close(self) -> None:
        """Close files and connections."""
        ...


def open_mailbox(address: str, password: str = "") -> Mailbox:
    """Open the mailbox at `address`: "maildir:/path", "mbox:/path", "imaps://user@host[:port]/FOLDER".

    `imap://` starts unencrypted and insists on STARTTLS, except on the loopback. Raises ConfigError for another form
    or a path that is not there, TryLater if the server is away or refuses us.
    """
    if problem := mailbox_problem(address, password):
        raise ConfigError([f"events.mailbox: {problem}"])
    kind, _, path = address.partition(":")
    if kind == "maildir":
        return Maildir(Path(path))
    return Mbox(Path(path)) if kind == "mbox" else Imap(address, password)


def mailbox_problem(address: str, password: str = "") -> str:
    """Return why no mailbox can be opened at `address`, with the cure, or ""; no server is asked."""
    kind, _, path = address.partition(":")
    if kind == "maildir" and path:
        is_there = (Path(path) / "new").is_dir()
        return "" if is_there else f"{path} is not a Maildir; name the folder that holds cur, new and tmp"
    if kind == "mbox" and path:
        return "" if Path(path).is_file() else f"no file {path}; name the mbox that reports are delivered to"
    if kind not in ("imap", "imaps"):
        return f"{without_secrets(address)!r} is not a mailbox; write {_FORMS}"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return f"its port is not a number; write {_FORMS}"
    if parts.password is not None:
        return "holds a password; take it out, and set events.password_file or DIGEST_EVENTS_PASSWORD"
    if not parts.hostname or not parts.username or not password:
        return f"needs a host, a user and a password; write {_FORMS} and set events.password_file"
    return ""


class Maildir:
    """Read a Maildir: messages in `new`, and those in `cur` without the flag S (seen). Marking sets that flag."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path inside the folder, bytes), oldest first."""
        for sub in ("new", "cur"):
            for name in sorted(path.name for path in (self._folder / sub).iterdir()):
                if name.startswith(".") or "S" in _flags(name):
                    continue
                # Follow no link, because it may lead anywhere; skip a message that was moved meanwhile.
                with suppress(OSError):
                    handle = os.open(self._folder / sub / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                    with os.fdopen(handle, "rb") as file:
                        raw = file.read(LARGEST)
                    yield f"{sub}/{name}", raw

    def done(self, keys: Sequence[str]) -> None:
        """Move the messages to `cur` with the flag S."""
        for key in keys:
            name = key.partition("/")[2]
            flags = "".join(sorted({*_flags(name), "S"}))
            with suppress(FileNotFoundError):
                (self._folder / key).rename(self._folder / "cur" / f"{name.partition(':2,')[0]}:2,{flags}")

    def close(self) -> None:
        """Do nothing: no file stays open."""


class Mbox:
    """Read an mbox and mark nothing: events that were stored before are recognised by their ids."""

    def __init__(self, path: Path) -> None:
        self._box = mailbox.mbox(path, create=False)

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (number, bytes) of every message."""
        for key in self._box.iterkeys():
            with self._box.get_file(key) as file:
                yield str(key), file.read(LARGEST)

    def done(self, keys: Sequence[str]) -> None:
        """Do nothing, because only the delivery agent may write to the file."""

    def close(self) -> None:
        """Close the file."""
        self._box.close()


class Imap:
    r"""Read a folder of an IMAP server: messages without the flag \Seen. Marking sets it."""

    def __init__(self, address: str, password: str) -> None:
        parts = urlsplit(address)
        user, folder = unquote(parts.username or ""), unquote(parts.path.strip("/")) or "INBOX"
        assert parts.hostname is not None
        self._name = f"mailbox {parts.hostname}"
        with _translated(self._name):
            self._server = _connect(parts.scheme, parts.hostname, parts.port)
            try:
                self._server.login(user, password)
                # Quote the name, because imaplib does so only from Python 3.14 on.
                self._ok(self._server.select('"' + re.sub(r'([\\"])', r"\\\1", folder) + '"'))
            except BaseException:
                self._server.shutdown()
                raise

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (UID, bytes) of each message; fetching does not mark it."""
        with _translated(self._name):
            uids = self._ok(self._server.uid("SEARCH", "UNSEEN"))[0] or b""
        for uid in uids.decode("ascii").split():
            with _translated(self._name):
                answer = self._ok(self._server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"))
            raw = next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)
            if raw is not None:
                yield uid, raw

    def done(self, keys: Sequence[str]) -> None:
        r"""Set the flag \Seen."""
        for start in range(0, len(keys), 100):
            with _translated(self._name):
                self._ok(self._server.uid("STORE", ",".join(keys[start : start + 100]), "+FLAGS.SILENT", r"(\Seen)"))

    def close(self) -> None:
        """Log out. Raises nothing if the server is gone."""
        try:
            self._server.logout()
        except (imaplib.IMAP4.error, OSError):
            with suppress(OSError):
                self._server.shutdown()

    def _ok(self, answer: tuple[str, Any]) -> list[Any]:
        state, data = answer
        if state != "OK":
            raise imaplib.IMAP4.error(state)
        return list(data)


def _connect(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=_WAIT)
    server = imaplib.IMAP4(host, port or 143, timeout=_WAIT)
    if host not in _LOOPBACK:
        try:
            server.starttls(context)
        except BaseException:
            server.shutdown()
            raise
    return server


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn an error of the server into TryLater. Its own words are left out, because they may name a person."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError) as error:
        problem = "refused us or broke off" if isinstance(error, imaplib.IMAP4.error) else type(error).__name__
        raise TryLater(f"{name}: {problem}; try again later, or check events.mailbox and its password") from error


def _flags(name: str) -> str:
    return name.partition(":2,")[2]
