"""Two entries with keys in common are two; one entry under other keys is one: days of a feed, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from digest.model import Sighting, Source
from digest.sources.sameness import Showing, likeness
from tests.counts import table
from tests.sources.memory import HERE, Store

DAY = datetime(2026, 11, 20, tzinfo=UTC)
THERE = Source("there", url="https://there.example/feed")
TOPICS = (
    "kinship care in Leeds",
    "housing repairs at night",
    "a bus timetable for carers",
    "warm rooms in libraries",
)
LISTING = "https://here.example/news"


def notes(changes: Sequence[dict[str, object]], *, apart: timedelta = timedelta(hours=3)) -> list[Sighting]:
    """Return different notes, oldest first, each with changes of its own."""
    plain = [
        Sighting(
            None, None, f"Note on {topic}", DAY + timedelta(hours=9) + n * apart, html=f"<p>We tried {topic}.</p>"
        )
        for n, topic in enumerate(TOPICS)
    ]
    return [replace(note, **change) for note, change in zip(plain, changes, strict=True)]


def alike(**changes: object) -> list[dict[str, object]]:
    return [changes] * len(TOPICS)


def numbered(**changes: str) -> list[dict[str, object]]:
    return [{key: value.format(n) for key, value in changes.items()} for n in range(len(TOPICS))]


WEEK = timedelta(days=7)
WEEKLY = "Weekly update"
DIFFERENT = {
    "one listing page as link": notes(alike(link=LISTING)),
    "one listing page, untitled": notes(alike(link=LISTING, title="")),
    "one listing page, untitled and undated": notes(alike(link=LISTING, title="", published=None)),
    "one listing page as link and guid": notes(alike(link=LISTING, guid=LISTING), apart=WEEK),
    "one listing page, one title": notes(alike(link=LISTING, title=WEEKLY), apart=WEEK),
    "anchors on one page, untitled": notes([{**c, "title": ""} for c in numbered(link=LISTING + "#n{}")]),
    "anchors in link and guid": notes(numbered(link=LISTING + "#n{}", guid=LISTING + "#n{}")),
    "anchors on the home page": notes(numbered(link="https://here.example/#n{}", guid="https://here.example/#n{}")),
    "only words": notes(alike(title="", published=None)),
    "one guid on all": notes([{**c, "guid": "0"} for c in numbered(link="https://here.example/p/{}")], apart=WEEK),
    "the site as guid, one listing page": notes(alike(link=LISTING, guid="https://here.example/"), apart=WEEK),
    "one title under other dates": notes(
        [{**c, "title": WEEKLY} for c in numbered(link="https://h.example/{}/weekly-update", guid="{}")], apart=WEEK
    ),
    "one title, one text that says nothing": notes(
        [{**c, "title": WEEKLY, "html": "On our site."} for c in numbered(link="https://here.example/{}/weekly-update")],
        apart=WEEK,
    ),
}  # fmt: skip


@table("shown", [1, 2, 4])
@table("case", DIFFERENT)
def test_different_entries_with_a_key_in_common_are_each_new_once(case: str, shown: int) -> None:
    store, seen = Store(), DIFFERENT[case]
    for n, note in enumerate(seen):
        snapshot = seen[max(0, n + 1 - shown) : n + 1][::-1]
        assert [new.sighting for new in store.see(snapshot).new] == [note]
        assert not store.see(snapshot).new
    assert not store.see(seen).new or shown < len(seen)


def test_an_edited_note_beside_others_on_one_page_is_the_note_it_was() -> None:
    for case in ("one listing page as link", "anchors on one page, untitled", "anchors in link and guid"):
        store, seen = Store(), DIFFERENT[case]
        store.see(seen)
        edited = [replace(note, html=note.html.replace("tried", "tried again")) for note in seen]
        decision = store.see(edited)
        assert not decision.new, case
        assert [again.entry for again in decision.recognised if again.changed] == [1, 2, 3, 4]


# A source that shows one entry at a time under one guid and link: what it shows, and how many entries that are.
SPOT = "https://here.example/latest"
ROAD, POOL, BINS = (
    ("Road closed", "The A65 is shut."),
    ("Pool opens", "The pool opens on Monday."),
    ("Bins", "No bins."),
)


def in_turn(*shown: tuple[str, str], published: datetime | None = DAY) -> list[Sighting]:
    return [Sighting(SPOT, SPOT, title, published, html=html) for title, html in shown]


def untitled(*texts: str) -> list[Sighting]:
    return in_turn(*[("", text) for text in texts])


IN_TURN = {
    "three notes": (in_turn(ROAD, POOL, BINS), 3),
    "three notes at one instant": (in_turn(ROAD, POOL, BINS, published=DAY + timedelta(hours=9)), 3),
    "three undated notes": (in_turn(ROAD, POOL, BINS, published=None), 3),
    "untitled": (untitled(ROAD[1], POOL[1], BINS[1]), 3),
    "one short title": (in_turn(*[("Tip of the day", text) for _, text in (ROAD, POOL, BINS)]), 3),
    "titles without text": (in_turn(("Road closed at Ilkley", ""), ("Pool opens on Monday", "")), 2),
    "of one form": (in_turn(("Inspection: Ash House", "Ash House was inspected and is good."),
                            ("Inspection: Elm House", "Elm House was inspected and is poor.")), 2),
    "guid without link": ([replace(note, guid="now", link=None) for note in in_turn(ROAD, POOL, BINS)], 3),
    "the first one again": (in_turn(ROAD, POOL, ROAD), 2),
    "edits": (in_turn(("Repairs", "A room for the repairs."), ("Repairs", "A big room for the repairs."), POOL,
                       (POOL[0], "The pool opens again on Monday.")), 2),
    "an edit of an untitled note": (untitled("One room for the repairs team of Leeds.", POOL[1] + " Bring towels.",
                                             POOL[1] + " Bring a towel."), 2),
    "a mended title": (in_turn(("Raod closed at Ilkley", ""), ("Road closed at Ilkley", "")), 1),
    "the whole text later": (in_turn(("Road", "The A65 is shut"), ("Road", "The A65 is shut at Ilkley.")), 1),
}  # fmt: skip


def test_a_source_that_shows_one_entry_at_a_time_loses_none_and_doubles_none() -> None:
    counted = {}
    for name, (shown, _) in IN_TURN.items():
        store = Store()
        counted[name] = sum(len(store.see([note]).new) + 9 * len(store.see([note]).new) for note in shown)
    assert counted == {name: count for name, (_, count) in IN_TURN.items()}


LONG = (
    "The borough brought its repairs team, its lettings team and its welfare advisers into one room for twelve weeks,"
    " and wrote down each repeat visit. Two in five were avoidable, and most of those began with a form that asked"
    " the wrong question. The team now asks one question first, and the tenants help to write the next."
)
TEXT = Sighting(
    "https://w.example/2026/11/what-we-learnt-form-the-pilot/", "https://w.example/2026/11/what-we-learnt-form-the-pilot/",
    "What we learnt form the repairs pilot", DAY + timedelta(hours=10), html=f"<p>{LONG}</p>",
)  # fmt: skip
OTHER_HOME = {"guid": "x-9", "link": "https://w.example/2026/11/what-we-learnt-from-the-pilot/"}
MENDED = {**OTHER_HOME, "title": "What we learnt from the repairs pilot"}
SHORT = {"html": "<p>Homes in Leeds.</p>"}
HUB = {"html": "<p>The family hub in Leeds opened on Monday with ten staff, a midwife and a waiting list.</p>"}
# What becomes of the text, by whom it is then shown, and whether it is known, new, or in doubt.
LATER = [
    (TEXT, MENDED, HERE, "known"),
    (TEXT, {**OTHER_HOME, "title": "Two in five visits were avoidable"}, HERE, "known"),
    (TEXT, {**MENDED, "html": LONG.replace("twelve weeks", "twelve long weeks")}, HERE, "known"),
    (TEXT, {**OTHER_HOME, "html": LONG.replace("avoidable", "needless")}, HERE, "known"),
    (TEXT, {**OTHER_HOME, "title": "Visits nobody needs", "html": LONG.replace("avoidable", "idle")}, HERE, "known"),
    (TEXT, {**MENDED, "link": "https://there.example/a"}, THERE, "known"),
    (TEXT, {"guid": None, "link": "https://w.example/housing/what-we-learnt-form-the-pilot/"}, HERE, "known"),
    (replace(TEXT, **SHORT), MENDED | SHORT, HERE, "known"),
    (replace(TEXT, html=""), {**MENDED, "html": ""}, HERE, "known"),
    (replace(TEXT, **SHORT), {**OTHER_HOME, "title": "Visits nobody needs"} | SHORT, HERE, "doubt"),
    (replace(TEXT, **SHORT), {**OTHER_HOME, "title": "Visits nobody needs"} | SHORT, THERE, "new"),
    (replace(TEXT, title="Report: Ash House"), {**OTHER_HOME, "title": "Report: Elm House"}, HERE, "doubt"),
    (replace(TEXT, title="Report: Ash House"), {**OTHER_HOME, "title": "Report: Elm House"}, THERE, "new"),
    (replace(TEXT, title="Report on Ash", html=f"Ash House. {LONG}"),
     {**OTHER_HOME, "title": "Report on Elm", "html": f"Elm House. {LONG}"}, HERE, "new"),
    (replace(TEXT, title="Report 1", html=f"{LONG} In all 12."),
     {**OTHER_HOME, "title": "Report 2", "html": f"{LONG} In all 14."}, HERE, "new"),
    (TEXT, {**MENDED, "html": LONG + LONG.upper().replace("THE", "a")}, HERE, "new"),
    (TEXT, {**OTHER_HOME, "title": "Warm rooms", "html": "<p>Libraries keep rooms warm.</p>"}, HERE, "new"),
    # Under another date too: the same title and text are the entry, what may be another one waits.
    (replace(TEXT, **HUB), {**OTHER_HOME, "published": DAY + timedelta(days=2)} | HUB, HERE, "known"),
    (replace(TEXT, guid=None, **HUB), {"link": LISTING, "published": DAY + timedelta(days=1)} | HUB, HERE, "known"),
    (replace(TEXT, **HUB), {**OTHER_HOME, "published": None} | HUB, HERE, "known"),
    (TEXT, {**OTHER_HOME, "published": DAY + timedelta(days=2)}, HERE, "known"),
    (TEXT, {**MENDED, "published": DAY + timedelta(days=2)}, HERE, "known"),
    (TEXT, {**OTHER_HOME, "title": "Visits nobody needs", "published": DAY + timedelta(days=2)}, HERE, "doubt"),
    (replace(TEXT, **HUB), {**MENDED, "title": "A hub", "published": DAY + timedelta(days=4)}, HERE, "doubt"),
    (replace(TEXT, **HUB), {**OTHER_HOME, "published": DAY + WEEK} | HUB, HERE, "doubt"),
    (replace(TEXT, **HUB), {**OTHER_HOME, "published": DAY + timedelta(days=2)} | HUB, THERE, "new"),
    (replace(TEXT, **SHORT), {**OTHER_HOME, "published": DAY + WEEK} | SHORT, HERE, "new"),
    (replace(TEXT, title="Report: Ash House", **HUB),
     {**OTHER_HOME, "title": "Report: Elm House", "published": DAY + WEEK}, HERE, "new"),
]  # fmt: skip


@table("before, changes, source, verdict", LATER)
def test_a_text_of_the_same_date_under_another_title_and_address(
    before: Sighting, changes: dict[str, object], source: Source, verdict: str
) -> None:
    store = Store()
    store.see([before])
    decision = store.see([replace(before, **changes)], source)
    told = "known" if decision.recognised else "doubt" if decision.new[0].doubt else "new"
    assert told == verdict


def test_a_notice_that_comes_again_waits_once_and_a_file_is_known_by_its_path_and_text() -> None:
    store, notice = Store(), replace(TEXT, html="<p>The agenda of this month's meeting is on our site.</p>")
    monthly = [
        replace(notice, guid=f"{n}", link=f"https://w.example/{n}", published=DAY + n * 4 * WEEK) for n in range(4)
    ]
    assert [bool(store.see([note]).new[0].doubt) for note in monthly] == [False, True, False, False]
    files, other = [replace(TEXT, guid=f"{n}.md", link=None, title=f"Report {n}") for n in range(2)], "Another title"
    files = [replace(file, html=f"<p>{file.title}. {HUB['html']}</p>") for file in files]
    store.see(files)
    assert not store.see([files[0], replace(files[1], title=other, published=DAY + 4 * timedelta(days=1))]).new


def test_a_text_that_is_still_shown_is_not_the_one_beside_it() -> None:
    store, later = Store(), replace(TEXT, **MENDED)
    store.see([TEXT])
    assert [new.sighting for new in store.see([later, TEXT]).new] == [later]


@table(
    "title, published, html, same_guid, same_link, same",
    [
        ("Note", DAY, "Words.", False, True, True),
        ("Other", DAY + WEEK, "Else and more.", True, True, False),
        ("Note", DAY + WEEK, "Else and more.", True, True, True),
        ("Note", DAY + WEEK, "Else and more.", False, True, False),
        ("Other", DAY, "Else and more.", True, None, False),
        ("Other", DAY, "Words and more.", True, None, True),
        ("Note", None, "", False, None, True),
    ],
)
def test_what_a_reader_sees_outweighs_the_ids(
    title: str, published: datetime | None, html: str, same_guid: bool, same_link: bool | None, same: bool
) -> None:
    stored = Showing("Note", LISTING, DAY, "Words.")
    weight = likeness(Showing(title, LISTING, published, html), stored, same_guid=same_guid, same_link=same_link)
    assert (weight > 0) is same
