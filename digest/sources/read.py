"""Read one source, from the web, a file or a folder, and return what it shows now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from digest.errors import SourceError
from digest.facets.known import KNOWN_REGIONS
from digest.model import Sighting, Snapshot, Source
from digest.sources.formats.listing import open_file
from digest.sources.formats.parts import Parts, cut_feed
from digest.sources.formats.tidy import CUT_OFF
from digest.sources.sandbox.child import parse_limited
from digest.sources.web.fetch import Fetched
from digest.sources.web.guard import endpoint
from digest.sources.web.login import Login, login_of
from digest.sources.web.unpack import Unpacker
from subscribers.facets import KnownFacets

MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """Hold the id and the date of an entry that the last reading showed."""

    number: int
    published: datetime


@dataclass(frozen=True, slots=True)
class KnownEntries:
    """Hold what the last reading knew: the feed's `envelope` (see `parts`), and entries by the hash of their bytes.

    Only an entry whose sighting no clock changes is among them: dated in the past, and without any time limit.
    """

    envelope: str
    entries: Mapping[str, KnownEntry]

    def to_text(self) -> str:
        """Return them as JSON."""
        rows = {each: [entry.number, entry.published.isoformat()] for each, entry in self.entries.items()}
        return json.dumps({"envelope": self.envelope, "entries": rows})

    @classmethod
    def from_text(cls, text: str | None) -> Self | None:
        """Return what `to_text` wrote; None for nothing, and for what another version wrote in another form."""
        try:
            document = json.loads(text or "null")
            rows = document["entries"].items()
            entries = {each: KnownEntry(number, datetime.fromisoformat(date)) for each, (number, date) in rows}
            return cls(document["envelope"], entries)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None  # then the feed is parsed in full


@dataclass(frozen=True, slots=True)
class Validators:
    """Hold what to store of the last good reading, so that an unchanged source is not parsed again."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    entries: KnownEntries | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold one reading of one source.

    `status` is "ok", or "not-modified" (then `snapshot` is None). Store `validators` in the transaction that stores
    the snapshot, because after a lost snapshot a later "not modified" would hide its entries. `moved_to` is the
    address that permanent redirects led to; adopt it only after several equal answers. `url` is where a feed of the
    web came from.

    `parts` are the feed cut into its entries, where it can be, one for each sighting of a snapshot without problems.
    `skipped` has the ids of the entries that the last reading knew, by their place among the sightings, which hold
    no more than a date there; `in_full` reads them again. The last `on_older_pages` sightings stood on older pages of
    the feed.
    """

    status: str
    snapshot: Snapshot | None
    validators: Validators
    moved_to: str | None = None
    parts: Parts | None = None
    skipped: Mapping[int, int] = field(default_factory=dict)
    in_full: Callable[[], Snapshot] | None = None
    url: str = ""
    on_older_pages: int = 0


class Fetches(Protocol):
    """Say what reading a source needs of a fetcher (digest.sources.web.fetch.Fetcher)."""

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        allow_private: bool = False,
        login: Login | None = None,
    ) -> Fetched:
        """Return the answer of `url`, or raise SourceError."""


def read_source(
    source: Source,
    last: Validators,
    fetcher: Fetches,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    facets: KnownFacets = KNOWN_REGIONS,
) -> Reading:
    """Return what `source` shows now, or that it is unchanged since `last`; `zone` is the site's.
    `facets` has the regions that an entry may declare.

    Raises SourceError with one line that names the place and the cure; `last` stays true then.
    """
    if source.url is not None:
        return _from_web(source, source.url, last, fetcher, now)
    if source.path is None:
        raise SourceError(f"the source {source.name} has neither url nor path; give it one")
    path = Path(source.path)
    try:
        is_folder = path.is_dir()
    except OSError as error:  # such as a name that is too long
        raise SourceError(f"{str(path)[:200]} cannot be looked at ({error.strerror}); correct the path") from None
    if is_folder:
        from digest.sources.formats.folder import read_folder  # here, because Markdown is slow to import

        return Reading("ok", read_folder(path, now=now, zone=zone, facets=facets), Validators())
    return _from_file(path, last, now)


def _from_web(source: Source, url: str, last: Validators, fetcher: Fetches, now: datetime) -> Reading:
    login = login_of(source, url)
    answer = fetcher.fetch(
        url, etag=last.etag, last_modified=last.last_modified, allow_private=source.allow_private, login=login
    )
    if answer.status == "not-modified":
        kept = Validators(answer.etag, answer.last_modified, last.body_hash)
        return Reading("not-modified", None, kept, answer.moved_to)
    validators = Validators(answer.etag, answer.last_modified, _hash(answer.body))
    if validators.body_hash == last.body_hash:
        return Reading("not-modified", None, validators, answer.moved_to)
    reading = _parsed(_Bytes(answer.body, answer.content_type, answer.url), last.entries, now)
    assert reading.snapshot is not None
    validators = _worth_keeping(reading.snapshot, validators)
    return replace(reading, validators=validators, moved_to=answer.moved_to, url=answer.url)


def read_page(source: Source, url: str, fetcher: Fetches, now: datetime) -> Snapshot:
    """Return what an older page of a source shows. Raises SourceError."""
    configured = source.url or url
    # The feed may be elsewhere by a redirect. The permission is for the service that config.toml names alone.
    is_private = source.allow_private and endpoint(configured) == endpoint(url)
    answer = fetcher.fetch(url, allow_private=is_private, login=login_of(source, configured))
    return _Bytes(answer.body, answer.content_type, answer.url).parse(now)


@dataclass(frozen=True, slots=True)
class _Bytes:
    body: bytes
    content_type: str
    base_url: str

    def parse(self, now: datetime, body: bytes | None = None) -> Snapshot:
        """Return what the feed shows, or what `body` shows in its stead."""
        return parse_limited(
            self.body if body is None else body, content_type=self.content_type, base_url=self.base_url, now=now
        )


def _parsed(feed: _Bytes, last: KnownEntries | None, now: datetime) -> Reading:
    """Return the reading of a feed: in full, or only those entries that the last reading did not know."""
    parts = cut_feed(feed.body, content_type=feed.content_type, base_url=feed.base_url)
    if parts and last and parts.envelope == last.envelope:
        hashes = parts.hashes
        places = {place: last.entries[each] for place, each in enumerate(hashes) if each in last.entries}
        fresh = len(hashes) - len(places)
        part = feed.parse(now, parts.without(last.entries)) if fresh and places else Snapshot(())
        if places and len(part.sightings) == fresh and not part.problems and not part.deleted:
            rest = iter(part.sightings)
            sightings = tuple(
                Sighting(None, None, "", places[place].published) if place in places else next(rest)
                for place in range(len(hashes))
            )
            ids = {place: entry.number for place, entry in places.items()}
            snapshot = replace(part, sightings=sightings)
            return Reading("ok", snapshot, Validators(), None, parts, ids, partial(feed.parse, now))
    snapshot = feed.parse(now)
    return Reading("ok", snapshot, Validators(), None, _fitting(parts, snapshot))


def read_in_full(reading: Reading) -> Reading:
    """Return a reading with every sighting, because what it left out turns out to be needed. Raises SourceError."""
    assert reading.in_full is not None
    snapshot = reading.in_full()
    validators = _worth_keeping(snapshot, reading.validators)
    return Reading("ok", snapshot, validators, reading.moved_to, _fitting(reading.parts, snapshot))


def _fitting(parts: Parts | None, snapshot: Snapshot) -> Parts | None:
    """Return the parts of a feed when each has its sighting, in their order, and nothing in the feed was mended."""
    is_clean = not snapshot.problems and not snapshot.deleted
    return parts if parts and is_clean and len(snapshot.sightings) == len(parts.entries) else None


def _from_file(path: Path, last: Validators, now: datetime) -> Reading:
    if not path.is_file():
        raise SourceError(f"there is no file or folder {path}; correct the path of the source")
    unpacker = Unpacker(MAX_BYTES)
    try:
        with open_file(path) as file:
            while piece := file.read(1 << 20):
                unpacker.feed(piece)
        body = unpacker.finish()
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    validators = Validators(body_hash=_hash(body))
    if validators.body_hash == last.body_hash:
        return Reading("not-modified", None, validators)
    kind = "application/feed+json" if path.suffix == ".json" else ""
    reading = _parsed(_Bytes(body, kind, ""), last.entries, now)
    assert reading.snapshot is not None
    return replace(reading, validators=_worth_keeping(reading.snapshot, validators))


def _worth_keeping(snapshot: Snapshot, validators: Validators) -> Validators:
    # Store no validators for a feed that was cut off, because "not modified" would hide its last entry next time.
    return Validators() if CUT_OFF in snapshot.problems else validators


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
