"""Show what would be sent if an edition were approved now, and take the decision: approve, hold, or a test letter."""

from __future__ import annotations

from digest.desk import pool as desk_pool
from digest.desk.acts import Hand
from digest.desk.approval import approve_edition, hold_edition
from digest.desk.arrange import edition_name
from digest.desk.looks import changes_since_look, mark_looked
from digest.desk.preview import ChosenReader
from digest.desk.test_letter import SentTest, send_test_letter
from digest.editions.approval_story import approval_story
from digest.editions.approve import appearance_hash
from digest.errors import PersonNeeded, WrongUse
from digest.store import acts
from digest.store.engine import reading
from digest.web.desk.edition_page import counts_cache, day_of, done_of, name_of
from digest.web.desk.in_time import in_time
from digest.web.desk.letter_view import counts_so_far, digest_reader
from digest.web.desk.page import APPROVER, EDITOR, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters, cadence_in
from digest.web.desk.refused import refused

_SLOW = (
    "The mail server has not answered so far, and the test letter waits for it. Send no second one: if none comes in"
    " fifteen minutes, the log of the server says why."
)
# {state of a notice that is neither sent nor refused: title of the page, and what to do}
_TOLD = {
    "pending": ("The test letter waits", "The next run sends it."),
    "uncertain": ("The test letter may have left", "Look whether it came. It is not sent again by itself."),
}


def _page(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    cadence, installation = cadence_in(desk, query), desk.installation
    settings = installation.settings
    with reading(installation.engine) as conn:
        edition = desk_pool.edition_to_work_on(conn, installation, cadence)
        if not edition.id:
            return DeskAnswer(location=f"/desk/{cadence}")
        pool = desk_pool.read_pool(conn, edition)
        answer = counts_cache(desk).answer(conn, edition)
        look = appearance_hash(settings)
        looked, changes = changes_since_look(conn, installation, asker.name, edition)
        values = {
            "title": f"Review the {cadence} edition of {day_of(edition)}",
            "cadence": cadence,
            "edition": edition,
            "pool": pool,
            "counts": answer.counts,
            "counting": answer.under_way or answer.counts is None,
            "story": approval_story(conn, edition, settings.site.zone, look),
            "questions": [each for each in pool.entries if each.edit.open_question],
            "nobody": [each for each in pool.entries if answer.counts and each.shown.id not in answer.counts.reach],
            "version": acts.version_of(conn, edition_name(edition.id)),
            "done": done_of(conn, query),
            "query": "",
            "name_of": name_of,
            "looked": looked,
            "appearance": look,
            "changes": changes,
            "approval": settings.cadence(cadence).approval_required,
            "other_look": edition.state == "approved" and edition.look != look,
        }
    return DeskAnswer("approve.html.j2", values)


def _decide(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Approve exactly the content that stood on the page, or hold the edition."""
    cadence, number = cadence_in(desk, form), form.number("edition") or 0
    if form.text("act") == "approve":
        seen = form.text("hash")
        if len(seen) < 12:
            raise WrongUse("the form does not say what you looked at; open the page again; nothing was approved")
        if form.text("look") != appearance_hash(desk.installation.settings):
            raise PersonNeeded("templates or words have changed since you looked; nothing is approved, look again")
        # By its content alone, because a note in the log that changes no letter makes no approval stale.
        approve_edition(desk.installation, asker.hand(form), number, seen)
    elif form.text("act") == "hold":
        hold_edition(desk.installation, asker.hand(form), number)
    else:
        raise WrongUse("say what to do: approve or hold; nothing was changed")
    return _back(desk, cadence, number)


def _looked(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Note that the person has looked through the edition, to be told next time what has changed since."""
    cadence = cadence_in(desk, form)
    mark_looked(desk.installation, Hand(asker.name), form.number("edition") or 0)
    return DeskAnswer(location=f"/desk/{cadence}/approve")


def _test(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Mail a test of a reader's letter to any address."""
    cadence, number = cadence_in(desk, form), form.number("edition") or 0
    reader = form.number("reader")
    if reader is None:
        with reading(desk.installation.engine) as conn:
            edition = desk_pool.edition_to_work_on(conn, desk.installation, cadence)
            reader = digest_reader(counts_so_far(desk, conn, edition).counts, 0)
    chosen = ChosenReader(email=str(reader) if reader else None, cadence=cadence)
    address, hand = form.text("address").strip(), asker.hand(form)
    sent = in_time(
        desk.patience, lambda: send_test_letter(desk.installation, hand, address, chosen, number), _outcome
    )
    if sent is None:
        return refused(202, "No answer yet", _SLOW)
    state, why = sent.notice.state, sent.notice.reason or "no reason was given"
    if state in _TOLD:
        title, cure = _TOLD[state]
        return refused(202, title, f"The mail server's answer: {why}. {cure}")
    if state != "accepted":
        raise WrongUse(f"the test letter was not handed over: {state}: {why}")
    return _back(desk, cadence, number)


def _outcome(sent: SentTest) -> str:
    """Return for the log what became of a test letter whose page was answered before."""
    return f"test letter: {sent.notice.state} {sent.notice.reason or ''}".rstrip()


def _back(desk: Desk, cadence: str, number: int) -> DeskAnswer:
    with reading(desk.installation.engine) as conn:
        newest = acts.version_of(conn, edition_name(number))
    return DeskAnswer(location=f"/desk/{cadence}/approve?done={newest}#told")


PAGES = (
    DeskPage("/desk/{cadence}/approve", VIEWER, get=_page, post=_decide, post_role=APPROVER),
    DeskPage("/desk/{cadence}/test", EDITOR, post=_test),
    DeskPage("/desk/{cadence}/looked", VIEWER, post=_looked),
)
