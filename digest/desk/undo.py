"""Take back an act of the log: set what it changed as it was before, where nobody has changed it again since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from digest.desk import answers, arrange, correct, rules, sources, stories
from digest.desk.acts import Hand
from digest.desk.edit import drop_entry, entry_of, redrafted, release_entries
from digest.desk.entry_acts import entry_act, entry_values, set_values
from digest.errors import PersonNeeded, WrongUse
from digest.installation import Installation
from digest.model import Entry
from digest.sources.withdrawal import SIGNS
from digest.store import acts, duplicates, editions, entries, releases
from digest.store.acts import Act
from digest.store.duplicates import AlsoAt
from digest.store.engine import reading, writing

# The values of an entry that decide which readers get it.
_FOR_WHOM = ("policy_areas", "regions", "themes", "kind", "not_for", "last_day")
# The values that an editor's own release or drop sets anew, and a taking back does not.
_KEPT = ("held_by", "held_why", "overruled", "open_question")
_BY_ITSELF = ("overruled", "also_at")  # values that readings of sources change, and no editor
_OF_EDITIONS = ("pin", "unpin", "move", "reset order", "word", "undo")
_OF_SOURCES = ("mute", "unmute")


def newest_by(installation: Installation, by: str) -> int:
    """Return the number of the newest act of a person that is not taken back and takes none back. Raises WrongUse."""
    with reading(installation.engine) as conn:
        listed = [act for act in acts.listing(conn) if act.by == by and act.undoes is None and is_undoable(act)]
        undone = acts.undone(conn, [act.number for act in listed])
    number = next((act.number for act in listed if act.number not in undone), None)
    if number is None:
        raise WrongUse(f"{by} has done nothing lately that could be taken back; see `digest log`")
    return number


def undo(installation: Installation, hand: Hand, number: int) -> list[str]:
    """Take back an act; return lines for a person.

    Raises WrongUse for an act that does not exist, that is taken back already or that cannot be; PersonNeeded when
    somebody has changed the same since: their act must be taken back first.
    """
    with reading(installation.engine) as conn:
        act = acts.get(conn, number)
        if act is None:
            raise WrongUse(f"there is no act {number}; see `digest log`")
        if again := acts.undone(conn, [number]):
            raise WrongUse(f"act {number} is taken back already, by act {again[number]}; nothing was changed")
        if act.verb == "correct":
            _check_not_given_again(conn, act)
    if not is_undoable(act):
        raise WrongUse(f"act {number} ({act.verb} {act.object_name}) cannot be taken back; do the opposite instead")
    hand = replace(hand, undoes=number)
    kind, _, name = act.object_name.partition(" ")
    if act.verb == "correct":
        return correct.cancel(installation, hand, int(name), act.after["correction"])
    if kind == "entry":
        return _undo_entry(installation, hand, act, int(name))
    if kind == "edition":
        return _undo_edition(installation, hand, act, int(name))
    if kind == "answer":
        return answers.take_back_decision(installation, hand, act)
    if kind == "invitation":
        return stories.undo_invitation(installation, hand, act)
    if act.verb == "add rule":
        return [rules.remove(installation, hand, int(name))]
    if act.verb == "remove rule":
        return rules.add_again(installation, hand, act.before)
    return [sources.take_back_mute(installation, hand, act.verb, act.object_name)]


def is_undoable(act: Act) -> bool:
    """Return whether an act of this kind can be taken back."""
    kind = act.object_name.partition(" ")[0]
    if kind == "entry":
        return act.verb == "correct" or (bool(act.before) and act.verb != "cancel correction")
    if kind == "edition":
        return act.verb in _OF_EDITIONS
    if kind in ("answer", "invitation"):
        return kind == "answer" or act.verb in ("make", "end")
    return act.verb in ("add rule", "remove rule", *(_OF_SOURCES if kind == "source" else ()))


def _undo_entry(installation: Installation, hand: Hand, act: Act, number: int) -> list[str]:
    with writing(installation.engine, "undo") as conn:
        editions.serialise(conn)
        entry, present = entry_of(conn, number), entry_values(conn, number)
        _check_as_left(conn, act, present)
        wanted = present | dict(act.before)
        with entry_act(conn, installation, hand, "undo", [number]):
            set_values(conn, installation, number, act.before)
            anew = any(key in act.before for key in _FOR_WHOM)
            told = _set_state(conn, installation, entry, wanted, anew=anew)
            told += correct.set_withdrawal(conn, installation, hand, entry, wanted["withdrawal"])
            reached = entry_values(conn, number)
            set_values(conn, installation, number, {k: wanted[k] for k in _KEPT if wanted[k] != reached[k]})
        return [f"act {act.number} is taken back: {act.verb} {act.object_name}", *told]


def _set_state(
    conn: Connection, installation: Installation, entry: Entry, wanted: Mapping[str, Any], *, anew: bool
) -> list[str]:
    """Bring an entry into the state that is `wanted` (values of `entry_values`), with all that belongs to it.

    `anew`: other readers may match it now, so that it is released again. Return lines for a person.
    """
    state = wanted["state"]
    if state == "dropped" and entry.state != state:
        return drop_entry(conn, installation, entry.id)
    if state == "ready" and entry.state != state:
        return release_entries(conn, installation, [entry])
    if state != entry.state:
        entries.set_state(conn, entry.id, state)
        if wanted["duplicate_of"] is not None and entry.duplicate_of is None:
            row = AlsoAt(*wanted["also_at"]) if wanted["also_at"] else None
            duplicates.give_back(conn, entry.id, wanted["duplicate_of"], row, installation.clock())
    elif state == "ready" and anew:
        releases.number(conn, [entry.id], "retagged", installation.clock(), installation.settings.welcome)
    # With its original, because that names the source of a near-duplicate again.
    originals = entries.many(conn, [wanted["duplicate_of"]] if wanted["duplicate_of"] else [])
    return redrafted(conn, installation, entry, *originals.values())


def _undo_edition(installation: Installation, hand: Hand, act: Act, number: int) -> list[str]:
    with arrange.editing(installation, hand, number, "undo") as (conn, edition):
        # With the act's own values first, because the entry and place that it notes are no values of an edition.
        _check_as_left(conn, act, {**act.after, **arrange.edition_values(edition)})
        arrange.set_edition_values(conn, edition, act.before)
    return [f"act {act.number} is taken back: {act.verb} {act.object_name}"]


def _check_not_given_again(conn: Connection, act: Act) -> None:
    """Raise PersonNeeded when somebody has given the same correction again since, because it is the same one."""
    later = acts.listing(conn, after=act.number, object_name=act.object_name, limit=None)
    same = [each for each in later if (each.verb, each.after) == (act.verb, act.after)]
    undone = acts.undone(conn, [each.number for each in same])
    if again := next((each for each in same if each.number not in undone), None):
        raise PersonNeeded(
            f"{act.object_name}: {again.by} gave the same correction again since (act {again.number}); take that back"
            " first; nothing was changed"
        )


def _check_as_left(conn: Connection, act: Act, present: Mapping[str, Any]) -> None:
    """Raise PersonNeeded when what an act changed has been changed again since."""
    after = dict(act.after)
    if after.get("state") == "dropped":
        after.setdefault("withdrawal", "")  # because a withdrawal rests on the drop
    both = [key for key in {**act.before, **after} if key not in _BY_ITSELF]
    changed = [key for key in both if present.get(key) != after.get(key)]
    overruled = after.get("overruled")
    if not changed and overruled in SIGNS and present["overruled"] != overruled:
        raise PersonNeeded(
            f"{act.object_name}: its source has released it since, so that nothing would keep it back; nothing was"
            f" taken back: `digest drop {act.object_name.partition(' ')[2]}` leaves it out"
        )
    if not changed:
        return
    later = acts.listing(conn, after=act.number, object_name=act.object_name)
    theirs = next((each for each in later if {*each.after, *each.before} & {*changed}), None)
    what = min(changed, key=lambda key: key.endswith("_by")).replace("_", " ")
    if theirs is None:
        raise PersonNeeded(f"{act.object_name}: its {what} has changed since by itself; nothing was taken back")
    raise PersonNeeded(
        f"{act.object_name}: {theirs.by} changed its {what} since (act {theirs.number}: {theirs.verb}); take that"
        " back first; nothing was changed"
    )
