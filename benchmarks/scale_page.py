"""Write the lines of docs/scale.md that hold numbers, and its picture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.curve import draw_curves
from benchmarks.figures import rounded
from benchmarks.workers import EVENTS, SimulatedEdition, World

Measured = Mapping[str, float]
MORE = 20  # connections of a process for which an operator has raised `transport.concurrency`
HEADINGS = ("workers", "hours to the last letter", "letters an hour", "to the last event", "uncertain", "busiest")
KEPT = 400 // 7 + 1  # weekly editions whose rows are kept, with the usual [retention]
WAIT = 30  # seconds that a page waits for SQLite's write lock, as `make_engine`
_SHARES = {
    "workers": "workers", "claims": "claims", "PostgreSQL": "PostgreSQL", "provider": "provider", "web": "web",
}  # fmt: skip


class Size(NamedTuple):
    """Hold how many gigabytes of the database the readers take, and how many each edition adds."""

    readers: float
    edition: float


def table(editions: Mapping[int, SimulatedEdition]) -> list[str]:
    """Return the lines of a table in Markdown: a line for each number of workers."""
    return _lines(HEADINGS, (_row(workers, edition) for workers, edition in editions.items()))


def _row(workers: int, edition: SimulatedEdition) -> tuple[str, ...]:
    busiest = sorted(edition.shares.items(), key=lambda pair: -pair[1])[:2]
    return (
        str(workers), f"{edition.letter / 3600:.1f}", rounded(edition.states["accepted"] / edition.letter * 3600),
        f"{edition.event / 3600:.1f}", f"{edition.most_uncertain:,}, then {edition.states['uncertain']:,}",
        ", ".join(f"{_SHARES[part]} {share:.0%}" for part, share in busiest),
    )  # fmt: skip


def of_cron(measured: Measured) -> list[str]:
    """Return the lines about SQLite and cron."""
    events = measured["load-alone-webhook-sqlite"] * 100
    freeze = measured["freeze-cpu"]
    minutes = EVENTS * 1e6 / events / 60
    longest = f"{WAIT * 1000 / freeze:.0f},000"
    return _wrapped(
        f"Measured: one run to 1,000,000 readers took {measured['million-time'] / 60:.0f} minutes and",
        f"{measured['million-memory']:.0f} MB. One web process takes {rounded(events)} events a second in:",
        f"{minutes:.0f} minutes for the {EVENTS},000,000 events of these letters. A freeze costs",
        f"{freeze:.0f} µs a reader and is one transaction. Reckoned: from about {longest} readers on",
        f"it lasts longer than the {WAIT} seconds that a page waits for it.",
    )


def of_postgresql(
    measured: Measured, few: Mapping[int, SimulatedEdition], many: Mapping[int, SimulatedEdition], size: Size
) -> list[str]:
    """Return the lines about one process on PostgreSQL: simulated editions by their readers, and sizes.

    `few`: with the usual connections; `many`: with more. `size` is that of the largest of the editions.
    """
    most = max(few)
    memory = (measured["million-memory"] + measured["million-growth"] * (most - 1e6) / 9e5) / 1000
    whole = (size.readers + KEPT * size.edition) / 1000
    headings = ("readers", f"{World().connections} connections", f"{MORE} connections", "of it the freeze")
    rows = ((f"{readers:,}", _hours(few[readers]), _hours(many[readers]), _freeze(few[readers])) for readers in few)
    letters, seconds = measured["letters-many"], measured["run-many"]
    longest = f"{WAIT / (few[most].frozen - measured['start']) * most / 1000:.0f},000"
    return [
        *_wrapped(
            f"Measured: {letters:,.0f} letters cost {seconds:,.0f} seconds of processor time, PostgreSQL's included.",
            "Simulated, one process over SMTP, until the last letter has left:",
        ),
        "",
        *_lines(headings, rows),
        "",
        *_wrapped(
            f"Reckoned: from about {longest} readers on a freeze lasts longer than the {WAIT} seconds that a page",
            f"waits. For {most:,} readers: {memory:.1f} GB of memory for the run, {size.readers:.0f} GB of",
            f"database for the readers, and {size.edition:.0f} GB for each edition with its events, however many",
            f"workers there are. The {KEPT} weekly editions that `[retention]` keeps make it {whole:.1f} TB.",
        ),
    ]


def of_workers(editions: Mapping[str, Mapping[int, SimulatedEdition]], worlds: Mapping[str, World]) -> list[str]:
    """Return the tables of several workers, one for each way out, and what was assumed."""
    smtp, other = worlds["SMTP"], worlds["SendGrid"]
    lines = _wrapped(
        f"Simulated, {smtp.readers:,} readers. Assumed: the mail server answers a letter after",
        f"{smtp.answer * 1000:.0f} ms, and takes {smtp.rate:,.0f} letters a second from",
        "all workers together. SendGrid",
        f"answers a request after {other.answer * 1000:.0f} ms; it publishes no limit, and is taken to count",
        f"{other.quota:,} requests in {other.refresh:.0f} seconds, and to answer 429 to more. A worker has",
        f"{smtp.connections} connections, is killed every {smtp.life / 3600:.0f} hours on average, and its batch is",
        f"recovered after {smtp.recovery:.0f} seconds (the longest of four trials with Procrastinate).",
        f"PostgreSQL has {smtp.cores} cores and is away for",
        f"{' and for '.join(_seconds(*span) for span in smtp.restarts)}; the provider is away for",
        f"{' and for '.join(_seconds(*span) for span in smtp.outages)}. {smtp.web} web processes take the events in.",
    )
    for name, every in editions.items():
        lines += ["", f"{name}:", "", *table(every)]
    return lines


def of_measures(measured: Measured, repeated: SimulatedEdition) -> list[str]:
    """Return the table of the costs that the simulation is made of. `repeated`: the measured run, simulated."""
    rows = (
        ("freeze on SQLite, a reader", "freeze-cpu", "µs"),
        ("the same on PostgreSQL, without the server", "freeze-postgresql", "×"),
        ("PostgreSQL's part of the freeze", "server-freeze", "µs"), ("claim, a letter", "claim", "µs"),
        ("compose, a letter", "compose", "µs"), ("hand over, a letter", "hand-over", "µs"),
        ("record, a letter", "record", "µs"), ("PostgreSQL's part of claim and record", "server-letter", "µs"),
        ("PostgreSQL's part of an event", "server-event", "µs"),
        ("webhook calls of 100 events, a second", "load-alone-webhook-postgresql", ""),
        ("a row of `subscriber`", "bytes-subscriber", "bytes"), ("a row of `delivery`", "bytes-delivery", "bytes"),
        ("a row of `event`", "bytes-event", "bytes"), ("a row of `digest`", "bytes-digest", "bytes"),
        ("digests of 20,000 readers", "digests-few", ""), ("digests of 100,000 readers", "digests-many", ""),
    )  # fmt: skip
    cells = ((says, f"{rounded(measured[key])} {unit}".rstrip(), f"`{key}`") for says, key, unit in rows)
    return [
        *_lines(("measured", "", "key"), cells),
        "",
        *_wrapped(
            f"One run of 100,000 readers: measured {measured['run-many']:.0f} seconds of processor time, simulated",
            f"{repeated.letter:.0f}. `tests/test_scale.py` fails when they are more than 20 % apart.",
        ),
    ]


def picture_of(editions: Mapping[str, Mapping[int, SimulatedEdition]], readers: int) -> str:
    """Return the SVG of hours against workers."""
    curves = {
        name: [(number, each.letter / 3600) for number, each in every.items()] for name, every in editions.items()
    }
    return draw_curves(curves, f"Simulated: hours until the last of {readers:,} letters has left", "workers")


def with_sections(page: str, sections: Mapping[str, Sequence[str]]) -> str:
    """Return a page with these lines between the markers of each section. Raises ValueError when it has none."""
    for name, lines in sections.items():
        begin, end = f"<!-- {name}: written by `python -m benchmarks.scale --write` -->", f"<!-- end of {name} -->"
        text = "\n".join((begin, "", *lines, "", end))
        before, opened, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (opened and closed):
            raise ValueError(f"the page has no section between {begin} and {end}")
        page = before + text + after
    return page


def _seconds(away: float, back: float) -> str:
    return f"{back - away:,.0f} seconds after {away / 60:.0f} minutes"


def _hours(edition: SimulatedEdition) -> str:
    return f"{edition.letter / 3600:.1f} h"


def _freeze(edition: SimulatedEdition) -> str:
    return f"{edition.frozen / 60:.1f} min"


def _lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |",
        f"|{' --- |' * len(headings)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _wrapped(*pieces: str) -> list[str]:
    return textwrap.wrap(" ".join(pieces), 118, break_long_words=False, break_on_hyphens=False)
