"""Define the errors that this program raises on purpose, each kind with its exit code.

Every message names the file, key or row that is wrong, and the cure.
"""

from __future__ import annotations

import errno
import re

# Free room or a later run cures these. EIO is among them because a disk that fails once may work the next time.
_PASSING = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM))

_USER = re.compile(
    # All before the last "@" of the host, also where a password holds a slash: then a colon that begins no port.
    r"(?<=://)(?:[^\s/?#\"<>]*@|[^\s/?#@:\"<>]*:(?!\d{1,5}(?:[/?#]|$))[^\s@\"<>]*@)"
)
_QUERY = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s?#\"'<>]*)[?#]([^\s\"'<>)]*)")
# Such as feed=rss2: a short value of a name that no key or password has.
_HARMLESS = re.compile(r"(?!\w*(?:key|tok|sig|pass|pw|secret|auth|code|user|hash))\w{1,12}=\w{0,4}", re.I)


def without_secrets(text: str) -> str:
    """Return `text` with every web address in it shortened: no user name or password, and no query or fragment.

    A query of short, harmless parameters stays. Everything that may quote an address of the config goes through here
    before it is shown or stored.
    """
    return _QUERY.sub(_shortened, _USER.sub("…@", text)) if "://" in text else text


def _shortened(match: re.Match[str]) -> str:
    harmless = all(_HARMLESS.fullmatch(pair) for pair in match[2].split("&"))
    return match[0] if harmless else f"{match[1]}?…"


class DigestError(Exception):
    """Something failed: exit code 1. Base of every error that this program raises on purpose."""

    exit_code = 1


class WrongUse(DigestError):
    """The command or its argument does not fit: exit code 2."""

    exit_code = 2


class ConfigError(WrongUse):
    """config.toml, the environment or a template is wrong.

    `problems` holds every mistake at once, a line each: "key: the mistake; the cure".
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SchemaTooNew(WrongUse):
    """The database was written by a newer version of this program."""


class PersonNeeded(DigestError):
    """Nothing failed, but only a person can go on: exit code 4.

    `told_before`: an earlier run of the local day ended by the same.
    """

    exit_code = 4
    told_before = False


class BadEdition(DigestError):
    """An edition cannot be sent as it is stored; the others can."""


class Objection(DigestError):
    """The other side objects to the sender, not to readers, so that nobody is refused for it.

    `everybody`: it has taken no letter of the edition, so that no other edition is tried either.
    """

    def __init__(self, message: str, *, everybody: bool) -> None:
        super().__init__(message)
        self.everybody = everybody


class TryLater(DigestError):
    """Another run holds the lock, or a database or provider is away: exit code 75."""

    exit_code = 75


def of_disk(error: OSError, message: str) -> DigestError:
    """Return the error to raise for a file or folder that cannot be used: TryLater where the cause may pass."""
    return TryLater(message) if error.errno in _PASSING else DigestError(message)


class SourceError(DigestError):
    """A source could not be read this time; the others go on.

    The addresses in its message are shortened. `retry_after` is the number of seconds that the source asked us to
    wait (None: it asked for nothing); `gone` is true when it answered that it will not come back (410).
    """

    def __init__(self, reason: str, *, retry_after: float | None = None, gone: bool = False) -> None:
        super().__init__(without_secrets(reason))
        self.retry_after = retry_after
        self.gone = gone
