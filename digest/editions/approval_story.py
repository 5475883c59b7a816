"""Tell who approved or stopped an edition, and by whom and by what its approval was voided, from the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.desk.log import act_in_words
from digest.model import Edition
from digest.store import acts, entries
from digest.store.acts import Act
from digest.store.editions import VOIDED

# The act that voids an approval is recorded in the same transaction: mostly after the void, which may take seconds.
_BEFORE, _AFTER = timedelta(seconds=5), timedelta(minutes=1)
_NEAR = 200  # acts before and after a void among which its causes are looked for
_NO_CAUSE = frozenset({VOIDED, "test letter", "approve", "hold", "stop", "resume"})
_MOST = 3  # causes that are told one by one


def approval_story(conn: Connection, edition: Edition, zone: str, look: str = "") -> list[str]:
    """Return lines that tell the newest decisions on an edition, oldest first; none where nobody has decided.

    Times are those of `zone`. `look`, where it is given, is the hash of what templates and config show now: an
    approval given with another one does not hold.
    """
    log = acts.listing(conn, object_name=f"edition {edition.id}")
    approval = next((act for act in log if act.verb == "approve"), None)
    lines = []
    if approval is not None:
        lines.append(f"approved by {approval.by} at {_at(approval.at, zone)}")
    elif edition.approved_by and edition.approved_at:
        lines.append(f"approved by {edition.approved_by} at {_at(edition.approved_at, zone)}")
    later = [act for act in reversed(log) if approval is None or act.number > approval.number]
    for act in later:
        if act.verb == VOIDED:
            who = "" if lines else f"the approval by {act.before.get('approved_by')} was "
            lines.append(f"{who}voided at {_at(act.at, zone)}: {'; '.join(_causes(conn, act))}")
        elif act.verb in ("hold", "stop", "resume"):
            done = {"hold": "stopped", "stop": "stopped", "resume": "let go on"}[act.verb]
            lines.append(f"{done} by {act.by} at {_at(act.at, zone)}")
    if look and edition.state == "approved" and edition.look != look:
        lines.append("voided: templates, words or limits have changed since")
    return [*lines, *([edition.unapproved] if edition.unapproved else [])]


def _causes(conn: Connection, void: Act) -> list[str]:
    """Return in words what voided an approval: the acts of people, and what came from the sources."""
    near = acts.listing(conn, after=max(0, void.number - _NEAR), before=void.number + _NEAR, limit=None)
    since = [act for act in near if act.verb not in _NO_CAUSE and -_BEFORE <= act.at - void.at <= _AFTER]
    changed, gone, came = (_numbers(void, key) for key in ("changed", "taken_out", "put_in"))
    causes, named = [], set()
    for number in (*gone, *came, *changed):
        act = _nearest(since, void, f"entry {number}")
        if act is not None:
            causes.append(act_in_words(act))
            named.add(number)
    if (act := _nearest(since, void, void.object_name)) is not None:
        causes.append(act_in_words(act))
    # The rest came from a source: it withdrew an entry, released it again, or changed its text.
    causes += [_from_source(conn, number, gone, came) for number in (*gone, *came, *changed) if number not in named]
    more = [f"and {len(causes) - _MOST} more"] if len(causes) > _MOST else []
    return [*causes[:_MOST], *more] or ["its entries were put in another order"]


def _nearest(since: Sequence[Act], void: Act, object_name: str) -> Act | None:
    """Return the act on an object that was recorded with a void: the first after it, else the last before it."""
    theirs = [act for act in since if act.object_name == object_name]
    after = [act for act in theirs if act.number > void.number]
    return after[-1] if after else next(iter(theirs), None)


def _from_source(conn: Connection, number: int, gone: Sequence[int], came: Sequence[int]) -> str:
    if number in came:
        return f"entry {number}: new from its source"
    if number not in gone:
        return f"entry {number}: new text from its source"
    entry = entries.get(conn, number)
    why = f" ({entry.held_why})" if entry is not None and entry.held_why else ""
    return f"entry {number}: its source or its page does not show it any more{why}"


def _numbers(void: Act, key: str) -> list[int]:
    return [int(number) for number in void.after.get(key, ())]


def _at(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
