"""Keep what each person has looked at of an edition, and tell what has changed since: a diff in words.

A look is a person's own and changes nothing of the edition, so that it is no act.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from digest.desk.acts import Hand
from digest.desk.arrange import edition_name
from digest.desk.entry_acts import entry_name
from digest.editions.named import edition_of
from digest.installation import Installation
from digest.model import Edition, Taxonomy
from digest.store import acts, editions, looks
from digest.store.acts import Act
from digest.store.editions import Shown
from digest.store.engine import writing
from digest.store.looks import Look

_FACETS = {"policy_areas": "policy areas", "regions": "regions", "themes": "themes"}
_WORDS = {
    "subject": "the subject line", "note": "the editors' note", "question": "the closing question",
    "step": "the small step",
}  # fmt: skip
_KINDS = {"post": "a post", "case-study": "a case study"}


class Change(NamedTuple):
    """Hold one change of an edition since a look.

    `kind` is "added", "removed", "reworded", "moved", "retagged", "changed" or "words"; `entry` is its number, or
    None for the words of the edition; `text` says it in words; `by` are the people who did it, where the log tells.
    """

    kind: str
    entry: int | None
    text: str
    by: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Return the change with the names of who did it."""
        return f"{self.text} (by {' and '.join(self.by)})" if self.by else self.text


def mark_looked(installation: Installation, hand: Hand, number: int) -> Edition:
    """Store that a person has looked through an edition as it stands now; return it. Raises WrongUse."""
    with writing(installation.engine, "look") as conn:
        editions.serialise(conn)
        edition = edition_of(conn, number)
        contents = [content_of(row) for row in editions.shown(conn, number)]
        words = {**editions.words_of(edition)._asdict(), "newest_act": acts.newest(conn)}
        looks.keep(conn, Look(hand.by, number, installation.clock(), contents, words))
    return edition


def changes_since_look(
    conn: Connection, installation: Installation, by: str, edition: Edition
) -> tuple[Look | None, list[Change]]:
    """Return a person's last look at an edition, and what has changed since; (None, []) if they never looked."""
    look = looks.get(conn, by, edition.id)
    if look is None:
        return None, []
    now = [content_of(row) for row in editions.shown(conn, edition.id)]
    log = acts.listing(conn, after=look.words["newest_act"], limit=None)
    taxonomy = installation.settings.taxonomy
    return look, [
        *_of_words(look, edition, log),
        *_of_entries(look.entries, now, log, taxonomy),
        *_moves(look.entries, now, log, edition),
    ]


def content_of(row: Shown) -> dict[str, Any]:
    """Return what is kept of an entry as it is shown: its title and facets, and a hash of all the rest."""
    item = editions.shown_content(row.entry)
    worded = {"title", "summary", "worded_by"}  # also among what editors decided, which is told by itself
    rest = {key: value for key, value in item.items() if key not in {*worded, "kind", "edit", *_FACETS}}
    rest["edit"] = {key: value for key, value in item.get("edit", {}).items() if value and key not in worded}
    return {
        "id": row.entry.id,
        "title": row.entry.title,
        "kind": row.entry.kind,
        **{facet: list(getattr(row.entry.facets, facet)) for facet in _FACETS},
        "summary": _hash(row.entry.summary),
        "rest": _hash(json.dumps(rest, sort_keys=True, ensure_ascii=False)),
    }


def _of_words(look: Look, edition: Edition, log: Sequence[Act]) -> Iterator[Change]:
    """Yield the changes of the editors' words for the whole edition."""
    for name, text in editions.words_of(edition)._asdict().items():
        before = look.words.get(name, "")
        if text != before:
            by = _names(act for act in log if act.object_name == edition_name(edition.id) and name in act.after)
            yield Change("words", None, f"{_WORDS[name]}: {_quoted(before)} → {_quoted(text)}", by)


def _of_entries(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], log: Sequence[Act], taxonomy: Taxonomy
) -> Iterator[Change]:
    """Yield the entries that came, those that left, and what changed of the others, in their order now."""
    old, new = ({item["id"]: item for item in items} for items in (before, now))
    for number, item in old.items():
        if number not in new:
            yield Change("removed", number, f"entry {number} left: {_quoted(item['title'])}", _who(log, number))
    for number, item in new.items():
        if number not in old:
            yield Change("added", number, f"entry {number} came: {_quoted(item['title'])}", _who(log, number))
        elif item != old[number]:
            yield from _of_entry(old[number], item, log, taxonomy)


def _of_entry(
    old: Mapping[str, Any], new: Mapping[str, Any], log: Sequence[Act], taxonomy: Taxonomy
) -> Iterator[Change]:
    number, name = new["id"], entry_name(new["id"])
    if old["title"] != new["title"]:
        text = f"{name} was reworded: {_quoted(old['title'])} → {_quoted(new['title'])}"
        yield Change("reworded", number, text, _who(log, number, "title"))
    if old["summary"] != new["summary"]:
        text = f"{name} {_quoted(new['title'])}: its lines were reworded"
        yield Change("reworded", number, text, _who(log, number, "summary"))
    if old["kind"] != new["kind"]:
        text = f"{name} {_quoted(new['title'])} is {_KINDS[new['kind']]} now"
        yield Change("retagged", number, text, _who(log, number, "kind"))
    for facet, words in _FACETS.items():
        if old[facet] != new[facet]:
            sides = (", ".join(map(taxonomy.name, side[facet])) or "none" for side in (old, new))
            text = f"{name} {_quoted(new['title'])}: {words} {' → '.join(sides)}"
            yield Change("retagged", number, text, _who(log, number, facet))
    if old["rest"] != new["rest"]:
        text = f"{name} {_quoted(new['title'])}: something else of it has changed"
        others = {"title", "summary", "kind", *_FACETS}
        theirs = [act for act in log if act.object_name == name and set(act.after) - others]
        yield Change("changed", number, text, _names(theirs))


def _moves(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], log: Sequence[Act], edition: Edition
) -> Iterator[Change]:
    """Yield the fewest entries whose moves turn the old order into the new one; places count from 1."""
    here = {item["id"] for item in now}
    old = [item["id"] for item in before if item["id"] in here]
    known_before = set(old)
    new = [item["id"] for item in now if item["id"] in known_before]
    if old == new:
        return
    by = _names(
        act for act in log
        if act.object_name == edition_name(edition.id) and {"arranged", "pinned"} & set(act.after)
    )  # fmt: skip
    kept = {
        old[at]
        for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        for at in range(block.a, block.a + block.size)
    }
    old_places, new_places = ({item["id"]: n for n, item in enumerate(items, 1)} for items in (before, now))
    titles = {item["id"]: item["title"] for item in now}
    for number in new:
        if number not in kept:
            places = f"from place {old_places[number]} to place {new_places[number]}"
            yield Change("moved", number, f"entry {number} {_quoted(titles[number])} moved {places}", by)


def _who(log: Sequence[Act], number: int, key: str = "") -> tuple[str, ...]:
    """Return who has changed an entry since a look, of a value (`key`) where it is given."""
    name = entry_name(number)
    return _names(act for act in log if act.object_name == name and (not key or key in {**act.before, **act.after}))


def _names(log: Sequence[Act] | Iterator[Act]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(act.by for act in reversed(list(log))))


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "none"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
