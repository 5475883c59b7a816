"""Show one stored edition: how far it is sent, its receipt, its entries, and which case studies reached whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from digest.desk import sent_edition
from digest.desk.acts import Hand
from digest.desk.approval import approve_edition, stop_edition
from digest.desk.arrange import edition_name
from digest.desk.correct import LONGEST, correct, withdraw
from digest.desk.entry_acts import entry_name
from digest.desk.kept_answers import KeptAnswer, KeptAnswers
from digest.desk.receipts import MOST_NAMED, PARTS, share_of, verdict_of
from digest.desk.sent_edition import INLINE, SentDetails, SentEdition
from digest.desk.undo import undo
from digest.errors import WrongUse
from digest.model import Correction, Edition, Receipt
from digest.store import acts, corrections, deliveries, editions
from digest.store.engine import reading
from digest.web.desk.edition_page import done_of
from digest.web.desk.page import (
    APPROVER,
    EDITOR,
    VIEWER,
    Asker,
    Desk,
    DeskAnswer,
    DeskPage,
    NoPage,
    Parameters,
    json_answer,
    number_in_path,
)

_ADDRESS = "/desk/edition/{edition}"


def _page(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    with reading(desk.installation.engine) as conn:
        edition = _edition(conn, query)
        if edition.state != "frozen":
            return _unsent(desk, conn, edition)
        sent = sent_edition.read_sent(conn, desk.installation, edition)
        values = {
            **_shared(edition),
            **_chosen(conn, sent, query.number("entry")),
            "sent": sent,
            "told": _by_entry(sent.corrections),
            "n": "{:,}".format,
            "receipt": sent.receipt,
            "progress": sent_edition.progress_of(edition, sent.receipt),
            "verdict": verdict_of(edition, sent.receipt),
            "done": done_of(conn, query),
            "undo_at": f"/desk/edition/{edition.id}/undo",
            "may_edit": asker.may(EDITOR),
            "may_stop": asker.may(APPROVER),
        }
    details = _details(desk, sent)
    return DeskAnswer("sent.html.j2", values | _of_details(sent, details))


def _shared(edition: Edition) -> dict[str, Any]:
    title = f"{edition.cadence.capitalize()} edition of {edition.slot}"
    return {"title": title, "edition": edition, "cadence": edition.cadence, "query": ""}


def _edition(conn: Connection, given: Parameters) -> Edition:
    """Return the edition in the path, by one query. Raises NoPage for one that does not exist."""
    number = number_in_path(given, "edition")
    edition = editions.get(conn, number)
    if edition is None:
        raise NoPage(f"There is no edition {number}.")
    return edition


def _number(desk: Desk, form: Parameters) -> int:
    """Return the number of the edition in the path of a form. Raises NoPage for one that does not exist."""
    with reading(desk.installation.engine) as conn:
        return _edition(conn, form).id


def _unsent(desk: Desk, conn: Connection, edition: Edition) -> DeskAnswer:
    """Lead to the page of the edition that goes out next, or say what became of an earlier one."""
    unsent = sent_edition.read_unsent(conn, desk.installation, edition)
    if unsent.is_next:
        return DeskAnswer(location=f"/desk/{edition.cadence}")
    carried = editions.find(conn, edition.cadence, unsent.carried_by) if unsent.carried_by else None
    values = {"unsent": unsent, "carried": carried, **_shared(edition)}
    return DeskAnswer("unsent.html.j2", values)


def _chosen(conn: Connection, sent: SentEdition, number: int | None) -> dict[str, Any]:
    """Return the values of the entry that is to be corrected, if one is chosen."""
    chosen = next((entry for entry in sent.entries if entry.id == number), None)
    if chosen is None:
        return {"chosen": None}
    return {
        "chosen": chosen,
        "chosen_version": acts.version_of(conn, entry_name(chosen.id)),
        "given": corrections.given_of(conn, chosen.id),
        "longest": LONGEST,
    }


def _details(desk: Desk, sent: SentEdition) -> KeptAnswer[SentDetails]:
    """Return the account and the reach of an edition: those of a large one are read in a thread, and kept."""
    kept: KeptAnswers[SentDetails] = desk.kept.setdefault("sent", KeptAnswers())
    number = sent.edition.id
    at_once = sent.receipt.eligible <= INLINE
    return kept.ask(
        number, sent.key, lambda: sent_edition.read_details(desk.installation, sent.edition), at_once=at_once
    )


def _of_details(sent: SentEdition, kept: KeptAnswer[SentDetails]) -> dict[str, Any]:
    details = kept.answer
    reached = details.reached if details else {}
    return {
        "account": details.account if details else None,
        "counting": kept.under_way or details is None,
        "reached": reached,
        "studies": sent_edition.case_studies(sent.entries, reached) if details else [],
        "means": PARTS,
        "shown": [name for name in PARTS if name != "pending" or sent.receipt.pending],
        "share": share_of,
        "most": MOST_NAMED,
        "bars": list(_bars(sent.receipt)),
    }


def _by_entry(given: Sequence[Correction]) -> dict[int, list[Correction]]:
    by_entry: dict[int, list[Correction]] = {}
    for correction in given:
        by_entry.setdefault(correction.entry, []).append(correction)
    return by_entry


def _bars(receipt: Receipt) -> Iterator[tuple[str, float, float]]:
    """Yield the parts of the receipt as bars of a picture that is 100 wide: name, beginning and width."""
    counts = asdict(receipt) | {"unexplained": max(receipt.unexplained, 0)}
    whole, at = max(sum(counts[name] for name in (*PARTS, "unexplained")), 1), 0.0
    for name in (*PARTS, "unexplained"):
        if counts[name]:
            width = 100 * counts[name] / whole
            yield name, round(at, 3), round(width, 3)
            at += width


def _progress(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    """Answer the script of the page with how far the edition is sent."""
    with reading(desk.installation.engine) as conn:
        edition = _edition(conn, given)
        if edition.state != "frozen":
            raise NoPage(f"Edition {edition.id} is not frozen, so that nothing of it is sent.")
        progress = sent_edition.progress_of(edition, deliveries.receipt(conn, edition))
    return json_answer(progress)


def _stop(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number = _number(desk, form)
    stop_edition(desk.installation, asker.hand(form), number)
    return _back(desk, number, edition_name(number))


def _go_on(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Let a stopped edition go on; an edition that is not frozen is approved on its own page, where it is seen."""
    with reading(desk.installation.engine) as conn:
        edition = _edition(conn, form)
    if edition.state != "frozen" or not edition.held:
        raise WrongUse(
            f"only a frozen edition that is stopped can go on, and edition {edition.id} is none; nothing was changed"
        )
    approve_edition(desk.installation, asker.hand(form), edition.id)
    return _back(desk, edition.id, edition_name(edition.id))


def _correct(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number, entry, hand = _entry_form(desk, asker, form)
    correct(desk.installation, hand, entry, form.text("text"))
    return _back(desk, number, entry_name(entry), entry)


def _withdraw(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    number, entry, hand = _entry_form(desk, asker, form)
    withdraw(desk.installation, hand, entry, form.text("text"))
    return _back(desk, number, entry_name(entry), entry)


def _undo(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Take an act of this page back, and stay here."""
    number, act = _number(desk, form), form.number("act")
    if act is None:
        raise WrongUse("the form names no act; nothing was changed")
    undo(desk.installation, Hand(asker.name), act)
    with reading(desk.installation.engine) as conn:
        done = acts.undone(conn, [act])[act]
    return DeskAnswer(location=f"/desk/edition/{number}?done={done}")


def _entry_form(desk: Desk, asker: Asker, form: Parameters) -> tuple[int, int, Hand]:
    """Return the edition, the entry and the hand of a form about an entry. Raises WrongUse without an entry."""
    entry = form.number("entry")
    if entry is None:
        raise WrongUse("the form names no entry; nothing was changed")
    return _number(desk, form), entry, asker.hand(form)


def _back(desk: Desk, number: int, object_name: str, entry: int | None = None) -> DeskAnswer:
    """Return the redirect to the page of an edition, which tells the act that was just done."""
    with reading(desk.installation.engine) as conn:
        act = acts.version_of(conn, object_name)
    chosen = f"&entry={entry}" if entry else ""
    return DeskAnswer(location=f"/desk/edition/{number}?done={act}{chosen}")


PAGES = (
    DeskPage(_ADDRESS, VIEWER, get=_page),
    DeskPage(f"{_ADDRESS}/progress", VIEWER, get=_progress),
    DeskPage(f"{_ADDRESS}/stop", APPROVER, post=_stop),
    DeskPage(f"{_ADDRESS}/go-on", APPROVER, post=_go_on),
    DeskPage(f"{_ADDRESS}/correct", EDITOR, post=_correct),
    DeskPage(f"{_ADDRESS}/withdraw", EDITOR, post=_withdraw),
    DeskPage(f"{_ADDRESS}/undo", EDITOR, post=_undo),
)
