"""Show on a terminal how far a long command has come: bars on stderr, and nothing where stderr is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from digest.commands.base import story


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what shows how many of `total` are done."""
    with counting_up(what) as show:
        show(0, total)
        yield lambda done: show(done, total)


@contextmanager
def counting_up(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows how many are done, and of how many, where that is not known before."""
    if story.as_json or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def reading_bar(what: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a stream of a file that shows how much of it has been read."""
    if story.as_json or not sys.stderr.isatty():
        yield stream
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield bars.wrap_file(stream, total=os.fstat(stream.fileno()).st_size, description=what)
