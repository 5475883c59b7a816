"""The lines of `digest explain` for decisions that seldom happen; tests/readers/explained.txt has the others."""

from __future__ import annotations

from digest.config.load import load
from digest.desk.explained import explained_lines
from digest.model import Reason
from digest.readers.decisions import Decided, EditionName, Explained, LetterState
from digest.system.resources import resource
from tests.counts import table

TAXONOMY = load(resource("config.toml"), {}).taxonomy
EDITION = EditionName(7, "weekly", "2026-11-13")
LATE = "joined after the edition was drafted; the next one makes it good"


@table(
    "decided, line",
    [
        (
            Decided("too-late", EDITION, edition_state="approved", why=LATE, cadence="weekly", day="2026-11-20"),
            "not in edition 7 (weekly 2026-11-13), which is approved: this edition holds this reader, who joined "
            "after the edition was drafted; the weekly edition of 2026-11-20 makes it good",
        ),
        (
            Decided("over-cap", EDITION, edition_state="draft"),
            'not in edition 7 (weekly 2026-11-13), which is draft: over the cap: counted in "N more"',
        ),
        (
            Decided("before-restore"),
            "counted as sent when the database was restored (`digest db resume --sent`)",
        ),
        (
            Decided("not-kept", EDITION),
            "not had with edition 7 (weekly 2026-11-13); why is not kept any more",
        ),
        (
            Decided("not-mailed", state="suppressed", why="bounced"),
            "this address is suppressed (bounced): it is never mailed",
        ),
        (
            Decided("no-digest", EDITION, LetterState("held", LATE)),
            f"not in edition 7 (weekly 2026-11-13): held ({LATE}); a later edition considers it again",
        ),
        (
            Decided("included", EDITION, LetterState("pending", blocked="suppressed"), Reason("area", "", "wales")),
            "included in edition 7 (weekly 2026-11-13), frozen, but not to be handed over (suppressed): they follow "
            "every policy area; Wales",
        ),
    ],
)
def test_a_decision_is_worded_for_an_operator(decided: Decided, line: str) -> None:
    assert explained_lines(Explained("", (decided,)), TAXONOMY) == (line,)


def test_why_an_entry_is_held_is_a_line_of_its_own() -> None:
    held = Decided("not-ready", state="held", why="a surge of 40 entries")
    assert explained_lines(Explained("held", (held,)), TAXONOMY)[1:] == ("a surge of 40 entries",)
