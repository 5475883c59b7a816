"""Show the page on which an edition is made: waiting entries, one entry, and a letter, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection

from digest.desk import pool as desk_pool
from digest.desk.arrange import edition_name
from digest.desk.counts_cache import CountsAnswer, CountsCache
from digest.desk.log import act_in_words
from digest.desk.pool import EntryDetail, Pool, PoolEntry
from digest.desk.undo import is_undoable
from digest.editions.approval_story import approval_story
from digest.editions.due import coming_slot
from digest.letter.cards import title
from digest.model import INGREDIENTS, KINDS, NATIONAL, Edition, Entry, Taxonomy
from digest.store import acts, desk_counts, editions
from digest.store.acts import Act
from digest.store.engine import reading
from digest.web.desk import letter_view
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters, cadence_in, json_answer

# The fields that the address of the page keeps, in this order: the entry that is open, and the letter that is shown.
KEPT = ("entry", "reader", "area", "region", "theme", "digest", "form", "width", "dark", "pictures", "styles", "lint")
# Words for what an editor should look at: of several entries, and of one entry.
_DOUBTS = {
    "no-area": ("without a policy area: they reach only readers who follow all", "no policy area"),
    "no-place": ("whose place is unknown", "its place is unknown"),
    "question": ("with an open question", "open question"),
}


def _page(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    cadence = cadence_in(desk, query)
    installation = desk.installation
    with reading(installation.engine) as conn:
        edition = desk_pool.edition_to_work_on(conn, installation, cadence)
        shared = {"cadence": cadence, "edition": edition, "wide": True}
        if not edition.id:
            settings = installation.settings
            slot = coming_slot(conn, settings.cadence(cadence), installation.clock(), settings.site.zone)
            title = f"{cadence.capitalize()} edition"
            return DeskAnswer("no_edition.html.j2", {"title": title, "slot": slot, **shared})
        pool = desk_pool.read_pool(conn, edition)
        counted = counts_cache(desk).answer(conn, edition)
        number = query.number("entry")
        detail = desk_pool.read_detail(conn, installation, pool.entries, number) if number is not None else None
        recent = acts.listing(conn, limit=8)
        log = acts.listing(conn, object_name=edition_name(edition.id), limit=20)
        values = {
            **shared,
            **_entries(pool, counted),
            **_detail(desk, detail),
            "title": f"{cadence.capitalize()} edition of {day_of(edition)}",
            "pool": pool,
            "version": log[0].number if log else 0,
            "done": done_of(conn, query, recent),
            "recent": [(act, act_in_words(act)) for act in recent],
            "newest_act": recent[0].number if recent else 0,
            "query": kept_query(query),
            "query_with": lambda **changes: kept_query(query, **changes),
            "voided": _voided(desk, conn, edition, log),
            "next_entry": _after(pool, number),
            "steps": installation.settings.steps,
            "reader_named": query.number("reader") is not None,
            "may_edit": asker.may("editor") and edition.state != "frozen",
            **letter_view.letter_values(desk, conn, edition, query, counted),
        }
    return DeskAnswer("edition.html.j2", values)


def _voided(desk: Desk, conn: Connection, edition: Edition, log: Sequence[Act]) -> str:
    """Return how the last approval of an edition became void, "" where it did not; `log` are its newest acts."""
    if edition.state != "draft" or not any(act.verb == editions.VOIDED for act in log):
        return ""
    lines = approval_story(conn, edition, desk.installation.settings.site.zone)
    return next((line[:1].upper() + line[1:] for line in lines[::-1] if "voided" in line), "")


def _after(pool: Pool, number: int | None) -> int | None:
    """Return the entry behind another in the edition's order; None: there is none."""
    numbers = [each.shown.id for each in pool.entries]
    place = numbers.index(number) + 1 if number in numbers else len(numbers)
    return numbers[place] if place < len(numbers) else None


def _entries(pool: Pool, answer: CountsAnswer) -> dict[str, Any]:
    """Return the values of the column of entries: reach by entry, and the groups of those to look at."""
    reach = answer.counts.reach if answer.counts else {}
    groups = [(words[0], [each for each in pool.entries if code in each.doubts]) for code, words in _DOUBTS.items()]
    return {
        "reach": reach,
        "counts": answer.counts,
        "counting": answer.under_way or answer.counts is None,
        "groups": [(sentence, some) for sentence, some in groups if some],
        "evidence": evidence_of,
        "name_of": name_of,
        "doubt_words": {code: words[1] for code, words in _DOUBTS.items()},
    }


def _detail(desk: Desk, detail: EntryDetail | None) -> dict[str, Any]:
    """Return the values of the column of the entry that is open."""
    return {
        **entry_choices(desk),
        "detail": detail,
        "history": [(act, act_in_words(act)) for act in detail.acts] if detail else [],
        "ingredient_names": INGREDIENTS,
    }


def entry_choices(desk: Desk) -> dict[str, Any]:
    """Return the values of a form in which an editor gives an entry its kind and facets."""
    taxonomy = desk.installation.settings.taxonomy
    return {"kinds": KINDS, "facet_choices": _choices(taxonomy), "facet_name": taxonomy.name}


def _choices(taxonomy: Taxonomy) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return (field, label, [(slug, name)]) of the facets that an editor may give an entry."""
    regions = [(slug, name) for slug, name in taxonomy.region_names.items()]
    return [
        ("policy_areas", "Policy areas", [(term.slug, term.name) for term in taxonomy.policy_areas]),
        ("regions", "Regions", sorted(regions, key=lambda pair: pair[0] == NATIONAL)),
        ("themes", "Themes", [(term.slug, term.name) for term in taxonomy.themes]),
    ]


def evidence_of(entry: PoolEntry) -> dict[tuple[str, str], str]:
    """Return the evidence of an entry in words, by facet and slug; a value without any is left out."""
    words: dict[tuple[str, str], str] = {}
    for each in entry.stored.facets.evidence:
        key, line = (each.facet, each.slug), f"{each.by}: {each.detail}"
        words[key] = f"{words[key]}; {line}" if key in words else line
    return words


def name_of(entry: Entry) -> str:
    """Return the title of an entry, or what stands for it in letters; never empty, because it is a link."""
    return title(entry) or f"entry {entry.id}, without a title"


def counts_cache(desk: Desk) -> CountsCache:
    """Return the counts that the pages of a desk share."""
    cache: CountsCache = desk.kept.setdefault("counts", CountsCache(desk.installation))
    return cache


def done_of(conn: Connection, query: Parameters, recent: Sequence[Act] = ()) -> Mapping[str, Any] | None:
    """Return the act that a page has just done, to be told with its time and an undo; None without any.

    `recent` are the newest acts: where it is one of them, nothing is asked.
    """
    number = query.number("done")
    act = next((act for act in recent if act.number == number), None)
    if act is not None:
        undone = any(later.undoes == number for later in recent)
    else:
        act = acts.get(conn, number) if number else None
        undone = act is not None and bool(acts.undone(conn, [act.number]))
    if act is None:
        return None
    return {"act": act, "sentence": act_in_words(act), "undoable": is_undoable(act) and not undone}


def kept_query(query: Parameters, **changes: object) -> str:
    """Return what an address of the page keeps of its query, with changes; a value None or "" is left out."""
    pairs: list[tuple[str, str]] = []
    for name in KEPT:
        values: Sequence[object] = query.all(name) if name not in changes else [changes[name]]
        pairs += [(name, str(value)) for value in values if value not in (None, "")]
    return urlencode(pairs)


def back_to(cadence: str, form: Parameters, done: int = 0, *, to: str = "", **changes: object) -> DeskAnswer:
    """Return the redirect to the page that a form was sent from, where it tells the act `done`.

    `to` is the id of the part of the page that the form belongs to, so that nobody has to look for it again.
    """
    pairs = [(name, value) for name, value in parse_qsl(form.text("at")) if name in KEPT and name not in changes]
    pairs += [(name, str(value)) for name, value in changes.items() if value not in (None, "")]
    pairs += [("done", str(done))] if done else []
    query = urlencode(pairs)
    return DeskAnswer(location=f"/desk/{cadence}" + (f"?{query}" if query else "") + (f"#{to}" if to else ""))


def _news(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    """Answer the script of the page, which asks whether anything came or was done since."""
    cadence, seen = cadence_in(desk, query), query.number("after") or 0
    with reading(desk.installation.engine) as conn:
        edition = desk_pool.edition_to_work_on(conn, desk.installation, cadence)
        came = desk_counts.count_came(conn, [edition.id]).get(edition.id, 0)
        lines = [{"by": act.by, "sentence": act_in_words(act)} for act in acts.listing(conn, after=seen, limit=10)]
    return json_answer({"came": came, "acts": lines})


def day_of(edition: Edition) -> str:
    """Return the day of an edition as people say it: "Friday 6 November 2026"."""
    return f"{date.fromisoformat(edition.slot):%A %-d %B %Y}"


PAGES = (
    DeskPage("/desk/{cadence}", VIEWER, get=_page),
    DeskPage("/desk/{cadence}/news", VIEWER, get=_news),
)
