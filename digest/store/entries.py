"""Store the gathered entries, with their facets and the keys by which each is recognised again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from digest.model import Entry, EntryEdit, Evidence, Facets, Image, Ingredient, NamedLink, Sighting
from digest.store.schema import entry, entry_key, release
from subscribers.database import among, chunks, dialect_insert

if TYPE_CHECKING:
    from digest.sources.newness import New, Recognised, StoredEntry, StoredKeys

_DAYS = 15  # in one statement
_TEXT = case((entry.c.html == "", entry.c.summary), else_=entry.c.html)
# Made once, because to make it takes longer than to look the entries up.
_OF_DAYS = select(entry.c.id, entry.c.published, func.substr(_TEXT, 1, bindparam("start", type_=Integer))).where(
    or_(*(entry.c.published.between(bindparam(f"from{n}"), bindparam(f"to{n}")) for n in range(_DAYS)))
)
# Of an `Entry`, without the text, which is long.
_COLUMNS: tuple[Any, ...] = (
    entry.c.id, entry.c.source, entry.c.url, entry.c.title, entry.c.kind, entry.c.published, entry.c.first_seen,
    entry.c.summary, entry.c.author, entry.c.language, entry.c.image, entry.c.place, entry.c.policy_areas,
    entry.c.regions, entry.c.themes, entry.c.evidence, entry.c.state, entry.c.held_why, entry.c.duplicate_of,
    entry.c.publisher,
)  # fmt: skip


def stored_keys(conn: Connection, keys: Iterable[str]) -> StoredKeys:
    """Return the entry that each of `keys` leads to (None: several), and the stored facts of these entries."""
    from digest.sources.newness import StoredKeys  # here, because only reading a source needs it

    entry_ids: dict[str, int | None] = {}
    for chunk in chunks(sorted(set(keys))):
        rows = conn.execute(
            select(entry_key.c.key, entry_key.c.entry_id).where(among(conn, entry_key.c.key, chunk))
        ).all()
        entry_ids.update((row.key, row.entry_id) for row in rows)
    facts: dict[int, StoredEntry] = {}
    for ids in chunks(sorted({i for i in entry_ids.values() if i is not None})):
        facts.update(_stored(conn, among(conn, entry.c.id, ids)))
    return StoredKeys(entry_ids, facts)


def of_days(
    conn: Connection, moments: Iterable[datetime], may_be: Callable[[str], bool], start: int
) -> dict[int, StoredEntry]:
    """Return the stored facts of the entries that may be one of several texts, dated at `moments`.

    These are the entries of the very same moments, and those dated within a day of any whose text begins as one of
    the texts does: `may_be` judges its first `start` characters. No more of the others is read, because all sources
    together have many entries of a day.
    """
    at = set(moments)
    numbers: set[int] = set()
    days = sorted({moment.replace(hour=0, minute=0, second=0, microsecond=0) for moment in at})
    for some in chunks(days, _DAYS):
        some += some[-1:] * (_DAYS - len(some))  # always as many, because the statement is made once
        # Take an hour more at both ends, because a local day is not a day of UTC.
        spans = {f"from{n}": day - timedelta(hours=1) for n, day in enumerate(some)}
        spans |= {f"to{n}": day + timedelta(hours=25) for n, day in enumerate(some)}
        rows = conn.execute(_OF_DAYS, {**spans, "start": start}).all()
        numbers.update(number for number, published, begins in rows if published in at or may_be(begins))
    facts: dict[int, StoredEntry] = {}
    for ids in chunks(sorted(numbers)):
        facts.update(_stored(conn, among(conn, entry.c.id, ids)))
    return facts


def _stored(conn: Connection, condition: ColumnElement[bool]) -> dict[int, StoredEntry]:
    from digest.sources.newness import StoredEntry

    columns = (entry.c.source, entry.c.title, entry.c.url, entry.c.published, _TEXT, entry.c.print)
    # All at once, because to fetch each row by itself takes as long again.
    rows = conn.execute(select(entry.c.id, *columns).where(condition)).all()
    return {number: StoredEntry(*facts) for number, *facts in rows}


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Hold a sighting that is to become an entry; `kind` and `state` are those of `digest.model.Entry`.

    `held_by` and `held_why` are those of `digest.sources.withdrawal.Stand`.
    """

    source: str
    new: New
    kind: str
    facets: Facets
    state: str
    held_by: str = ""
    held_why: str = ""


def add(conn: Connection, arrivals: Sequence[NewEntry], now: datetime) -> list[int]:
    """Store new entries, in this order, with the keys that each is recognised by; return their ids."""
    if not arrivals:
        return []
    rows = [_new_values(arrival, now) for arrival in arrivals]
    ids = conn.scalars(insert(entry).returning(entry.c.id, sort_by_parameter_order=True), rows)
    numbers = [int(number) for number in ids]
    _add_keys(conn, [(key, n) for n, each in zip(numbers, arrivals, strict=True) for key in each.new.keys])
    return numbers


def _new_values(arrival: NewEntry, now: datetime) -> dict[str, Any]:
    sighting = arrival.new.sighting
    return {
        **_text_values(sighting), **_facet_values(arrival.facets),
        "source": arrival.source, "guid": sighting.guid, "kind": arrival.kind, "published": sighting.published,
        "first_seen": now, "state": arrival.state, "held_by": arrival.held_by, "held_why": arrival.held_why,
        "not_before": sighting.not_before, "not_after": sighting.not_after,
    }  # fmt: skip


def refresh(conn: Connection, recognised: Recognised, facets: Facets | None) -> None:
    """Store a recognised entry's new keys and, where its text has changed, the new text.

    `facets` None: leave them. An editor's facets are never overwritten, nor is a date that is already stored.
    """
    _add_keys(conn, [(key, recognised.entry) for key in recognised.keys])
    if not recognised.changed:
        return
    row = conn.execute(select(entry.c.published, entry.c.retagged).where(entry.c.id == recognised.entry)).one()
    values = _text_values(recognised.sighting)
    if row.published is None:
        values["published"] = recognised.sighting.published
    if facets is not None and not row.retagged:
        values |= _facet_values(facets)
    conn.execute(update(entry).where(entry.c.id == recognised.entry).values(values))


def remove(conn: Connection, numbers: Iterable[int]) -> None:
    """Remove entries that were never released, with their keys."""
    for chunk in chunks(sorted(numbers)):
        conn.execute(delete(entry_key).where(entry_key.c.entry_id.in_(chunk)))
        conn.execute(delete(entry).where(entry.c.id.in_(chunk)))


def spoil(conn: Connection, keys: Sequence[str]) -> None:
    """Store that `keys` identify no single entry."""
    for chunk in chunks(keys):
        stored = set(conn.scalars(select(entry_key.c.key).where(entry_key.c.key.in_(chunk))))
        conn.execute(update(entry_key).where(entry_key.c.key.in_(chunk)).values(entry_id=None))
        fresh = [{"key": key, "entry_id": None} for key in chunk if key not in stored]
        if fresh:
            conn.execute(insert(entry_key), fresh)


def get(conn: Connection, number: int) -> Entry | None:
    """Return one entry, or None."""
    row = conn.execute(select(*_COLUMNS).where(entry.c.id == number)).one_or_none()
    return _entry(row) if row else None


def find(conn: Connection, url: str) -> Entry | None:
    """Return the entry with exactly this address, or None."""
    row = conn.execute(select(*_COLUMNS).where(entry.c.url == url).order_by(entry.c.id).limit(1)).one_or_none()
    return _entry(row) if row else None


def body(conn: Connection, number: int) -> str:
    """Return an entry's sanitised html ("" when it has none)."""
    return conn.scalar(select(entry.c.html).where(entry.c.id == number)) or ""


def bodies(conn: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Return the sanitised html of entries by id; of an entry without any, its summary as it is stored."""
    texts: dict[int, str] = {}
    for chunk in chunks(sorted(set(numbers))):
        texts.update((row[0], row[1]) for row in conn.execute(select(entry.c.id, _TEXT).where(entry.c.id.in_(chunk))))
    return texts


def sighting(conn: Connection, number: int) -> Sighting:
    """Return what is stored of an entry as the sighting it came from, without what its source declared."""
    columns = (entry.c.guid, entry.c.url, entry.c.title, entry.c.published, entry.c.summary, entry.c.html)
    row = conn.execute(select(*columns, entry.c.categories).where(entry.c.id == number)).one()
    return Sighting(
        row.guid, row.url, row.title, row.published, row.summary, row.html, categories=tuple(row.categories)
    )


def stored_prints(conn: Connection, source: str, prints: Iterable[str]) -> set[str]:
    """Return which of these prints (`print_of`) are those of entries of a source."""
    stored: set[str] = set()
    for chunk in chunks(sorted(set(prints))):
        stored.update(
            conn.scalars(select(entry.c.print).where(entry.c.source == source, among(conn, entry.c.print, chunk)))
        )
    return stored


def many(conn: Connection, ids: Iterable[int]) -> dict[int, Entry]:
    """Return entries by id."""
    by_id: dict[int, Entry] = {}
    for chunk in chunks(sorted(set(ids))):
        # All at once, because to fetch each row by itself takes as long again.
        rows = conn.execute(select(*_COLUMNS).where(entry.c.id.in_(chunk))).all()
        by_id.update((row.id, _entry(row)) for row in rows)
    return by_id


def listing(
    conn: Connection,
    *,
    since: datetime | None = None,
    state: str | None = None,
    source: str | None = None,
    limit: int | None = None,
) -> Iterator[Entry]:
    """Yield the entries that fit all the given conditions, the latest first seen first; at most `limit`."""
    query: Select[Any] = select(*_COLUMNS).order_by(entry.c.first_seen.desc(), entry.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(entry.c.first_seen >= since)
    if state is not None:
        query = query.where(entry.c.state == state)
    if source is not None:
        query = query.where(entry.c.source == source)
    for row in conn.execute(query):
        yield _entry(row)


def dropped_between(conn: Connection, low: int, high: int, *, limit: int) -> list[Entry]:
    """Return the dropped entries of the releases with low < number ≤ high, the latest released first."""
    came_by = select(release.c.entry_id).where(release.c.number > low, release.c.number <= high)
    query = select(*_COLUMNS).where(entry.c.state == "dropped", entry.c.id.in_(came_by))
    return [_entry(row) for row in conn.execute(query.order_by(entry.c.id.desc()).limit(limit))]


def ready_titles(conn: Connection, since: datetime) -> Sequence[tuple[int, str]]:
    """Return (id, title) of the ready entries first seen since an instant."""
    query = select(entry.c.id, entry.c.title).where(entry.c.state == "ready", entry.c.first_seen >= since)
    # All at once, because to fetch each row by itself takes as long again.
    return [(row[0], row[1]) for row in conn.execute(query).all()]


def retagged(conn: Connection, among: Sequence[int] | None = None) -> set[int]:
    """Return the ids of the entries whose facets an editor has given; `among`: only of these few."""
    query = select(entry.c.id).where(entry.c.retagged)
    return set(conn.scalars(query if among is None else query.where(entry.c.id.in_(among))))


def count(conn: Connection, state: str) -> int:
    """Return how many entries are in `state` (see model.Entry)."""
    return conn.scalar(select(func.count()).where(entry.c.state == state)) or 0


def set_state(conn: Connection, number: int, state: str) -> None:
    """Move an entry to `state` (see model.Entry)."""
    conn.execute(update(entry).where(entry.c.id == number).values(state=state))


def classify(conn: Connection, number: int, facets: Facets) -> None:
    """Give an entry the facets that it was stored without."""
    conn.execute(update(entry).where(entry.c.id == number).values(_facet_values(facets)))


def retag(conn: Connection, number: int, facets: Facets) -> None:
    """Give an entry the editor's facets; no later gather changes them."""
    conn.execute(update(entry).where(entry.c.id == number).values(_facet_values(facets) | {"retagged": True}))


def set_facets(conn: Connection, number: int, facets: Facets, kind: str, *, retagged: bool) -> None:
    """Set an entry's facets and kind as they were; `retagged`: an editor had given them."""
    values = _facet_values(facets) | {"kind": kind, "retagged": retagged}
    conn.execute(update(entry).where(entry.c.id == number).values(values))


def to_json(item: Entry, *, evidence: bool = True) -> dict[str, Any]:
    """Return an entry as the JSON document that the command line prints; `evidence` false: without evidence."""
    return {
        "id": item.id,
        "source": item.source,
        "url": item.url,
        "title": item.title,
        "kind": item.kind,
        "published": item.published.isoformat() if item.published else None,
        "first_seen": item.first_seen.isoformat(),
        "policy_areas": list(item.facets.policy_areas),
        "regions": list(item.facets.regions),
        "themes": list(item.facets.themes),
        "place": item.facets.place,
        "evidence": [asdict(e) for e in item.facets.evidence] if evidence else [],
        "state": item.state,
        "summary": item.summary,
        "author": item.author,
        "language": item.language,
        "image": asdict(item.image) if item.image else None,
        **({"publisher": item.publisher} if item.publisher else {}),
    }


def from_json(document: dict[str, Any]) -> Entry:
    """Return the entry that `to_json` wrote."""
    return Entry(
        id=document["id"],
        source=document["source"],
        url=document["url"],
        title=document["title"],
        kind=document["kind"],
        published=datetime.fromisoformat(document["published"]) if document["published"] else None,
        first_seen=datetime.fromisoformat(document["first_seen"]),
        summary=document["summary"],
        author=document["author"],
        language=document["language"],
        image=Image(**document["image"]) if document["image"] else None,
        facets=Facets(
            tuple(document["policy_areas"]), tuple(document["regions"]), tuple(document["themes"]),
            tuple(Evidence(**e) for e in document["evidence"]), document["place"],
        ),
        state=document["state"],
        carried_from=document.get("carried_from", ""),
        earlier=NamedLink(**document["earlier"]) if document.get("earlier") else None,
        also_at=tuple(NamedLink(**link) for link in document.get("also_at", ())),
        ingredients=tuple(
            Ingredient(**line | {"barriers": tuple(line["barriers"])}) for line in document.get("ingredients", ())
        ),
        edit=_edit(document.get("edit")),
        publisher=document.get("publisher", ""),
    )  # fmt: skip


def _edit(document: dict[str, Any] | None) -> EntryEdit | None:
    return EntryEdit(**document | {"not_for": tuple(document["not_for"])}) if document else None


def _text_values(sighting: Sighting) -> dict[str, Any]:
    from digest.sources.newness import print_of

    return {
        "url": sighting.link, "title": sighting.title, "summary": sighting.summary, "html": sighting.html,
        "author": sighting.author, "publisher": sighting.publisher, "language": sighting.language,
        "image": asdict(sighting.image) if sighting.image else None,
        "categories": list(sighting.categories), "print": print_of(sighting),
    }  # fmt: skip


def _facet_values(facets: Facets) -> dict[str, Any]:
    kind = {"kind": facets.kind} if facets.kind else {}
    return {
        "place": facets.place, "policy_areas": list(facets.policy_areas), "regions": list(facets.regions),
        "themes": list(facets.themes), "evidence": [asdict(e) for e in facets.evidence], **kind,
    }  # fmt: skip


def _add_keys(conn: Connection, pairs: Sequence[tuple[str, int]]) -> None:
    """Store the entry that each key leads to."""
    # Stored keys are left as they are, because two copies of an entry in one gather may bring the same key twice.
    first = dict(reversed(pairs))
    if first:
        adding = dialect_insert(conn)(entry_key).on_conflict_do_nothing()
        conn.execute(adding, [{"key": key, "entry_id": number} for key, number in first.items()])


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id, source=row.source, url=row.url, title=row.title, kind=row.kind, published=row.published,
        first_seen=row.first_seen, summary=row.summary, author=row.author, language=row.language,
        image=Image(**row.image) if row.image else None,
        facets=Facets(
            tuple(row.policy_areas), tuple(row.regions), tuple(row.themes),
            tuple(Evidence(**e) for e in row.evidence), row.place,
        ),
        state=row.state, held_why=_why(row), duplicate_of=row.duplicate_of, publisher=row.publisher,
    )  # fmt: skip


def _why(row: Row[Any]) -> str:
    """Return why an entry is kept back; of a near-duplicate always what it tells, because that is never stored."""
    return f"it tells what entry {row.duplicate_of} tells" if row.state == "duplicate" else str(row.held_why)
