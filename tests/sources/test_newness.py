"""Newness by first sight: every way a source re-identifies its entries, and every kind of flood."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Sighting, Source
from digest.sources.newness import SnapshotDecision
from digest.sources.surge import surge
from tests.counts import others_long, spread, table
from tests.sources.memory import Store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
THERE = Source("there", url="https://there.example/feed")
BODY = "<p>" + " ".join(f"word{n} of the story" for n in range(40)) + "</p>"
POST = Sighting(
    guid="https://here.example/2026/11/sharing-the-record",
    link="https://here.example/2026/11/sharing-the-record",
    title="Sharing the care record in Cornwall: what it took",
    published=datetime(2026, 11, 18, 9, tzinfo=UTC),
    summary="What it took.",
    html=BODY,
)


def news(count: int, start: int = 0, day: datetime = NOW, **changes: object) -> list[Sighting]:
    return [
        replace(
            POST,
            guid=f"https://here.example/p/{n}",
            link=f"https://here.example/2026/11/{_words(n)}",
            title=f"Case {_words(n)} of what a council learnt",
            html=f"<p>{_words(n)} {BODY}</p>",
            published=day - timedelta(hours=n - start),
            **changes,
        )
        for n in range(start, start + count)
    ]


def _words(n: int) -> str:
    return "-".join(
        ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")[int(d)]
        for d in f"{n:04d}"
    )


@table(
    "changes",
    [
        {},
        {"guid": "tag:here.example,2026:77"},
        {"guid": None},
        {"link": "https://here.example/posts/sharing-the-record"},
        {"link": None},
        {"link": "http://www.here.example/2026/11/sharing-the-record/?utm_source=x#top"},
        {"published": None},
        {"published": POST.published + timedelta(hours=-1)},  # type: ignore[operator]
        {"published": datetime(2025, 11, 18, tzinfo=UTC)},
        {"title": "Sharing the care record in Cornwall"},
        {"html": "<p>Rewritten from start to end.</p>"},
        {"guid": "http://here.example/2026/11/sharing-the-record"},
        {"guid": "x-1", "link": "https://new-host.example/2026/11/sharing-the-record"},
        {"guid": "x-1", "link": "https://here.example/blog/sharing-the-record", "published": NOW},
        {"guid": "x-1", "link": "https://here.example/?p=5", "published": NOW},
        {"guid": "x-1", "link": "https://here.example/?p=5", "html": "<p>Cut short.</p>"},
        {"guid": None, "link": None, "html": ""},
    ],
)  # fmt: skip
def test_a_changed_id_date_host_or_text_is_the_same_entry(changes: dict[str, object]) -> None:
    store = Store()
    assert len(store.see([POST]).new) == 1
    again = store.see([replace(POST, **changes)])
    assert not again.new
    assert [r.entry for r in again.recognised] == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"guid": "x-2", "link": "https://here.example/2026/11/another", "title": "Another", "html": "<p>Other.</p>"},
        # A title that comes every week, another page each time.
        {"guid": "x-2", "link": "https://here.example/2026/12/the-next", "published": NOW, "html": "<p>Other.</p>"},
        # A guid that a source uses for everything.
        {"link": "https://here.example/2026/11/other", "title": "Other", "published": NOW, "html": "<p>Other.</p>"},
    ],
)  # fmt: skip
def test_another_entry_is_another(changes: dict[str, object]) -> None:
    store = Store()
    store.see([POST])
    assert len(store.see([replace(POST, **changes)]).new) == 1


def test_only_the_words_decide_whether_an_entry_was_edited() -> None:
    store = Store()
    store.see([POST])
    assert not store.see([replace(POST, published=None)]).recognised[0].changed
    assert store.see([replace(POST, summary="What it really took.")]).recognised[0].changed


def test_one_guid_on_all_entries_identifies_none_of_them_then_or_later() -> None:
    store = Store()
    found = [replace(s, guid="0") for s in news(5)]
    assert len(store.see(found).new) == 5
    assert len(store.see([replace(s, guid="0") for s in news(6)]).new) == 1


def test_one_link_on_all_entries_identifies_none_of_them() -> None:
    store = Store()
    found = [replace(s, link="https://here.example/news") for s in news(5)]
    assert len(store.see(found).new) == 5
    assert len(store.see(found).recognised) == 5


def test_exact_copies_in_one_snapshot_are_one() -> None:
    found = news(3)
    assert len(Store().see([*found, *found]).new) == 3


def test_recurring_titles_stay_apart() -> None:
    store = Store()
    weekly = [replace(s, title="Weekly bulletin") for s in news(4)]
    assert len(store.see(weekly).new) == 4
    assert not store.see(weekly).new
    fifth = replace(news(1, 9)[0], title="Weekly bulletin", html="<p>Short.</p>")
    assert len(store.see([fifth]).new) == 1


def test_untitled_entries_without_dates_are_kept_apart_by_their_links() -> None:
    store = Store()
    found = [replace(s, title="", published=None) for s in news(4)]
    assert len(store.see(found).new) == 4
    assert not store.see(found).new


def test_nothing_but_words_is_still_recognised() -> None:
    store = Store()
    bare = Sighting(None, None, "", html="<p>Only this.</p>")
    assert len(store.see([bare]).new) == 1
    assert not store.see([bare]).new


def test_the_same_entry_from_three_sources_is_one_and_the_copies_never_rewrite_it() -> None:
    store = Store()
    store.see([POST])
    copies = [
        replace(POST, guid="n1"),
        replace(POST, guid="n2", link="https://there.example/republished", title=POST.title.upper()),
    ]
    for copy in copies:
        again = store.see([copy], THERE)
        assert not again.new
        assert not again.recognised[0].changed


def test_guids_that_are_numbers_mean_nothing_across_sources() -> None:
    store = Store()
    store.see([replace(POST, guid="7")])
    other = replace(news(1)[0], guid="7")
    assert len(store.see([other], THERE).new) == 1


def test_entries_leave_and_come_back() -> None:
    store = Store()
    found = news(5)
    store.see(found)
    assert store.see([]) == SnapshotDecision((), (), ())
    assert not store.see(found).new


@pytest.mark.parametrize("known", others_long([5, 50, 500], 5))
def test_all_ids_changed_at_once_brings_nothing_new(known: int) -> None:
    store = Store()
    store.see(news(known))
    moved = [
        replace(s, guid=f"new:{s.guid}", link=f"https://new.example/blog/{s.link.rsplit('/', 1)[1]}")
        for s in news(known)
        if s.link
    ]
    assert not store.see(moved).new


def floods(known: int) -> list[tuple[str, list[Sighting], bool]]:
    """(what happens, what is then seen, whether an editor must look)."""
    old = NOW - timedelta(days=400)
    return [
        ("three fresh ones", news(3, 1000), False),
        ("a busy week", news(20, 1000), False),
        ("one old one", news(1, 1000, old), False),
        ("five thousand new", news(900, 1000), True),
        ("a back catalogue of 17", news(17, 1000, old), True),
        ("a back catalogue of 8 and two fresh", [*news(2, 2000), *news(8, 1000, old)], True),
        ("a catalogue of 1970", news(10, 1000, datetime(1970, 1, 2, tzinfo=UTC)), True),
        ("21 undated", [replace(s, published=None) for s in news(21, 1000)], True),
        ("4 re-written under their old titles", [
            replace(s, guid=f"r{n}", link=f"https://here.example/re/{n}", html="<p>New.</p>", published=NOW)
            for n, s in enumerate(news(4))
        ], True),
    ]  # fmt: skip


@pytest.mark.parametrize("known", others_long([5, 50, 500], 5))
@pytest.mark.parametrize("case", spread(2, range(9)))
def test_floods_wait_for_an_editor_and_ordinary_days_do_not(known: int, case: int) -> None:
    what, seen, held = floods(known)[case]
    store = Store()
    store.see(news(known, 0, NOW - timedelta(days=2)))
    decision = store.see(seen)
    assert len(decision.new) == len(seen), what
    assert (surge(decision.new, [], NOW - timedelta(days=1), NOW) is not None) is held, what


def test_a_source_that_is_always_busy_may_be_busy() -> None:
    decision = Store().see(news(60))
    assert surge(decision.new, [], NOW, NOW)
    assert surge(decision.new, [14, 12, 13], NOW, NOW) is None


titles = st.sampled_from(["", "Weekly bulletin", "Sharing the care record in Cornwall what it took", "Minutes"])
some = st.builds(
    Sighting,
    guid=st.sampled_from([None, "0", "1", "https://here.example/a", "https://here.example/b"]),
    link=st.sampled_from([None, "https://here.example/", "https://here.example/a-long-slug", "https://here.example/b-long-slug"]),
    title=titles,
    published=st.sampled_from([None, NOW, NOW - timedelta(days=9)]),
    html=st.sampled_from(["", "<p>Short.</p>", BODY]),
)  # fmt: skip


@pytest.mark.long
@given(st.lists(some, max_size=8))
def test_seeing_the_same_snapshot_twice_brings_nothing_new(found: list[Sighting]) -> None:
    store = Store()
    first = store.see(found)
    assert len(first.new) <= len(found)
    assert not store.see(found).new


@pytest.mark.long
@given(st.lists(some, max_size=8))
def test_no_known_entry_answers_for_two_sightings_at_once(found: list[Sighting]) -> None:
    store = Store()
    store.see(found[: len(found) // 2])
    numbers = [r.entry for r in store.see(found).recognised]
    assert len(numbers) == len(set(numbers))
