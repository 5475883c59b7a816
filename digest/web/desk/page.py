"""Define what every page of the desk is made of: who asks, what was given, and the answer. No page checks rights.

`digest.web.desk.gate` checks session, role, form and size before a page's functions are called.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest.desk.acts import Hand
from digest.errors import WrongUse
from digest.installation import Installation
from digest.model import CADENCES, ROLES
from digest.web.caller import NOWHERE, Caller

VIEWER, EDITOR, APPROVER, ADMIN = ROLES
_LONGEST = 10_000  # characters of a field
_MOST_DIGITS = 18  # because no database takes a longer number as an id


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks for a page. `csrf` stands in each form of theirs; `editor` is None on one's own machine."""

    name: str
    role: str
    csrf: str
    editor: int | None = None
    session: int | None = None

    def may(self, role: str) -> bool:
        """Return whether the person has this role, or one that may do more."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def hand(self, form: Parameters) -> Hand:
        """Return the person as the hand of an act; the form's field "seen" has the newest act that they saw."""
        return Hand(self.name, form.number("seen"))


class Parameters:
    """The fields of a form or of an address's query, by name, the parts of the path, and the caller.

    Methods raise WrongUse for a value that the page cannot have sent.
    """

    def __init__(
        self, pairs: Sequence[tuple[str, str]], path: Mapping[str, str], caller: Caller = NOWHERE
    ) -> None:  # fmt: skip
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        self.path = path
        self.caller = caller

    def all(self, name: str) -> list[str]:
        """Return every value of a field, [] without any."""
        return self._values.get(name, [])

    def text(self, name: str) -> str:
        """Return the last value of a field with "\\n" at the ends of its lines, "" without any."""
        value = self._values.get(name, [""])[-1].replace("\r\n", "\n")
        if "\0" in value:
            raise WrongUse(f"“{name}” has a zero character, which no database can keep; nothing was changed")
        if len(value) > _LONGEST:
            raise WrongUse(f"“{name}” has {len(value):,} characters; write at most {_LONGEST:,}; nothing was changed")
        return value

    def has(self, name: str) -> bool:
        """Return whether a field was given, as a ticked box or a pressed button is."""
        return name in self._values

    def number(self, name: str) -> int | None:
        """Return a field as a whole number from 0, None without one."""
        text = self.text(name).strip()
        if not text:
            return None
        if (number := _whole_number(text)) is None:
            raise WrongUse(f"“{name}” must be a whole number; nothing was changed")
        return number


@dataclass(frozen=True, slots=True)
class DeskAnswer:
    """Hold a page's answer: a `template` of templates/web/desk with its values, a redirect, or a body as it is.

    `location` begins with "/desk" and makes it a redirect (303). `policy` is a content policy in place of the desk's,
    `headers` are others that this answer has. `after` is called when the answer has been sent.
    """

    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    location: str = ""
    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    policy: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], None] | None = None


@dataclass(slots=True)
class Desk:
    """Hold what the pages work with: the installation, and what is kept between two pages (`kept`, by name).

    `local`: on one's own machine, without accounts. `root` stands before each path ("" or "/below"), because a proxy
    may serve the desk below a path of its own. `patience` is how many seconds a page waits for a mail server.
    """

    installation: Installation
    root: str = ""
    local: bool = False
    patience: float = 20.0
    kept: dict[str, Any] = field(default_factory=dict)

    def hour(self, at: datetime | None, form: str = "%a %-d %b %H:%M") -> str:
        """Return an instant as a local day and hour, or in another form of `strftime`; "" without one."""
        return f"{at.astimezone(ZoneInfo(self.installation.settings.site.zone)):{form}}" if at else ""


Show = Callable[[Desk, Asker, Parameters], DeskAnswer]


@dataclass(frozen=True, slots=True)
class DeskPage:
    """One address of the desk: its path, the least role for it, and what answers a GET or a POST (None: not allowed).

    `post_role` is the least role for a POST where that is a higher one. `public`: no session is needed.
    """

    path: str
    role: str
    get: Show | None = None
    post: Show | None = None
    post_role: str = ""
    public: bool = False

    def least(self, method: str) -> str:
        """Return the least role that a method needs."""
        return self.post_role or self.role if method == "POST" else self.role


class NoPage(Exception):
    """There is nothing at this address; the message says so in a sentence."""


def json_answer(document: object) -> DeskAnswer:
    """Return a JSON document as an answer."""
    return DeskAnswer(body=json.dumps(document).encode(), media_type="application/json")


def cadence_in(desk: Desk, given: Parameters) -> str:
    """Return the cadence in a page's path. Raises NoPage for one that config.toml does not have."""
    name = given.path.get("cadence", "")
    names = [cadence.name for cadence in desk.installation.settings.cadences]
    if name not in names:
        others = f"this installation has {', '.join(names)}" if name in CADENCES else "there is no such cadence"
        raise NoPage(f"No cadence {name}: {others}.")
    return name


def number_in_path(given: Parameters, name: str) -> int:
    """Return a number in a page's path. Raises NoPage for what is no number that a database can hold."""
    text = given.path.get(name, "")
    if (number := _whole_number(text)) is None:
        raise NoPage(f"There is no {name} {text}.")
    return number


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
