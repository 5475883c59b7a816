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

from digest.errors import ConfigError, DigestError, without_secrets
from digest.transports.mailbox.imap_trouble import trouble_of
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


def open_mailbox(address: str, password: str = "", ca_file: Path | None = None, *, to_mark: bool = True) -> Mailbox:
    """Open the mailbox at `address`: "maildir:/path", "mbox:/path", "imaps://user@host[:port]/FOLDER".

    `imap://` starts unencrypted and insists on STARTTLS, except on the loopback. `ca_file` holds the certificates to
    trust in place of the system's. Not `to_mark`: the folder of a server is opened to look at it alone. Raises
    ConfigError for another form, a path that is not there, or a refusal that a person must mend; TryLater if the
    server is away.
    """
    if problem := mailbox_problem(address, password):
        raise ConfigError([f"events.mailbox: {problem}"])
    kind, _, path = address.partition(":")
    if kind == "maildir":
        return Maildir(Path(path))
    if kind == "mbox":
        with _readable(Path(path)):
            return Mbox(Path(path))
    return Imap(address, password, ca_file, to_mark=to_mark)


def reach_mailbox(address: str, password: str, ca_file: Path | None) -> DigestError | None:
    """Return why the mailbox cannot be read, its server and folder asked; None when it can. Changes nothing."""
    try:
        open_mailbox(address, password, ca_file, to_mark=False).close()
    except DigestError as error:
        return error
    return None


def mailbox_problem(address: str, password: str = "") -> str:
    """Return why no mailbox can be opened at `address`, with the cure, or ""; no server is asked."""
    kind, _, path = address.partition(":")
    if kind in ("maildir", "mbox") and path:
        return _path_problem(kind, Path(path))
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


def _path_problem(kind: str, path: Path) -> str:
    """Return why there is no Maildir or mbox at a path, with the cure, or ""."""
    try:
        if kind == "mbox":
            return "" if path.is_file() else f"no file {path}; name the mbox that reports are delivered to"
        is_there = all((path / sub).is_dir() for sub in ("new", "cur"))
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); let this account read it, or name another"
    return "" if is_there else f"{path} is not a Maildir; name the folder that holds cur, new and tmp"


class Maildir:
    """Read a Maildir: messages in `new`, and those in `cur` without the flag S (seen). Marking sets that flag."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path inside the folder, bytes), oldest first."""
        for sub in ("new", "cur"):
            with _readable(self._folder / sub):
                names = sorted(path.name for path in (self._folder / sub).iterdir())
            for name in names:
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

    def __init__(self, address: str, password: str, ca_file: Path | None = None, *, to_mark: bool = True) -> None:
        parts = urlsplit(address)
        user, self._folder = unquote(parts.username or ""), unquote(parts.path.strip("/")) or "INBOX"
        assert parts.hostname is not None
        self._host = parts.hostname
        with self._translated("connect"):
            self._server = _connect(parts.scheme, parts.hostname, parts.port, ca_file)
        try:
            with self._translated("login"):
                self._server.login(user, password)
            with self._translated("folder"):
                # Quote the name, because imaplib does so only from Python 3.14 on.
                quoted = '"' + re.sub(r'([\\"])', r"\\\1", self._folder) + '"'
                self._ok(self._server.select(quoted, readonly=not to_mark))
        except BaseException:
            self._server.shutdown()
            raise

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield (UID, bytes) of each message; fetching does not mark it."""
        with self._translated("read"):
            uids = self._ok(self._server.uid("SEARCH", "UNSEEN"))[0] or b""
        for uid in uids.decode("ascii").split():
            with self._translated("read"):
                answer = self._ok(self._server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"))
            raw = next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)
            if raw is not None:
                yield uid, raw

    def done(self, keys: Sequence[str]) -> None:
        r"""Set the flag \Seen."""
        for start in range(0, len(keys), 100):
            with self._translated("read"):
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
            raise imaplib.IMAP4.error(state, *(part for part in data if isinstance(part, bytes)))
        return list(data)

    @contextmanager
    def _translated(self, step: str) -> Iterator[None]:
        """Turn an error of the server at a step into ours, without the server's words."""
        try:
            yield
        except (imaplib.IMAP4.error, OSError, UnicodeError) as error:
            raise trouble_of(error, self._host, step, self._folder) from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn a refusal of the system to open a mailbox's file or folder into ours."""
    try:
        yield
    except OSError as error:
        problem = f"events.mailbox: {path} cannot be read ({error.strerror}); let this account read it"
        raise ConfigError([problem]) from error


def _connect(scheme: str, host: str, port: int | None, ca_file: Path | None) -> imaplib.IMAP4:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:
        problem = f"events.ca_file: {ca_file}: holds no certificates that can be read; name a file of them"
        raise ConfigError([problem]) from None
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


def _flags(name: str) -> str:
    return name.partition(":2,")[2]
