"""Show a form that is stale beside what others saved since, so that the editor may save their own changes over it.

A form holds all its fields, also those that its editor left as they were. Of these, the values of the others stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digest.desk.acts import StaleForm
from digest.desk.arrange import MOST_WORDS
from digest.desk.log import act_in_words
from digest.desk.reword import NOT_FOR, TYPED, is_sources_own
from digest.facets.known import gone_from
from digest.installation import Installation
from digest.model import UNKNOWN, Entry, Taxonomy
from digest.store import entries
from digest.store.engine import reading
from digest.web.desk.page import DeskAnswer

# Values of an act that say nothing to a person.
_NOT_SHOWN = ("evidence", "retagged", "place", "worded_by", "note_by", "held_by", "overruled", "also_at")
# Fields that an editor types or chooses, and {field of boxes to tick: the facets that it has values of}.
_WRITTEN = {*TYPED, *MOST_WORDS, "last_day", "kind"}
_TICKED = {"policy_areas": ("policy_areas",), "regions": ("regions",), "themes": ("themes",), "not_for": NOT_FOR}
_TICKS = "ticks"  # the field by which a form says that it has these boxes, because it sends none that is not ticked


def both_versions(
    installation: Installation, error: StaleForm, pairs: Sequence[tuple[str, str]], back: str
) -> DeskAnswer:  # fmt: skip
    """Return the page that shows a stale form (its `pairs`) beside what others saved, and offers either.

    `back` is the address of the page that the form was sent from.
    """
    mine: dict[str, list[str]] = {}
    for name, value in pairs:
        mine.setdefault(name, []).append(value)
    if _TICKS in mine:
        mine = {name: [] for name in _TICKED} | mine
    was: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for act in reversed(error.since):
        for key in act.after:
            was.setdefault(key, act.before.get(key))
            theirs[key] = act.after[key]
    entry, taxonomy = _entry_of(installation, error), installation.settings.taxonomy
    left = {key: theirs[key] for key in was if key in mine and _is_left(key, mine[key], was[key], entry, taxonomy)}
    kept = {key: _as_sent(key, value, taxonomy) for key, value in left.items()}
    again = [(name, value) for name, value in pairs if name not in ("csrf", "seen", *kept)]
    values = {
        "title": "Somebody was faster",
        "error": error,
        "told": [act_in_words(act) for act in error.since],
        "rows": [
            (key.replace("_", " "), _shown_of(key, mine, kept), value)
            for key, value in theirs.items()
            if key not in _NOT_SHOWN
        ],
        "again": again + [(name, value) for name, some in kept.items() for value in some],
        "seen": error.since[0].number,
        "back": back,
    }
    return DeskAnswer("stale.html.j2", values, status=409)


def _is_left(key: str, mine: Sequence[str], was: Any, entry: Entry | None, taxonomy: Taxonomy) -> bool:
    """Return whether an editor left a field of their form as it was."""
    if key in _TICKED:
        return {*mine} == {*_as_sent(key, was, taxonomy)}
    if key not in _WRITTEN:
        return False
    text = mine[-1].replace("\r\n", "\n").strip()
    # A form shows the source's own title or line where there is no other.
    own = getattr(entry, key) if entry is not None and key in ("title", "summary") and not was else None
    return text == (was or "") or (own is not None and is_sources_own(text, own, TYPED[key]))


def _shown_of(key: str, mine: Mapping[str, list[str]], kept: Mapping[str, list[str]]) -> list[str] | None:
    """Return what an editor wants of a field, with what they typed beside its boxes; None where they left it."""
    typed = [text for text in mine.get(f"{key}_add", ()) if text.strip()]
    if key in kept:
        return [*kept[key], *typed] if typed else None
    return [*mine[key], *typed] if key in mine else None


def _as_sent(key: str, value: Any, taxonomy: Taxonomy) -> list[str]:
    """Return a value as a form sends it: of boxes, those that it has."""
    if key not in _TICKED:
        return [str(value or "")]
    gone = {UNKNOWN, *gone_from(taxonomy, value or (), *_TICKED[key])}
    return [slug for slug in value or () if slug not in gone]


def _entry_of(installation: Installation, error: StaleForm) -> Entry | None:
    """Return the entry that a stale form is about, None for another object."""
    kind, _, number = error.object_name.partition(" ")
    if kind != "entry":
        return None
    with reading(installation.engine) as conn:
        return entries.get(conn, int(number))
