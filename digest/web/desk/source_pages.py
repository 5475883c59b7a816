"""Show how each source does, mute one, and try a new one."""

from __future__ import annotations

import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.desk.log import act_in_words
from digest.desk.sources import (
    SourceHealth,
    held_in_words,
    mute_source,
    silence_in_words,
    source_health,
    source_name,
    unmute_source,
)
from digest.desk.try_source import NoFeed, TriedEntry, try_source
from digest.errors import SourceError, WrongUse, without_secrets
from digest.model import Source
from digest.store import acts
from digest.store.engine import reading
from digest.web.desk.page import EDITOR, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters

_AT_ONCE = 2  # sources that are tried at once, because each holds a thread of the server until it has answered
_MOST_RESULTS = 20  # of tries that are kept for the page that tells them
_NOT_KEPT = "This result is not kept any more; try the address again."
_FIRST = ("gone", "failing", "silent")  # a person looks at these first
_HIGHEST, _STEP, _LEAST = 24, 8, 4  # of a bar: its height, its width with the gap, the number that fills it


def _page(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    listed = source_health(desk.installation)
    listed.sort(key=lambda row: _FIRST.index(row.standing) if row.standing in _FIRST else len(_FIRST))
    values = {
        "title": "Sources",
        "rows": [(row, _about(desk, row)) for row in listed],
        "counts": Counter(row.standing for row in listed),
        "muted": sum(row.mute is not None for row in listed),
        "moment": _moments(desk),
        "silence": silence_in_words,
        "done": _done(desk, query, listed),
        "may_edit": asker.may(EDITOR),
    }
    return DeskAnswer("sources.html.j2", values)


def _about(desk: Desk, row: SourceHealth) -> dict[str, Any]:
    """Return what the page shows of a source beside its health: its address or file, and its bars."""
    address, most = _address(row.source, desk.installation.settings.home), max(*row.weeks, _LEAST)
    heights = [-(-count * _HIGHEST // most) for count in row.weeks]
    return {
        "address": address.removeprefix("https://"),
        "problem": row.problem.removeprefix(f"{address.partition('?')[0]}: "),
        "bars": [(number * _STEP, _HIGHEST - height, height) for number, height in enumerate(heights) if height],
        "weeks": ", ".join(map(str, row.weeks)),
        "total": sum(row.weeks),
    }


def _address(source: Source, home: Path) -> str:
    """Return where a source is read, without any key in its address; a file as config.toml names it."""
    return without_secrets(source.url) if source.url else os.path.relpath(str(source.path), home)


def _moments(desk: Desk) -> Callable[[datetime | None], str]:
    """Return a function that writes an instant as a local day and hour, the year only where it is another one."""
    year = desk.hour(desk.installation.clock(), "%Y")

    def moment(at: datetime | None) -> str:
        return desk.hour(at, "%-d %b %H:%M" if desk.hour(at, "%Y") == year else "%-d %b %Y")

    return moment


def _done(desk: Desk, query: Parameters, listed: Sequence[SourceHealth]) -> list[str]:
    """Return the act that a form has just done in a sentence, and what stays held after an unmute."""
    number = query.number("done")
    with reading(desk.installation.engine) as conn:
        act = acts.get(conn, number) if number else None
    if act is None or act.verb not in ("mute", "unmute"):
        return []
    held = [row for row in listed if source_name(row.source.name) == act.object_name and row.held and not row.mute]
    return [act_in_words(act), *(held_in_words(row.source.name, row.held) for row in held)]


def _mute(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    name, wanted = form.text("source"), form.text("do")
    if wanted not in ("mute", "unmute"):
        raise WrongUse("the form says neither mute nor unmute; nothing was changed")
    act = mute_source if wanted == "mute" else unmute_source
    act(desk.installation, name, asker.hand(form))
    with reading(desk.installation.engine) as conn:
        done = acts.version_of(conn, source_name(name))
    return DeskAnswer(location=f"/desk/sources?done={done}")


def _try_form(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    if not query.has("result"):
        return DeskAnswer("source_try.html.j2", _trying(query.text("url")))
    values = _results(desk).get((asker.name, query.text("result")))
    return DeskAnswer("source_try.html.j2", values or _trying("", problem=_NOT_KEPT))


def _try(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    url = form.text("url").strip()
    if not url:
        return DeskAnswer("source_try.html.j2", _trying("", problem="Write the address of a feed, or of its site."))
    turns = desk.kept.setdefault("tries", threading.BoundedSemaphore(_AT_ONCE))
    if not turns.acquire(blocking=False):
        busy = "Other sources are being tried just now; try this one again in a moment."
        return DeskAnswer("source_try.html.j2", _trying(url, problem=busy), status=503)
    try:
        values = _tried(desk, url)
    finally:
        turns.release()
    # Kept, and led to, because a page that is loaded again would otherwise ask the source once more.
    results, number = _results(desk), secrets.token_urlsafe(9)
    results[asker.name, number] = values
    for old in list(results)[:-_MOST_RESULTS]:
        results.pop(old, None)
    return DeskAnswer(location=f"/desk/sources/try?result={number}")


def _results(desk: Desk) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest results, oldest first, by the name of the person who tried a source and by their number."""
    results: dict[tuple[str, str], dict[str, Any]] = desk.kept.setdefault("tried", {})
    return results


def _tried(desk: Desk, url: str) -> dict[str, Any]:
    """Try a source; return the values of the page that tells what it brings, or why it cannot be read."""
    try:
        tried = try_source(desk.installation, url)
    except NoFeed as error:
        problem = _sentence(error).partition(" (the page names")[0]  # because the page lists them, whole
        return _trying(url, problem=problem, feeds=error.feeds)
    except SourceError as error:
        return _trying(url, problem=_sentence(error))
    return _trying(url, tried=tried, facet_name=desk.installation.settings.taxonomy.name)


def _trying(url: str, **values: Any) -> dict[str, Any]:
    """Return the values of the page on which a source is tried; those that are not given are empty."""
    nothing = {"problem": "", "feeds": (), "tried": None, "facet_name": str}
    return {"title": "Try a source", "url": url, "evidence": _evidence, **nothing, **values}


def _evidence(entry: TriedEntry, facet: str, slug: str) -> str:
    """Return the evidence of a facet's value, "" without any."""
    return "; ".join(each.detail for each in entry.facets.evidence if (each.facet, each.slug) == (facet, slug))


def _sentence(error: SourceError) -> str:
    text = str(error)
    return text if text.startswith("http") else text[:1].upper() + text[1:]


PAGES = (
    DeskPage("/desk/sources", VIEWER, get=_page, post=_mute, post_role=EDITOR),
    DeskPage("/desk/sources/try", EDITOR, get=_try_form, post=_try),
)
