"""Show a run on stderr while it goes on: a line for each source, and on a terminal a bar for each edition."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from digest.commands.account import write_pages
from digest.commands.base import note, story

if TYPE_CHECKING:
    from digest.installation import Installation
    from digest.model import Receipt
    from digest.operations.run_report import RunReport, Watch
    from digest.store.sources import Gathering


@contextmanager
def watching(installation: Installation | None = None) -> Iterator[Watch]:
    """Yield a watch that shows a run on stderr: lines of text, and on a terminal bars for editions and pages.

    With `installation`, a run that ends by an error still writes its receipt pages there.
    """
    from digest.operations.run_report import Watch

    def broken(report: RunReport) -> None:
        if installation is not None:
            write_pages(installation, [receipt.edition for receipt in report.receipts])

    if story.as_json or not sys.stderr.isatty():
        yield Watch(
            begun=story.set_run,
            source=lambda gathering: note(gathering_line(gathering)),
            edition=story.set_edition,
            broken=broken,
        )
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        asking: dict[str, TaskID] = {}  # the bars of pages, once there are any

        def edition(receipt: Receipt) -> None:
            bars.add_task(f"{receipt.cadence} {receipt.slot}", total=receipt.pending)

        def sent(count: int) -> None:
            bars.advance(bars.tasks[-1].id, count)

        def page(what: str, done: int, total: int) -> None:
            if what not in asking:
                asking[what] = bars.add_task(what, total=total)
            bars.update(asking[what], completed=done)

        def source(gathering: Gathering) -> None:
            bars.console.print(gathering_line(gathering), markup=False)

        reading, still_there = partial(page, "reading pages"), partial(page, "pages")
        yield Watch(source=source, edition=edition, sent=sent, broken=broken, page_read=reading, page=still_there)


def gathering_line(gathering: Gathering) -> str:
    """Return the result of reading a source, or then of reading pages of its entries, as a line of text."""
    name = gathering.name
    if gathering.unread:
        return f"  {name}: {gathering.unread}"
    if gathering.status == "failed":
        return f"  {name}: FAILED: {gathering.error}"
    if gathering.status == "not-modified":
        return f"  {name}: not modified"
    note = f" ({gathering.error})" if gathering.error else ""
    withheld = f", {gathering.withheld} withheld" if gathering.withheld else ""
    return (
        f"  {name}: {gathering.new} new, {gathering.changed} changed, {gathering.same} same,"
        f" {gathering.held} held{withheld}{note}"
    )
