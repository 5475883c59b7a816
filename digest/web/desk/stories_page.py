"""Invite places to tell their own story, read what came in, take it, send it back with a note, or end it."""

from __future__ import annotations

from digest.desk.acts import Hand
from digest.desk.stories import (
    LONGEST_NOTE,
    end_invitation,
    entry_title,
    invitation_name,
    invitation_of,
    invite_place,
    list_invitations,
    send_story_back,
    story_link,
    take_story,
)
from digest.desk.undo import undo
from digest.errors import WrongUse
from digest.model import INGREDIENTS
from digest.readers.story import MOST, parts_of
from digest.store import acts
from digest.store.engine import reading
from digest.store.invitations import OPEN, TOLD
from digest.web.desk.edition_page import done_of
from digest.web.desk.page import (
    EDITOR,
    VIEWER,
    Asker,
    Desk,
    DeskAnswer,
    DeskPage,
    NoPage,
    Parameters,
    number_in_path,
)

_PAGE = "/desk/stories"
_STORY = _PAGE + "/{invitation}"


def _list(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    entry = query.number("entry")
    values = {
        "title": "Stories of places",
        "invitations": list_invitations(desk.installation),
        "may_edit": asker.may(EDITOR),
        "most": MOST["place"],
        "entry": entry,
        "entry_title": entry_title(desk.installation, entry),
    }
    return DeskAnswer("stories.html.j2", values)


def _invite(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = invite_place(desk.installation, asker.hand(form), form.text("place"), form.number("entry"))
    return _back(desk, number)


def _story(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    number = number_in_path(query, "invitation")
    with reading(desk.installation.engine) as conn:
        try:
            invitation = invitation_of(conn, number)
        except WrongUse:
            raise NoPage(f"There is no invitation {number}.") from None
        done, seen = done_of(conn, query), acts.version_of(conn, invitation_name(number))
    may_edit = asker.may(EDITOR)
    values = {
        "title": f"Story of {invitation.place}",
        "invitation": invitation,
        # No draft, because the form says that nobody else has it before it is sent.
        "parts": parts_of(invitation) if invitation.story and invitation.state != OPEN else None,
        "ingredients": INGREDIENTS,
        "entry_title": entry_title(desk.installation, invitation.entry),
        # Only for who may invite, because the link is all that the form asks for.
        "link": story_link(desk.installation, invitation) if may_edit and invitation.state == OPEN else "",
        "may_edit": may_edit,
        "most": LONGEST_NOTE,
        "waits": invitation.state == TOLD,
        "is_open": invitation.state in (OPEN, TOLD),
        "seen": seen,
        "done": done,
        "undo_at": f"{_PAGE}/{number}/undo",
        "cadence": "",
        "query": "",
    }
    return DeskAnswer("story.html.j2", values)


def _decide(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number, wanted, hand = number_in_path(form, "invitation"), form.text("do"), asker.hand(form)
    if wanted == "take":
        take_story(desk.installation, hand, number)
    elif wanted == "back":
        send_story_back(desk.installation, hand, number, form.text("note"))
    elif wanted == "end":
        end_invitation(desk.installation, hand, number)
    else:
        raise WrongUse("the form says neither take, back nor end; nothing was changed")
    return _back(desk, number)


def _undo(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    act = form.number("act")
    if act is None:
        raise WrongUse("the form names no act; nothing was changed")
    undo(desk.installation, Hand(asker.name), act)
    return _back(desk, number_in_path(form, "invitation"))


def _back(desk: Desk, number: int) -> DeskAnswer:
    """Return the redirect to the page of an invitation, which tells the act that was just done."""
    with reading(desk.installation.engine) as conn:
        act = acts.version_of(conn, invitation_name(number))
    return DeskAnswer(location=f"{_PAGE}/{number}?done={act}")


PAGES = (
    DeskPage(_PAGE, VIEWER, get=_list, post=_invite, post_role=EDITOR),
    DeskPage(_STORY, VIEWER, get=_story, post=_decide, post_role=EDITOR),
    DeskPage(_STORY + "/undo", EDITOR, post=_undo),
)
