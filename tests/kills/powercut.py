"""A disk that keeps only what was waited for: from a recording it makes what a power cut may leave.

What was written and not yet waited for is kept, lost, torn into sectors or kept out of order, each as it falls.
So are names: a file that was made, renamed or removed is so after a cut only once its folder was waited for.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.kills.recording import Event, Recording

SECTOR = 512
_FOLDER = -1
Write = tuple[int, bytes | None]  # offset and data; or size and None for a truncation


@dataclass(slots=True)
class _File:
    """What is surely there, and what is on its way."""

    sure: bytes = b""
    waiting: list[Write] = field(default_factory=list)


class Disk:
    """The installation's files and names; `apply` takes it one event further."""

    def __init__(self, recording: Recording) -> None:
        self._files = {number: _File(recording.before[path]) for path, number in recording.numbers.items()}
        self._names = dict.fromkeys(recording.folders, _FOLDER) | recording.numbers
        self._waiting: dict[str, list[Event]] = {}

    def apply(self, event: Event) -> None:
        """Do what the program asked."""
        if event.kind == "write":
            self._files[event.at].waiting.append((event.offset, event.data))
        elif event.kind == "truncate":
            self._files[event.at].waiting.append((event.offset, None))
        elif event.kind == "sync":
            file = self._files[event.at]
            file.sure, file.waiting = _written(file.sure, file.waiting), []
        elif event.kind == "sync-names":
            for one in self._waiting.pop(event.path, []):
                _rename(self._names, one)
        elif event.kind != "sent":
            if event.kind == "name":
                self._files[event.at] = _File()
            self._waiting.setdefault(str(Path(event.path).parent), []).append(event)

    def cut(self, dice: random.Random) -> dict[str, bytes | None]:
        """Return what a power cut may leave now: files by path, None for a folder."""
        survivors = _fate(dice)
        names = dict(self._names)
        for waiting in self._waiting.values():
            for event in survivors(waiting):
                _rename(names, event)
        torn = dice.random() < 0.5
        left: dict[str, bytes | None] = {}
        for path, number in sorted(names.items()):
            if str(Path(path).parent) != "." and left.get(str(Path(path).parent), b"") is not None:
                continue  # its folder did not come through
            if number == _FOLDER:
                left[path] = None
                continue
            file = self._files[number]
            kept = survivors(file.waiting)
            left[path] = _written(file.sure, _torn(kept, dice) if torn else kept)
        return left


def write_out(left: dict[str, bytes | None], folder: Path) -> None:
    """Write what a power cut left to a folder, which is made."""
    folder.mkdir()
    for path, data in left.items():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)


def _fate(dice: random.Random) -> Callable[[list[Any]], list[Any]]:
    """Return what a cut makes of all that waits: all, nothing, what came first, or any."""
    fate, share = dice.choice(("all", "none", "first", "any", "any")), dice.random()

    def survivors(waiting: list[Any]) -> list[Any]:
        if fate == "all":
            return waiting
        if fate == "none":
            return []
        if fate == "first":
            return waiting[: dice.randint(0, len(waiting))]
        return [one for one in waiting if dice.random() < share]

    return survivors


def _torn(waiting: list[Write], dice: random.Random) -> list[Write]:
    """Return writes with some of their sectors lost, or there but never filled."""
    made: list[Write] = []
    share = dice.random()
    for offset, data in waiting:
        if data is None:
            made.append((offset, None))
            continue
        edges = [offset, *range(offset - offset % SECTOR + SECTOR, offset + len(data), SECTOR), offset + len(data)]
        for start, end in pairwise(edges):
            fate = dice.random()
            if fate < share:
                made.append((start, data[start - offset : end - offset]))
            elif fate < share + 0.1:
                made.append((start, bytes(end - start)))
    return made


def _written(sure: bytes, writes: list[Write]) -> bytes:
    if not writes:
        return sure
    made = bytearray(sure)
    for offset, data in writes:
        if len(made) < offset:
            made.extend(bytes(offset - len(made)))
        if data is None:
            del made[offset:]
        else:
            made[offset : offset + len(data)] = data
    return bytes(made)


def _rename(names: dict[str, int], event: Event) -> None:
    if event.kind == "folder":
        names[event.path] = _FOLDER
    elif event.kind == "name":
        names[event.path] = event.at
    else:
        names.pop(event.path, None)
        if event.kind == "move":
            names[event.data.decode()] = event.at
