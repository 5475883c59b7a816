"""Let a reader leave by the link of a letter (RFC 8058: a POST without session, cookie or redirect), and come back.

Whenever the link is opened again, the page tells how things stand.
"""

from __future__ import annotations

from digest.readers.join import FromPage, ask_to_come_back
from digest.readers.leave import Leaver, leave_by_link, leaver_of, say_why, take_monthly
from digest.web.readers.join_page import consent_of
from digest.web.readers.message import ReaderMessage, gone, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit, where_mailed
from subscribers import forms
from subscribers.forms import BadForm
from subscribers.leaving import LONGEST_REASON, REASONS_TO_LEAVE
from subscribers.tokens import make_token

_BUTTON = ("form", "leave")  # by it the form of the page is told from a one-click, which gets no redirect (RFC 8058)


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    leaver, done = leaver_of(pages.installation, visit.token), visit.text("done")
    if leaver is not None and not leaver.retired:
        if done == "monthly" and leaver.person.state == "active" and leaver.person.cadence == "monthly":
            return _told_monthly(pages, leaver)
        if done == "back" and leaver.has_left and not leaver.barred:
            return _told_asked(pages, leaver)
    return _standing(pages, visit, leaver, done=done == "left", thanks=done == "reason")


def _leave(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    leaver = leave_by_link(pages.installation, visit.token)
    return _onward(visit, "left") if _BUTTON in visit.fields else _standing(pages, visit, leaver, done=True)


def _onward(visit: Visit, done: str, *, sends: bool = False) -> ReaderAnswer:
    """Return the way to the page that tells what was done, so that a page loaded again does nothing again."""
    return ReaderAnswer(location=f"/unsubscribe/{visit.token}?done={done}", sends=sends)


def _monthly(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    take_monthly(pages.installation, visit.token)
    return _onward(visit, "monthly")


def _told_monthly(pages: ReaderPages, leaver: Leaver) -> ReaderAnswer:
    words = pages.words(leaver.person.language)
    lines = [words.say("leave_monthly_done", email=forms.masked(leaver.person.email))]
    links = [(_change_link(pages, leaver, "yours"), words.say("yours_title"))]
    return told(words, ReaderMessage(words.say("saved_title"), lines, done=True, links=links))


def _why(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    reason, text = visit.text("reason"), visit.text("text")
    leaver_of(pages.installation, visit.token)  # because a damaged link is told before a mistake in the form
    if reason not in REASONS_TO_LEAVE and (reason or not text):
        raise BadForm("leave_reason", reason[:60])
    say_why(pages.installation, visit.token, reason or "other", text)
    return _onward(visit, "reason")


def _come_back(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    leaver = leaver_of(pages.installation, visit.token)
    if leaver is None or leaver.retired or leaver.barred or not leaver.has_left:
        return _onward(visit, "")
    words = pages.words(leaver.person.language)
    page = FromPage(visit.network, words.language, consent_of(pages, words))
    ask_to_come_back(pages.installation, leaver.person, page)
    return _onward(visit, "back", sends=True)


def _told_asked(pages: ReaderPages, leaver: Leaver) -> ReaderAnswer:
    words = pages.words(leaver.person.language)
    email = forms.masked(leaver.person.email)
    lines = [words.say("back_asked", email=email), words.say("back_none", editors=pages.editors)]
    return told(words, ReaderMessage(words.say("look_in_mailbox"), lines, done=True))


def _standing(
    pages: ReaderPages, visit: Visit, leaver: Leaver | None, *, done: bool = False, thanks: bool = False
) -> ReaderAnswer:
    """Return the page that tells how the reader of a link stands, and what they can do now.

    `done`: they have just pressed the button; `thanks`: they have just told why they left.
    """
    if leaver is None:
        return gone(pages, pages.words_of(visit), "leave_nobody", done=done)
    words = pages.words(leaver.person.language)
    monthly = any(cadence.name == "monthly" for cadence in pages.settings.cadences)
    changes = leaver.person.state == "active" and not leaver.retired
    values = {
        "state": "left" if leaver.has_left else "barred" if leaver.barred else leaver.person.state,
        "here": f"{pages.root}/unsubscribe/{visit.token}",
        "email": forms.masked(leaver.person.email),
        "day": words.day(leaver.left_at, pages.settings.site.zone),
        "can_return": not leaver.barred and not leaver.retired and pages.can_mail,
        "barred": leaver.barred,
        "joins": pages.offers_join,
        "pause": _change_link(pages, leaver, "pause") if changes else "",
        "offers_monthly": monthly and changes and leaver.person.cadence != "monthly",
        "reasons": REASONS_TO_LEAVE,
        "longest": LONGEST_REASON,
        "asks_why": not thanks and not leaver.retired,
        "thanks": thanks and not leaver.retired,
    }
    return ReaderAnswer("readers/leave.html.j2", words, values)


def _change_link(pages: ReaderPages, leaver: Leaver, page: str) -> str:
    token = make_token(pages.installation.link_keys, "preferences", leaver.person.id, leaver.person.key)
    return f"{pages.root}/{page}/{token}"


PAGES = (
    ReaderRoute("/unsubscribe/{token}", _show, _leave),
    ReaderRoute("/unsubscribe/{token}/monthly", _show, _monthly),
    ReaderRoute("/unsubscribe/{token}/reason", _show, _why),
    ReaderRoute("/unsubscribe/{token}/back", _show, _come_back, offered=where_mailed),
)
