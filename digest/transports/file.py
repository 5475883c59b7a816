"""Write letters to files: for each delivery an .eml, .html and .txt in a folder of its edition, with index pages.

The file transport mails nobody: it serves a first installation, `digest demo` and a dry run.
"""

from __future__ import annotations

import heapq
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from digest.errors import DigestError
from digest.system.disk import cure_of, reason_of, unwritable
from digest.system.failpoint import failpoint
from digest.system.flush import flush, flush_names
from digest.system.pages import render_page
from digest.system.private import make_private_folder, write_private
from digest.transports.base import Asked, Capabilities, Outcome, Parcel

_ANOTHER = "name another folder as `directory` in [transport] of config.toml"
_INDEX = "index.html"
_INDEXED = 2000
_BATCH = 200  # letters that are flushed to the disk together
_LETTER = re.compile(r"[0-9]{6,}\.(?:eml|html|txt|part)")  # the names that the transport gives
_log = logging.getLogger(__name__)


class FileTransport:
    """Write letters to folders below `directory`.

    A letter's .eml is there whole or not at all, so that no delivery is ever uncertain.
    """

    capabilities = Capabilities()

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._touched: set[str] = set()

    def open(self) -> None:
        """Do nothing: folders are made when letters are written."""

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Write the parcels and yield "accepted" for each. Raises DigestError when the disk is full or forbidden.

        A batch is flushed to the disk before the first of its letters is reported as accepted, because what the
        database says of them must stay true after a power cut.
        """
        for start in range(0, len(parcels), _BATCH):
            written, error = self._write(parcels[start : start + _BATCH])
            for parcel in written:
                yield Outcome(parcel.delivery, "accepted", "")
            if error is not None:
                raise error

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        """Return "accepted" where the letter's file is there, "absent" where none or another letter's is.

        Leaves out a delivery whose folder may not be read, or whose letter is not known any more. `close` then
        rewrites the index of each edition in which a letter was there.
        """
        answers: dict[int, str] = {}
        flushed: set[str] = set()
        for delivery, folder, message_id in letters:
            try:
                there = _message_id(self._directory / folder / f"{_stem(delivery)}.eml")
                if there != message_id:
                    # Written before a restore, when the number was another delivery's; the letter replaces it.
                    answers |= {delivery: "absent"} if message_id else {}
                    continue
                if folder not in flushed:
                    # Because a run that was killed may have written the letter and not flushed its name.
                    self._flush_folders(folder)
                    flushed.add(folder)
                answers[delivery] = "accepted"
                self._touched.add(folder)
            except (FileNotFoundError, NotADirectoryError):
                answers[delivery] = "absent"
            except OSError:
                continue
        return answers

    def stop(self) -> None:
        """Do nothing: a batch of files is written in moments, so it is finished."""

    def close(self) -> None:
        """Write the index page of each edition used, and the one of all editions.

        Raises DigestError when a page cannot be written. Logs a warning instead while another error is being
        raised, because that error says more and the letters themselves are there.
        """
        in_flight = sys.exc_info()[1] is not None
        folder = self._directory
        try:
            for name in sorted(self._touched):
                folder = self._directory / name
                _write_edition_index(folder)
            folder = self._directory
            if self._touched:
                _write_index(folder)
        except OSError as error:
            problem = f"the index of {folder} cannot be written: {reason_of(error)}; the letters in it are whole"
            if not in_flight:
                raise DigestError(f"{problem}; {cure_of(error, _ANOTHER)}") from error
            _log.warning(problem)

    def _write(self, parcels: Sequence[Parcel]) -> tuple[list[Parcel], DigestError | None]:
        """Write one batch; return the parcels that were written, and the error that stopped the others."""
        begun: list[tuple[Parcel, Path]] = []
        written: list[Parcel] = []
        problem: OSError | None = None
        folder = self._directory
        try:
            for parcel in parcels:
                folder = self._folder(parcel.folder)
                begun.append((parcel, _begin(folder, parcel)))
        except OSError as error:
            problem = error
        try:
            # Write all, then flush all, because the disk is faster when it takes them together.
            for _, unfinished in begun:
                flush(unfinished)
            failpoint("file: written")
            for parcel, unfinished in begun:
                # Rename last and in one step, because a letter counts as handed over once its .eml is there.
                unfinished.replace(unfinished.with_suffix(".eml"))
                failpoint("file: one in place")
                written.append(parcel)
        except OSError as error:
            problem = error
        try:
            for name in {parcel.folder for parcel in written}:
                flush_names(self._directory / name)
        except OSError as error:
            # Report none as written, because names that are not flushed may be lost; `ask` flushes them again.
            return [], _unwritable(folder, error)
        return written, _unwritable(folder, problem) if problem else None

    def _folder(self, name: str) -> Path:
        """Return the folder of an edition; make it and flush its name when it is used for the first time."""
        folder = self._directory / name
        if name not in self._touched:
            make_private_folder(folder)
            flush_names(self._directory)
            flush_names(self._directory.parent)
            self._touched.add(name)
        return folder

    def _flush_folders(self, name: str) -> None:
        for folder in (self._directory / name, self._directory, self._directory.parent):
            flush_names(folder)


def letter_files(folder: Path) -> list[Path]:
    """Return the files of letters in an edition's folder, by name, and its index, which names readers too, last.

    Raises OSError.
    """
    letters = sorted(path for path in folder.iterdir() if _LETTER.fullmatch(path.name))
    index = folder / _INDEX
    return [*letters, index] if index.exists() else letters


def is_empty(folder: Path) -> bool:
    """Return whether nothing is in a folder. Raises OSError."""
    with os.scandir(folder) as names:
        return next(names, None) is None


def write_indexes(directory: Path, folders: Iterable[Path]) -> None:
    """Write the index pages again after letters were removed; an empty folder goes. Raises OSError."""
    for folder in folders:
        if any(_LETTER.fullmatch(path.name) for path in folder.iterdir()):
            _write_edition_index(folder)
        elif is_empty(folder):
            folder.rmdir()
    _write_index(directory)


def _begin(folder: Path, parcel: Parcel) -> Path:
    """Write a letter's .html and .txt, and its message as .part; return the path of the .part."""
    stem = _stem(parcel.delivery)
    write_private(folder / f"{stem}.html", parcel.letter.html_text())
    write_private(folder / f"{stem}.txt", parcel.letter.plain_text())
    unfinished = folder / f"{stem}.part"
    write_private(unfinished, parcel.message)
    return unfinished


def _message_id(path: Path) -> str:
    """Return the Message-ID of a letter's file, or "" if it has none. Raises OSError."""
    from email.parser import BytesHeaderParser  # here, because a run that sends nothing must not load it

    with path.open("rb") as file:
        return str(BytesHeaderParser().parse(file)["Message-ID"] or "").strip()


def _unwritable(folder: Path, error: OSError) -> DigestError:
    """Return the error to raise for a folder that cannot be written to, with its cure."""
    another = f"{_ANOTHER}; then run again: what is written already is not written twice"
    problem = unwritable(f"letters cannot be written to {folder}", error, another)
    problem.__cause__ = error
    return problem


def _stem(delivery: int) -> str:
    return f"{delivery:06d}"


def _write_edition_index(folder: Path) -> None:
    from email import policy
    from email.parser import BytesHeaderParser

    parser = BytesHeaderParser(policy=policy.default)
    rows = []
    for stem in heapq.nsmallest(_INDEXED, _letters_in(folder), key=int):
        with (folder / f"{stem}.eml").open("rb") as file:
            head = parser.parse(file)
        rows.append({"stem": stem, "subject": str(head["Subject"]), "to": str(head["To"])})
    _write_page(folder, {"title": folder.name, "letters": rows, "count": sum(1 for _ in _letters_in(folder))})


def _write_index(directory: Path) -> None:
    folders = sorted(page.parent for page in directory.glob(f"*/{_INDEX}"))
    editions = [(folder.name, sum(1 for _ in _letters_in(folder))) for folder in folders]
    _write_page(directory, {"title": "Letters", "editions": editions})


def _letters_in(folder: Path) -> Iterator[str]:
    """Yield the stem of each letter in an edition's folder, one after the other, because there may be a million."""
    with os.scandir(folder) as files:
        for file in files:
            stem, _, kind = file.name.rpartition(".")
            if kind == "eml" and _LETTER.fullmatch(file.name):
                yield stem


def _write_page(folder: Path, values: dict[str, object]) -> None:
    write_private(folder / _INDEX, render_page("letters.html.j2", values) + "\n")
