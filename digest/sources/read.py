"""Read one source, from the web, a file or a folder, and return what it shows now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol

from digest.errors import SourceError
from digest.model import Snapshot, Source
from digest.sources.formats.folder import read_folder
from digest.sources.formats.listing import open_file
from digest.sources.formats.tidy import CUT_OFF
from digest.sources.sandbox.child import parse_limited
from digest.sources.web.fetch import Fetched
from digest.sources.web.unpack import Unpacker

MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Validators:
    """Hold what to store of the last good reading, so that an unchanged source is not parsed again."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold one reading of one source.

    `status` is "ok", or "not-modified" (then `snapshot` is None). Store `validators` in the transaction that stores
    the snapshot, because after a lost snapshot a later "not modified" would hide its entries. `moved_to` is the
    address that permanent redirects led to; adopt it only after several equal answers.
    """

    status: str
    snapshot: Snapshot | None
    validators: Validators
    moved_to: str | None = None


class Fetches(Protocol):
    """Say what reading a source needs of a fetcher (digest.sources.web.fetch.Fetcher)."""

    def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None, allow_private: bool = False
    ) -> Fetched:
        """Return the answer of `url`, or raise SourceError."""


def read_source(source: Source, last: Validators, fetcher: Fetches, *, now: datetime, zone: tzinfo = UTC) -> Reading:
    """Return what `source` shows now, or that it is unchanged since `last`; `zone` is the site's.

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
        return Reading("ok", read_folder(path, now=now, zone=zone), Validators())
    return _from_file(path, last, now)


def _from_web(source: Source, url: str, last: Validators, fetcher: Fetches, now: datetime) -> Reading:
    answer = fetcher.fetch(url, etag=last.etag, last_modified=last.last_modified, allow_private=source.allow_private)
    if answer.status == "not-modified":
        kept = Validators(answer.etag, answer.last_modified, last.body_hash)
        return Reading("not-modified", None, kept, answer.moved_to)
    validators = Validators(answer.etag, answer.last_modified, _hash(answer.body))
    if validators.body_hash == last.body_hash:
        return Reading("not-modified", None, validators, answer.moved_to)
    snapshot = parse_limited(answer.body, content_type=answer.content_type, base_url=answer.url, now=now)
    return Reading("ok", snapshot, _worth_keeping(snapshot, validators), answer.moved_to)


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
    snapshot = parse_limited(body, content_type=kind, base_url="", now=now)
    return Reading("ok", snapshot, _worth_keeping(snapshot, validators))


def _worth_keeping(snapshot: Snapshot, validators: Validators) -> Validators:
    # Store no validators for a feed that was cut off, because "not modified" would hide its last entry next time.
    return Validators() if CUT_OFF in snapshot.problems else validators


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
