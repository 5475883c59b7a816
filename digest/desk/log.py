"""Read the audit log: every act in a sentence, such as "Ann retagged entry 12: policy areas housing → transport"."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from digest.installation import Installation
from digest.store import acts
from digest.store.acts import Act
from digest.store.engine import reading
from subscribers.characters import cut_anywhere
from subscribers.csv.rows import guarded
from subscribers.invisible import one_line

_LONGEST = 80  # characters of a value in a sentence
_NOTHING = "none"
_COLUMNS = ("act", "at", "by", "verb", "object", "before", "after", "undoes", "sentence")
# Past tenses that no rule gives; an edition that is put on hold is "stopped" in the glossary's words.
_IRREGULAR = {
    "begin": "began", "cancel": "cancelled", "give": "gave", "hold": "stopped", "let": "let", "make": "made",
    "put": "put", "read": "read", "reset": "reset", "send": "sent", "set": "set", "take": "took", "tell": "told",
    "undo": "undid", "withdraw": "withdrew", "write": "wrote",
}  # fmt: skip
# Values in the words of a sentence; "": they only stand in the export, because others say the same to a person.
_NAMES = {
    "also_at": "", "approved_at": "", "arranged": "", "content": "", "duplicate_of": "near-duplicate of", "entry": "",
    "evidence": "", "held_by": "", "held_why": "reason", "note_by": "", "overruled": "", "pinned": "", "retagged": "",
    "to_release": "", "worded_by": "",
}  # fmt: skip
# Verbs that say what state comes after them.
_OF_STATE = ("drop", "release", "withdraw", "accept", "leave aside", "ask again about")
# Of verbs that are no verb, or whose object is an entry of the edition that the log names; {} is that entry.
_PHRASES = {
    "apply rule": "applied a rule to", "test letter": "sent a test letter of",
    "void approval": "voided the approval of", "pin": "pinned {} in", "unpin": "took the pin out of {} in",
    "move": "moved {} in", "reset order": "forgot pins and places in",
    "take the story of": "took the story of", "send back": "sent back the story of", "open again": "opened again",
    "leave aside": "left aside", "ask again about": "asked again about",
}  # fmt: skip
# The last letter of these is doubled: "drop", "dropped".
_DOUBLED = ("drop", "pin", "stop", "tag")
_VOWELS = "aeiou"


def read_log(
    installation: Installation, *, object_name: str = "", since: int = 0, before: int | None = None,
    limit: int | None = 200,
) -> list[Act]:  # fmt: skip
    """Return acts, the newest first: with a number above `since` and below `before`, of one object where it is named.

    `limit` None: all of them.
    """
    kind, _, rest = " ".join(object_name.split()).partition(" ")
    name = f"{kind.lower()} {rest}".strip()  # the name of a source is as it is written
    with reading(installation.engine) as conn:
        return acts.listing(conn, after=since, before=before, object_name=name, limit=limit)


def act_in_words(act: Act) -> str:
    """Return an act as a sentence: the person, the act, and what changed by it."""
    verb, _, rest = act.verb.partition(" ")
    if act.undoes is not None:
        sentence = f"{act.by} took act {act.undoes} on {act.object_name} back"
    else:
        # An act such as "add rule" names the kind of its object already.
        named = not rest or act.object_name.startswith(f"{rest} ")
        phrase = _past(verb) if named else f"{_past(verb)} {rest} of"
        sentence = f"{act.by} {_PHRASES.get(act.verb, phrase).format(_moved(act))} {act.object_name}"
    changes = [change for key in {**act.before, **act.after} if (change := _change(act, key))]
    return one_line(f"{sentence}: {'; '.join(changes)}" if changes else sentence)


def _moved(act: Act) -> str:
    """Return the name of the entry that an act pinned or moved, or "an entry" where the log does not tell which."""
    return f"entry {act.after['entry']}" if "entry" in act.after else "an entry"


def act_document(act: Act) -> dict[str, Any]:
    """Return an act as a JSON document, whole."""
    return {
        "act": act.number, "at": act.at.astimezone(UTC).isoformat(), "by": act.by, "verb": act.verb,
        "object": act.object_name, "before": dict(act.before), "after": dict(act.after), "undoes": act.undoes,
        "sentence": act_in_words(act),
    }  # fmt: skip


def acts_as_csv(log: Iterable[Act]) -> str:
    """Return acts as a CSV file; `before` and `after` are JSON, and a spreadsheet runs no cell as a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for act in log:
        document = act_document(act)
        for name in ("before", "after"):
            document[name] = json.dumps(document[name], ensure_ascii=False)
        writer.writerow([guarded("" if document[name] is None else str(document[name])) for name in _COLUMNS])
    return text.getvalue()


def _past(verb: str) -> str:
    """Return the past tense of a verb."""
    if verb in _IRREGULAR or verb.endswith("ed"):
        return _IRREGULAR.get(verb, verb)
    if verb.endswith(_DOUBLED):
        return f"{verb}{verb[-1]}ed"
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return f"{verb[:-1]}ied"
    return verb + ("d" if verb.endswith("e") else "ed")


def _change(act: Act, key: str) -> str:
    """Return the change of one value: "role editor → admin", or the value alone where there was none before.

    "" for a value that says nothing to a person.
    """
    name = "" if key == "state" and act.verb in _OF_STATE else _NAMES.get(key, key.replace("_", " "))
    sides = [_shown(side.get(key)) for side in (act.before, act.after) if side]
    if key not in act.before or sides[0] == _NOTHING:
        sides = sides[-1:]
    return f"{name} {' → '.join(sides)}" if name and sides != [_NOTHING] else ""


def _shown(value: Any) -> str:
    """Return a value as a person reads it, in one line."""
    if value is None or value in ("", [], {}):
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = one_line(_text(value))  # because a terminal obeys control characters
    shown = cut_anywhere(text, _LONGEST)
    return f"“{shown}”" if isinstance(value, str) and " " in shown else shown


def _text(value: Any) -> str:
    """Return a value as a text: the parts of lists with commas, those of lists in them too."""
    if isinstance(value, list):
        return ", ".join(_text(part) for part in value if part not in ("", [], None))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
