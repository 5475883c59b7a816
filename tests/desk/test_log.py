"""The audit log can be read: each act is a sentence, whatever values it holds, and the export is whole and safe."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from digest.desk.log import act_document, act_in_words, acts_as_csv
from digest.store.acts import Act
from tests.counts import table

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def act(verb: str = "retag", before: Any = None, after: Any = None, undoes: int | None = None) -> Act:
    return Act(7, NOW, "Ann", verb, "entry 12", before or {}, after or {}, undoes)


@table(
    "done, sentence",
    [
        (
            act(before={"policy_areas": ["housing"]}, after={"policy_areas": ["transport"]}),
            "Ann retagged entry 12: policy areas housing → transport",
        ),
        (act("drop"), "Ann dropped entry 12"),
        (act("unpin"), "Ann took the pin out of an entry in entry 12"),
        (act("approve"), "Ann approved entry 12"),
        (act("tidy"), "Ann tidied entry 12"),
        (act("delay"), "Ann delayed entry 12"),
        (act("withdraw"), "Ann withdrew entry 12"),
        (act("hold"), "Ann stopped entry 12"),
        (act("reset order"), "Ann forgot pins and places in entry 12"),
        (act("cancel correction"), "Ann cancelled correction of entry 12"),
        (act("add entry"), "Ann added entry 12"),
        (
            act("retag", {"evidence": [{"a": "b"}], "retagged": False}, {"evidence": [{"a": "c"}], "retagged": True}),
            "Ann retagged entry 12",
        ),
        (
            act("move", {"arranged": []}, {"arranged": [4, 3], "entry": 3, "place": 2}),
            "Ann moved entry 3 in entry 12: place 2",
        ),
        (
            act("unpin", {"pinned": 2}, {"pinned": 1, "entry": 5, "place": 2}),
            "Ann took the pin out of entry 5 in entry 12: place 2",
        ),
        (
            act("mend", {"ingredients": []}, {"ingredients": [["given", "did", "They met.", [], "Ann"]]}),
            "Ann mended entry 12: ingredients given, did, They met., Ann",
        ),
        (act("write", {}, {"title": "T", "note": "", "themes": []}), "Ann wrote entry 12: title T"),
        (act("end sessions"), "Ann ended sessions of entry 12"),
        (act("test letter"), "Ann sent a test letter of entry 12"),
        (
            act("reword", {"title": "Old words"}, {"title": "New"}),
            "Ann reworded entry 12: title “Old words” → New",
        ),
        (act("reword", {}, {"note": "a\x1b[31mb"}), "Ann reworded entry 12: note “a [31mb”"),
        (act("reword", {"note": ""}, {"note": "a\nb"}), "Ann reworded entry 12: note “a b”"),
        (act("reword", {"title": "x" * 200}, {"title": "y"}), f"Ann reworded entry 12: title {'x' * 79}… → y"),
        (act("pin", {"pinned": 0}, {"pinned": 1}), "Ann pinned an entry in entry 12"),
        (act("drop", {"state": "ready"}, {"state": "dropped"}), "Ann dropped entry 12"),
        (act("set", {"a": 1, "b": [1, 2]}, {"a": 2, "b": []}), "Ann set entry 12: a 1 → 2; b 1, 2 → none"),
        (act("set", {}, {"a": {"b": "c"}}), 'Ann set entry 12: a {"b": "c"}'),
        (act("set", {"a": 1}, {"b": 2}), "Ann set entry 12: a 1 → none; b 2"),
        (act("remove", {"name": "Bob"}, {}), "Ann removed entry 12: name Bob"),
        (
            act("retag", {"themes": ["trust"]}, {"themes": []}, undoes=6),
            "Ann took act 6 on entry 12 back: themes trust → none",
        ),
    ],
)
def test_an_act_is_a_sentence(done: Act, sentence: str) -> None:
    assert act_in_words(done) == sentence


def test_the_export_is_whole_and_no_cell_is_a_formula() -> None:
    acts = [
        act("reword", {"title": "=1+1"}, {"title": 'a "b", c\r\nd'}),
        Act(8, NOW, "=cmd", "drop", "entry 1", {}, {}),
    ]
    rows = list(csv.DictReader(io.StringIO(acts_as_csv(acts), newline="")))
    assert json.loads(rows[0]["after"]) == {"title": 'a "b", c\r\nd'} and json.loads(rows[0]["before"]) == {
        "title": "=1+1"
    }
    assert rows[1]["by"] == "'=cmd" and rows[1]["undoes"] == "" and rows[1]["at"] == "2026-11-02T09:00:00+00:00"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert act_document(acts[0])["after"] == {"title": 'a "b", c\r\nd'}
