"""Try a source that config.toml does not have: read it once, classify its newest entries, and store nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from digest.classify import kind_of
from digest.config.source_table import free_name, source_table
from digest.editions.classified import careful_classifier, with_whole_text
from digest.errors import SourceError, without_secrets
from digest.facets.known import known_facets
from digest.installation import Installation
from digest.model import CASE_STUDY, Facets, Sighting, Snapshot, Source
from digest.sources.formats.notfeed import feeds_named, is_web_page
from digest.sources.links import address_key
from digest.sources.newness import ANCHOR, GUID, LINK, keys_of
from digest.sources.read import Validators, read_source
from digest.sources.web.fetch import Fetched, Fetcher
from digest.sources.withdrawal import sign_of
from digest.store import entries
from digest.store.engine import reading

SHOWN = 10
_MOST_FEEDS = 20


class NoFeed(SourceError):
    """Say that a web page came in place of a feed; `feeds` are the addresses of those that the page names."""

    def __init__(self, reason: str, feeds: Sequence[str]) -> None:
        super().__init__(reason)
        self.feeds = tuple(feeds)


@dataclass(frozen=True, slots=True)
class TriedEntry:
    """Hold how an entry would be classified. `kept_back` is why its source does not release it, or "".

    `here` says that the entry is stored already, from which source; `page` what became of its page, where it was
    asked for.
    """

    sighting: Sighting
    kind: str
    facets: Facets
    kept_back: str = ""
    here: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class TriedSource:
    """Hold what a source shows: `shown` are its newest entries, `count` is the number of all.

    `url` is where its bytes came from, `problems` are lines about what was mended or left out, `notes` lines about
    its address. `table` is the [[source]] table to paste.
    """

    name: str
    title: str
    url: str
    count: int
    undated: int
    newest: datetime | None
    oldest: datetime | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    shown: tuple[TriedEntry, ...]
    table: str


def try_source(
    installation: Installation, url: str, *, full_text: str = "", allow_private: bool = False
) -> TriedSource:
    """Read the feed at `url` once, as a gather would, and return what it shows; nothing is stored.

    With `full_text` "all" or "case-studies" the pages of the newest entries are read too. Raises NoFeed for a web
    page that names feeds, else SourceError with the words of a gather.
    """
    settings, now = installation.settings, installation.clock()
    address = url.strip() if "://" in url else f"https://{url.strip()}"
    fetcher = installation.fetcher()
    keeping = _Keeping(fetcher)
    source = Source("", url=address, allow_private=allow_private, full_text=full_text or "none")
    zone, facets = ZoneInfo(settings.site.zone), known_facets(settings.taxonomy)
    try:
        snapshot = read_source(source, Validators(), keeping, now=now, zone=zone, facets=facets).snapshot
    except SourceError as error:
        page = keeping.answer
        feeds = feeds_named(page.body, page.url) if page and is_web_page(page.body) else []
        raise (NoFeed(str(error), feeds[:_MOST_FEEDS]) if feeds else error) from None
    assert snapshot is not None and keeping.answer is not None
    answer, taken = keeping.answer, {each.name for each in settings.sources}
    name = free_name(snapshot.title, taken, urlsplit(answer.url).hostname or "")
    source = replace(source, name=name, url=answer.moved_to or address)
    dates = [each.published for each in snapshot.sightings if each.published]
    return TriedSource(
        name, snapshot.title, answer.url, len(snapshot.sightings), len(snapshot.sightings) - len(dates),
        max(dates, default=None), min(dates, default=None), snapshot.problems,
        tuple(_notes(installation, address, answer)), tuple(_shown(installation, source, snapshot, fetcher, now)),
        source_table(name, str(source.url), full_text=full_text, allow_private=allow_private),
    )  # fmt: skip


class _Keeping:
    """Fetches by an ordinary fetcher, and keeps the answer."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.answer: Fetched | None = None

    def fetch(self, url: str, **how: Any) -> Fetched:
        """Return the answer of `url`, or raise SourceError."""
        answer = self._fetcher.fetch(url, **how)
        self.answer = answer
        return answer


def _notes(installation: Installation, address: str, answer: Fetched) -> list[str]:
    """Return lines about an address: where it leads, which source has it already, that it may hold a key."""
    notes, final = [], answer.moved_to or address
    if answer.moved_to:
        notes.append(f"it has moved for good to {without_secrets(answer.moved_to)}: the table has that address")
    elif address_key(answer.url) != address_key(address):
        notes.append(f"for now it redirects to {without_secrets(answer.url)}: the table keeps the address you gave")
    notes += [
        f"it is the source {source.name!r} already, in {source.named_in}"
        for source in installation.settings.sources
        if source.url and address_key(source.url) in {address_key(each) for each in (address, final, answer.url)}
    ]
    if without_secrets(final) != final:
        notes.append("its address may hold a key: show the table to nobody who may not read the feed")
    return notes


def _shown(
    installation: Installation, source: Source, snapshot: Snapshot, fetcher: Fetcher, now: datetime
) -> list[TriedEntry]:
    """Return the newest entries, those without a date last, each as it would be classified."""
    oldest = datetime.min.replace(tzinfo=UTC)
    newest = sorted(snapshot.sightings, key=lambda each: each.published or oldest, reverse=True)[:SHOWN]
    with reading(installation.engine) as conn:
        keys = {id(each): keys_of(each, source.name) for each in newest}
        stored = entries.stored_keys(conn, [key for some in keys.values() for key in some.values()])
    texts = _page_texts(installation, source, newest, fetcher, now)
    classifier = careful_classifier(installation)
    tried = []
    for number, sighting in enumerate(newest):
        text, page = texts.get(number, ("", ""))
        facets = classifier.classify(with_whole_text(sighting, text), source)
        numbers = [stored.keys.get(key) for kind, key in keys[id(sighting)].items() if kind in (GUID, LINK, ANCHOR)]
        entry = next((each for each in numbers if each is not None), None)
        here = f"entry {entry} of {stored.entries[entry].source!r}" if entry and entry in stored.entries else ""
        kind = facets.kind or kind_of(sighting, source)
        tried.append(TriedEntry(sighting, kind, facets, sign_of(sighting, now).why, here, page))
    return tried


def _page_texts(
    installation: Installation, source: Source, newest: Sequence[Sighting], fetcher: Fetcher, now: datetime
) -> dict[int, tuple[str, str]]:
    """Return, by place, the text of each page that `full_text` asks for, and what became of it in words."""
    if source.full_text == "none":
        return {}
    from digest.editions.full_texts import ask_for_texts, tells_of
    from digest.editions.pages import page_of

    wanted = {
        number: page
        for number, sighting in enumerate(newest)
        if (source.full_text == "all" or kind_of(sighting, source) == CASE_STUDY)
        and (page := page_of(number, sighting.link, source))
    }
    answers, _ = ask_for_texts(installation, list(wanted.values()), fetcher, now)
    texts = {}
    for number in wanted:
        answer = answers.get(number)
        if answer is None:
            texts[number] = ("", "its page was not asked: the time for all pages was over, or its host is slow")
        elif answer.problem:
            texts[number] = ("", f"its page cannot be read: {answer.problem}")
        elif not tells_of(answer.text, newest[number]):
            texts[number] = ("", "its page does not tell of it")
        else:
            texts[number] = (answer.text, f"its page was read: {len(answer.text):,} characters")
    return texts
