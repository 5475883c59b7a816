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
    # An @ may be written as %40, and that as %2540.
    r"(?<=://)(?:[^\s/?#\"<>]*(?:@|%(?:25)*40)|[^\s/?#@:\"<>]*:(?!\d{1,5}(?:[/?#]|$))[^\s@\"<>]*@)",
    re.IGNORECASE,
)
_PATH = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#\"'<>]*)(/[^\s?#\"'<>]*)")
# A word in a path after which a key stands: "/private/9f8a7c/", "/calendar/private-9f8a7c/".
_BEFORE_KEY = re.compile(r"(?:\A|[-_])(?:private|secret|tokens?|keys?|apikey|auth|access|magic|signed)\Z", re.I)
# Parts of a path behind which a key stands, whatever its letters, and words of addresses that are none.
_KEY_FOLLOWS = frozenset(
    ("key", "keys", "k", "apikey", "token", "tokens", "private", "secret", "secrets", "auth", "feedkey", "signature")
)
_NO_KEY = _KEY_FOLLOWS | frozenset(
    (
        "feed",
        "feeds",
        "rss",
        "atom",
        "xml",
        "json",
        "ics",
        "index",
        "latest",
        "all",
        "news",
        "posts",
        "to",
        "for",
        "the",
    )
)
_VOWELS, _RARE = frozenset("aeiouyw"), frozenset("jkqvxz")  # in English and Welsh
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_KEY_LENGTH = 12
_QUERY = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s?#\"'<>]*)[?#]([^\s\"'<>)]*)")
# Such as feed=rss2: a short value of a name that no key or password has.
_HARMLESS = re.compile(r"(?!\w*(?:key|tok|sig|pass|pw|secret|auth|code|user|hash))\w{1,12}=\w{0,4}", re.I)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun for a message: "1 letter", "2 letters", or "2 entries" with that `plural`."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def without_secrets(text: str) -> str:
    """Return `text` with every web address in it shortened: no user name or password, no key, no query or fragment.

    A query of short, harmless parameters stays, and so does a path that can be read as words. Everything that may
    quote an address of the config goes through here before it is shown or stored.
    """
    return _QUERY.sub(_shortened, _PATH.sub(_without_keys, _USER.sub("…@", text))) if "://" in text else text


def _without_keys(match: re.Match[str]) -> str:
    """Return an address with "…" for each part of its path that may be a key."""
    pieces = match[2].split("/")
    shown = list(pieces)
    for n, piece in enumerate(pieces):
        is_expected = n > 0 and _BEFORE_KEY.search(pieces[n - 1]) is not None
        shown[n] = _UUID.sub("…", piece)
        # Cut at the signs that part words; a name and its value are judged as in a query.
        parts = re.split(r"([-_.,;:()!+~]|%[0-9A-Fa-f]{2})", shown[n])
        for k in range(0, len(parts), 2):
            before = "".join(parts[: max(k - 1, 0)])
            if _may_be_key(parts[k], is_expected or _BEFORE_KEY.search(before) is not None):
                parts[k] = "…"
        shown[n] = re.sub(r"…(?:[-_.]?…)+", "…", "".join(parts))
        if n > 0 and pieces[n - 1].lower() in _KEY_FOLLOWS and _is_secret_piece(piece):
            shown[n] = "…"
        if re.fullmatch(r"[^:/]+(?::|%3a)[^:/]+", piece, re.I) and not re.fullmatch(r"[\d:]+|urn:.*|tag:.*", piece):
            shown[n] = "…"  # a name and its password
        if re.search(r"[^@%]+(?:@|%40)[^@%]+\.", piece):
            shown[n] = "…"  # an e-mail address, as in the address of a calendar
    return match[1] + "/".join(shown)


def _is_secret_piece(piece: str) -> bool:
    """Return whether a part of a path behind one such as "key" is the key, and no word or file such as "feed.xml"."""
    stem = re.sub(r"\.(?:rss|atom|xml|json|ics|html?|php|rdf)\Z", "", piece.lower())
    return bool(stem) and stem not in _NO_KEY


def _may_be_key(part: str, is_expected: bool) -> bool:
    """Return whether a part of a path is a key and no word; `is_expected`: the word before it announces a key."""
    name, equals, value = part.partition("=")
    if equals and value:
        return not _HARMLESS.fullmatch(part) or _may_be_key(value, is_expected)
    runs = re.findall(r"[0-9]+|[^0-9]+", name)
    digits = [run for run in runs if run.isdigit()]
    if is_expected and digits and len(name) >= 4:
        return True
    if len(name) < _KEY_LENGTH:
        return len(name) >= 8 and len(digits) >= 3
    if len(digits) == len(runs):
        return len(name) > 14  # a longer number than any id or a date with its time
    words = [run for run in runs if not run.isdigit()]
    return len(digits) > 1 or (bool(digits) and min(map(len, words)) < 4) or not all(map(_is_readable, words))


def _is_readable(word: str) -> bool:
    """Return whether letters read as words: cased as in "careRecord" or "NHS", and with vowels among them."""
    if len(word) < 5 or not word.isascii():
        return True
    # Parts of a name in camel case; a key changes case more often.
    if len(re.findall(r"[A-Z]+[a-z]*|[a-z]+", word)) * 3 > len(word):
        return False
    vowels, rare = (sum(char in letters for char in word.lower()) for letters in (_VOWELS, _RARE))
    return (
        vowels * 4 >= len(word)
        and rare * 7 <= len(word) + 7
        and not re.search(r"[bcdfghjklmnpqrstvxz]{6}", word.lower())
    )


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


class SchemaTooOld(WrongUse):
    """The database was written by an older version of this program, and `digest db upgrade` is due."""

    def __init__(self) -> None:
        super().__init__("the database's schema is older than this program; back it up, then run `digest db upgrade`")


class WrongTables(DigestError):
    """The database's tables are not those of its schema: it was changed, damaged, or is another program's."""

    def __init__(self, database: str, problem: str, cure: str) -> None:
        super().__init__(f"{database}: {problem}; {cure}")
        self.problem, self.cure = problem, cure


class PersonNeeded(DigestError):
    """Nothing failed, but only a person can go on: exit code 4.

    `told_before`: an earlier run of the local day ended by the same.
    """

    exit_code = 4
    told_before = False


class DatabaseMoved(DigestError):
    """The database was moved to another server and takes no changes: exit code 4, and 503 for a page."""

    exit_code = 4


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
    wait (None: it asked for nothing); `status` is that of its answer, where it gave one.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(without_secrets(reason))
        self.retry_after = retry_after
        self.status = status

    @property
    def gone(self) -> bool:
        """Return whether it answered that it will not come back (410)."""
        return self.status == 410
