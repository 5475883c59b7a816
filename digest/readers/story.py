"""Take the story of a place: the parts of its form, what is wrong with them, a draft, and the story that is sent.

A place comes by the link of an editor's invitation. Its story waits on the desk until an editor takes it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.learning.given import GIVABLE, MOST_GIVEN
from digest.learning.levels import LEVELS, level_of
from digest.letter.cards import TITLE
from digest.letter.inert import link
from digest.store import invitations
from digest.store.invitations import OPEN, TOLD, Invitation
from subscribers.invisible import one_line, without_invisible
from subscribers.tokens import Token

# The most characters of each text; of an ingredient, of all its lines together.
MOST = {"place": 80, "name": 80, "role": 80, "title": TITLE, "url": 2000, "text": 600}
MOST_LINES, MOST_OF_LINES = 3, 800
_NEEDED = ("place", "name", "did")
_NEEDED_OF_NEW = ("title", "text")


@dataclass(frozen=True, slots=True)
class StoryParts:
    """Hold what a place tells. `lines` has the text of each ingredient, a line of it on each line; `levels` the level
    of how they know and of how far along they are. `name` and `role` say who tells it, for editors alone.
    """

    place: str = ""
    name: str = ""
    role: str = ""
    title: str = ""
    url: str = ""
    text: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)

    def ingredients(self) -> list[tuple[str, str]]:
        """Return (name, line) of each line; one that tells no level begins with the chosen one."""
        told = []
        for name in GIVABLE:
            listed = [one_line(line) for line in self.lines.get(name, "").split("\n") if one_line(line)]
            level = self.levels.get(name, "")
            if level and not listed:
                listed = [f"{level.capitalize()}."]
            elif level and level_of(name, listed[0]) != level:
                listed[0] = f"{level.capitalize()}: {listed[0]}"
            told += [(name, line) for line in listed]
        return told


def told_parts(text: Callable[[str], str]) -> StoryParts:
    """Return the parts of a form whose fields `text` returns by name, without what no page can show."""
    plain = {name: one_line(text(name)) for name in MOST if name != "text"}
    lines = {name: _lines_of(text(name)) for name in GIVABLE}
    levels = {name: text(f"{name}-level") for name in LEVELS if text(f"{name}-level") in LEVELS[name]}
    return StoryParts(**plain, text=_lines_of(text("text")), lines=lines, levels=levels)


def stored_parts(kept: Mapping[str, Any]) -> StoryParts:
    """Return the parts as they were stored by `parts_to_store`."""
    names = StoryParts.__dataclass_fields__
    return StoryParts(**{name: value for name, value in kept.items() if name in names})


def parts_to_store(parts: StoryParts) -> dict[str, Any]:
    """Return the parts as JSON."""
    plain = {name: getattr(parts, name) for name in MOST}
    return plain | {"lines": {k: v for k, v in parts.lines.items() if v}, "levels": dict(parts.levels)}


def too_long(parts: StoryParts) -> dict[str, str]:
    """Return {field: "long"} of the parts that are longer than a form can send."""
    wrong = {name: "long" for name, most in MOST.items() if len(getattr(parts, name)) > most}
    return wrong | {name: "long_lines" for name, text in parts.lines.items() if len(text) > MOST_OF_LINES}


def story_mistakes(parts: StoryParts, *, is_new: bool, agreed: bool) -> dict[str, str]:
    """Return {field: code of what is wrong} of a story that is to be sent; `is_new`: it is of no entry yet."""
    wrong = too_long(parts)
    needed = (*_NEEDED, *(_NEEDED_OF_NEW if is_new else ()))
    given = {name: getattr(parts, name) for name in MOST} | dict(parts.lines)
    wrong |= {name: f"no_{name}" for name in needed if not one_line(given.get(name, "")) and name not in wrong}
    if parts.url and link(parts.url) is None:
        wrong["url"] = "bad_url"
    told = parts.ingredients()
    for name in GIVABLE:
        listed = [line for each, line in told if each == name]
        if len(listed) > MOST_LINES:
            wrong[name] = "many_lines"
        elif any(len(line) > MOST_GIVEN for line in listed):
            wrong[name] = "long_line"
        elif name in LEVELS and any(not level_of(name, line) for line in listed[:1]):
            wrong[f"{name}-level"] = "no_level"
        elif name in LEVELS and len(listed) > 1:
            wrong[name] = "one_line"
    if not agreed:
        wrong["agree"] = "no_agree"
    order = [*MOST, *(each for name in GIVABLE for each in (f"{name}-level", name)), "agree"]
    return {name: wrong[name] for name in order if name in wrong}


def invited_by_link(conn: Connection, link_: Token, *, hold: bool = False) -> Invitation | None:
    """Return the invitation that a link was made for, or None, as after a restore.

    `hold`: nobody else changes it until the transaction ends.
    """
    if hold:
        invitations.hold_still(conn, link_.subscriber)
    invitation = invitations.get(conn, link_.subscriber)
    return invitation if invitation and hmac.compare_digest(link_.key, invitation.key) else None


def parts_of(invitation: Invitation) -> StoryParts:
    """Return the parts as they were saved last, else as the form begins."""
    return stored_parts(invitation.story or invitation.given)


def look_of(invitation: Invitation) -> str:
    """Return a text that differs once somebody has saved another draft."""
    kept = json.dumps([invitation.state, invitation.story], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(kept.encode("utf-8", "replace"), digest_size=8).hexdigest()


def save_draft(conn: Connection, invitation: Invitation, parts: StoryParts) -> Invitation:
    """Keep what a place has written so far, with what editors asked of it."""
    story = parts_to_store(parts) | {"note": str((invitation.story or {}).get("note", ""))}
    invitations.set_invitation(conn, invitation.number, story=story)
    return replace(invitation, story=story)


def send_story(conn: Connection, installation: Installation, invitation: Invitation, parts: StoryParts) -> Invitation:
    """Let a story without mistakes wait for the editors, signed by who tells it."""
    now, signer = installation.clock(), ", ".join(filter(None, (parts.name, parts.role, parts.place)))
    sent = replace(invitation, story=parts_to_store(parts), state=TOLD, told_by=signer, told_at=now)
    invitations.set_invitation(
        conn, invitation.number, story=sent.story, state=sent.state, told_by=signer, told_at=now
    )
    return sent


def may_be_told(invitation: Invitation) -> bool:
    """Return whether the form of an invitation may still be saved and sent."""
    return invitation.state == OPEN


def _lines_of(text: str) -> str:
    """Return a text with one space in each gap of its lines, and no empty lines at its ends."""
    shown = without_invisible(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(one_line(line) for line in shown.split("\n")).strip("\n")
