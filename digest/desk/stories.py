"""Invite a place to tell its own story; take what came in, send it back with a note, or end the invitation.

A story becomes a case study that is written by hand, or lines of the ingredients of the case study that it is about.
Its lines carry the name of the place. The name of its teller is for editors alone, and is forgotten when they have
decided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from digest.desk.acts import Hand, check_fresh, record
from digest.desk.by_hand import CheckedEntry, Written, add_written, check_written
from digest.desk.edit import entry_of
from digest.desk.ingredients import add_lines, signed_lines
from digest.editions.ingredients import ingredients_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.learning.levels import LEVELS, level_of
from digest.model import CASE_STUDY, Entry
from digest.readers.story import MOST, MOST_LINES, MOST_OF_LINES, StoryParts, parts_of, parts_to_store
from digest.store import editions, entries, invitations
from digest.store.acts import Act
from digest.store.engine import reading, writing
from digest.store.invitations import ENDED, OPEN, TAKEN, TOLD, Invitation
from subscribers.invisible import one_line
from subscribers.tokens import make_token

LONGEST_NOTE = 600


def invitation_name(number: int) -> str:
    """Return the name of an invitation in the log."""
    return f"invitation {number}"


def list_invitations(installation: Installation) -> list[Invitation]:
    """Return all invitations: those whose story waits first, then the open ones, each the newest first."""
    with reading(installation.engine) as conn:
        every = invitations.every_invitation(conn)
    return sorted(every, key=lambda each: (TOLD, OPEN, TAKEN, ENDED).index(each.state))


def invitation_of(conn: Connection, number: int) -> Invitation:
    """Return an invitation. Raises WrongUse when it does not exist."""
    invitation = invitations.get(conn, number)
    if invitation is None:
        raise WrongUse(f"there is no invitation {number}; see `digest stories list`")
    return invitation


def story_link(installation: Installation, invitation: Invitation) -> str:
    """Return the link of an invitation, which works for 60 days from now and as long as the invitation is open."""
    now = installation.clock()
    token = make_token(installation.link_keys, "story", invitation.number, invitation.key, now=now)
    return f"{installation.settings.site.base_url}/story/{token}"


def invite_place(installation: Installation, hand: Hand, place: str, entry: int | None = None) -> int:
    """Invite a place to tell its story, of a case study or a new one; return the invitation's number.

    Raises WrongUse for a name that is no line, and for an entry that does not exist or is no case study.
    """
    name = one_line(place)
    if not name or len(name) > MOST["place"]:
        raise WrongUse(f"the place has {len(name)} characters; write 1 to {MOST['place']}; nothing was changed")
    with writing(installation.engine, "invite") as conn:
        begins = _begins_with(conn, name, entry_of(conn, entry) if entry is not None else None)
        given = parts_to_store(begins)
        number = invitations.add_invitation(conn, name, entry, given, hand.by, installation.clock())
        after = {"state": OPEN, "place": name} | ({"entry": entry} if entry is not None else {})
        record(conn, installation, hand, "make", invitation_name(number), ({}, after))
        return number


def take_story(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Let the story of an invitation become an entry, or lines of its entry; return lines for a person.

    Raises WrongUse when none waits, and as `write_entry` and `give_lines` do; nothing is changed then.
    """
    with reading(installation.engine) as conn:
        waiting = _waiting(invitation_of(conn, number))
    parts = parts_of(waiting)
    lines = signed_lines(parts.place, parts.ingredients())
    written = None if waiting.entry else _written(installation, parts)
    with writing(installation.engine, "take story") as conn:
        editions.serialise(conn)
        invitation = _fresh(conn, hand, number)
        if _waiting(invitation).story != waiting.story:
            raise WrongUse(f"the story of invitation {number} has changed meanwhile; look at it again")
        entry = waiting.entry
        told: list[str] = []
        if written is not None:
            entry, told = add_written(conn, installation, hand, written, parts.place)
        assert entry is not None
        told += add_lines(conn, installation, hand, entry, lines)
        _set(conn, installation, hand, invitation, ("take the story of", {"state": TAKEN, "entry": entry}))
        _forget_teller(conn, invitation)
        invitations.set_invitation(conn, number, entry_id=entry)
        return [f"the story of {parts.place} is in entry {entry}", *dict.fromkeys(told)]


def send_story_back(installation: Installation, hand: Hand, number: int, note: str) -> list[str]:
    """Open a story that came in again, with a note that its form shows; return lines for a person.

    Raises WrongUse when none waits, and for a note that is empty or too long.
    """
    words = one_line(note)
    if not words or len(words) > LONGEST_NOTE:
        raise WrongUse(f"the note has {len(words)} characters; write 1 to {LONGEST_NOTE}; nothing was changed")
    with writing(installation.engine, "send story back") as conn:
        invitation = _waiting(_fresh(conn, hand, number))
        story = {**(invitation.story or {}), "note": words}
        # From now, because an invitation that nobody answers ends after some months.
        again = {"told_by": "", "told_at": None, "invited_at": installation.clock()}
        invitations.set_invitation(conn, number, story=story, **again)
        _set(conn, installation, hand, invitation, ("send back", {"state": OPEN, "note": words}))
    return [f"the form of invitation {number} is open again and shows the note; pass its link on in your own mail"]


def end_invitation(installation: Installation, hand: Hand, number: int) -> list[str]:
    """End an invitation, so that its link leads to no form any more; return lines for a person.

    Raises WrongUse for one that does not exist, or that is taken or ended already.
    """
    with writing(installation.engine, "end invitation") as conn:
        invitation = _fresh(conn, hand, number)
        if invitation.state not in (OPEN, TOLD):
            raise WrongUse(f"invitation {number} is {invitation.state} already; nothing was changed")
        _set(conn, installation, hand, invitation, ("end", {"state": ENDED}))
        _forget_teller(conn, invitation)
    return [f"the link of invitation {number} does not work any more"]


def undo_invitation(installation: Installation, hand: Hand, act: Act) -> list[str]:
    """Take back an invitation, or its end. Raises WrongUse when it is in another state by now."""
    number = int(act.object_name.partition(" ")[2])
    if act.verb == "make":
        return end_invitation(installation, hand, number)
    with writing(installation.engine, "undo end") as conn:
        invitation = _fresh(conn, hand, number)
        if invitation.state != ENDED:
            raise WrongUse(f"invitation {number} is {invitation.state} now; nothing was taken back")
        _set(conn, installation, hand, invitation, ("open again", {"state": act.before["state"]}))
        invitations.set_invitation(conn, number, invited_at=installation.clock())
    return [f"the link of invitation {number} works again"]


def _begins_with(conn: Connection, place: str, entry: Entry | None) -> StoryParts:
    """Return what the form begins with: of an entry, what its source says. Raises WrongUse for no case study."""
    if entry is None:
        return StoryParts(place)
    if entry.kind != CASE_STUDY:
        raise WrongUse(f"entry {entry.id} is a {entry.kind}; only a case study has a story; nothing was changed")
    lines: dict[str, str] = {}
    for line in ingredients_of(conn, [entry]).get(entry.id, ()):
        with_it = "\n".join(filter(None, (lines.get(line.name, ""), line.text)))
        if line.name != "place" and len(with_it) <= MOST_OF_LINES and with_it.count("\n") < MOST_LINES:
            lines[line.name] = with_it
    levels = {name: level_of(name, lines.get(name, "")) for name in LEVELS if level_of(name, lines.get(name, ""))}
    return StoryParts(place, lines=lines, levels=levels)


def _written(installation: Installation, parts: StoryParts) -> CheckedEntry:
    # With the place, because it tells the region.
    text = "\n\n".join([parts.text, *(line for _, line in parts.ingredients()), f"Told by {parts.place}."])
    return check_written(installation, Written(parts.title, text, parts.url, CASE_STUDY))


def _waiting(invitation: Invitation) -> Invitation:
    if invitation.state != TOLD:
        raise WrongUse(f"no story of invitation {invitation.number} waits: it is {invitation.state}")
    return invitation


def _fresh(conn: Connection, hand: Hand, number: int) -> Invitation:
    """Return an invitation for a change. Raises WrongUse, and StaleForm when it has changed meanwhile."""
    invitations.hold_still(conn, number)
    check_fresh(conn, invitation_name(number), hand)
    return invitation_of(conn, number)


def _set(
    conn: Connection, installation: Installation, hand: Hand, invitation: Invitation, act: tuple[str, dict[str, Any]]
) -> None:
    """Set the state of an invitation, and record it; `act` is the verb and the values afterwards."""
    verb, after = act
    invitations.set_invitation(conn, invitation.number, state=after["state"])
    before = {"state": invitation.state}
    record(conn, installation, hand, verb, invitation_name(invitation.number), (before, after))


def _forget_teller(conn: Connection, invitation: Invitation) -> None:
    """Forget who told a story, because the name of the place is enough from now on."""
    if invitation.story is None:
        return
    parts = replace(parts_of(invitation), name="", role="")
    told_by = parts.place if invitation.told_by else ""
    invitations.set_invitation(conn, invitation.number, story=parts_to_store(parts), told_by=told_by)


def entry_title(installation: Installation, number: int | None) -> str:
    """Return the title of the entry that an invitation is about, or that it became; "" without one."""
    with reading(installation.engine) as conn:
        entry = entries.get(conn, number) if number is not None else None
    return entry.title if entry else ""
