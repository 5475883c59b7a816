"""Any bytes at all give a snapshot within caps or one reason: the small part of the fuzzing."""

from __future__ import annotations

import traceback
import warnings
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.sources.formats.feed import parse_feed
from digest.sources.links import absolute_link, link_key, without_tracking
from digest.sources.post import clean_html, summary_text
from digest.sources.sandbox.wire import dump_snapshot, load_snapshot
from digest.sources.sanitise import title_text
from tests.sources import hostile
from tests.sources.active import faults_in
from tests.sources.payloads import PAYLOADS
from tests.sources.test_hostile import within_caps

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SEEDS = [
    *hostile.xml_tricks("/nowhere", 9, scale=0.001).values(),
    *(body for body, _ in hostile.encodings().values()),
    b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","title":"x","content_html":"<p>"}]}',
]
TYPES = [
    "",
    "text/xml",
    "application/json",
    "text/html; charset=utf-7",
    *(kind for _, kind in hostile.encodings().values()),
]
quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


def holds(body: bytes, content_type: str, base_url: str) -> None:
    """Fail unless `body` gives a sound snapshot or a SourceError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # feedparser's own, and codecs' about names they do not know
            snapshot = parse_feed(body, content_type=content_type, base_url=base_url, now=NOW)
    except SourceError as error:
        failure = error
    else:
        failure = None
    if failure is not None:
        # What feedparser itself cannot take is a fair reason; what our own code cannot is a mistake.
        steps = traceback.extract_tb(failure.__cause__.__traceback__) if failure.__cause__ else []
        assert not steps or any("feedparser" in step.filename for step in steps), steps
        assert "\n" not in str(failure)
        return
    assert within_caps(snapshot)
    assert load_snapshot(dump_snapshot(snapshot)) == snapshot
    for sighting in snapshot.sightings:
        assert sighting.link is None or absolute_link(sighting.link, None) == sighting.link
        assert "\n" not in sighting.title + sighting.author + sighting.summary
        assert sighting.published is None or sighting.published.tzinfo is UTC


@st.composite
def feeds(draw: st.DrawFn) -> bytes:
    """A feed from the catalogue, cut, spliced and with bytes changed."""
    body = bytearray(draw(st.sampled_from(SEEDS))[:20_000])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(body)))
        kind = draw(st.sampled_from(["cut", "insert", "byte", "splice"]))
        if kind == "cut":
            del body[at : at + draw(st.integers(1, 40))]
        elif kind == "insert":
            body[at:at] = draw(
                st.binary(max_size=8) | st.sampled_from([p.encode("utf-8", "replace") for p in PAYLOADS])
            )
        elif kind == "byte" and at < len(body):
            body[at] = draw(st.integers(0, 255))
        else:
            other = draw(st.sampled_from(SEEDS))[:2_000]
            body[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(body)


@quick
@given(feeds(), st.sampled_from(TYPES), st.sampled_from(["", "https://x.example/f", "http://[::1]/"]))
def test_a_damaged_feed_gives_a_snapshot_or_a_reason(body: bytes, content_type: str, base_url: str) -> None:
    holds(body, content_type, base_url)


@quick
@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_give_a_snapshot_or_a_reason(body: bytes, content_type: str) -> None:
    holds(body, content_type, "")


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
PIECES = st.lists(TEXT | st.sampled_from(PAYLOADS), max_size=4).map("".join)


@quick
@given(PIECES)
def test_cleaning_never_fails_and_leaves_nothing_active(raw: str) -> None:
    cleaned = clean_html(raw, "https://x.example/")
    assert faults_in(cleaned) == []
    for text in (title_text(raw), summary_text(raw)):
        assert text == " ".join(text.split())
        text.encode()
    assert "\r" not in summary_text(raw)


@quick
@given(
    TEXT
    | st.builds("{}://{}/{}?{}#{}".format, st.sampled_from(["http", "HTTPS", "javascript"]), TEXT, TEXT, TEXT, TEXT)
)
def test_a_link_is_sound_or_none(raw: str) -> None:
    link = absolute_link(raw, "https://x.example/base")
    if link is None:
        return
    assert link.isascii() and len(link) <= 2_000 and link.startswith(("http://", "https://"))
    assert " " not in link and "\\" not in link and "@" not in link.split("/")[2]
    assert absolute_link(link, None) == link
    assert without_tracking(without_tracking(link)) == without_tracking(link)
    assert link_key(link) == link_key(without_tracking(link))
