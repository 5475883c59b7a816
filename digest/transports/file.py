"""The file transport: one .eml a delivery in a folder of its edition, its parts beside it, and an index page."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from digest.errors import DigestError, of_disk
from digest.system.failpoint import failpoint
from digest.system.flush import flush, flush_names
from digest.system.pages import render_page
from digest.transports.base import Capabilities, Outcome, Parcel

_INDEXED = 2000
_BATCH = 200  # letters that are waited for together
_log = logging.getLogger(__name__)


class FileTransport:
    """Writes letters below `directory`. A letter is there whole or not at all, so nothing is ever in doubt."""

    capabilities = Capabilities()

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._touched: set[str] = set()

    def open(self) -> None:
        """Nothing to make ready: folders are made as letters come."""

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Write the parcels; a full or forbidden disk refuses nothing for good: it raises DigestError.

        A batch is on the disk itself, not only on its way there, before the first of it is called accepted:
        what the database then says stays true through a power cut.
        """
        for start in range(0, len(parcels), _BATCH):
            done, stopped = self._write(parcels[start : start + _BATCH])
            for parcel in done:
                yield Outcome(parcel.delivery, "accepted", "")
            if stopped is not None:
                raise stopped

    def ask(self, deliveries: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return "accepted" where the letter's file is there, "absent" where it is not.

        Where nobody may look, nothing is said. The index of every edition asked about is written anew at the end.
        What is there may have been put there by a run that was killed before it had waited for the disk.
        """
        known: dict[int, str] = {}
        sure: set[str] = set()
        for delivery, folder in deliveries:
            try:
                (self._directory / folder / f"{_stem(delivery)}.eml").stat()
                if folder not in sure:
                    self._flush_folders(folder)
                    sure.add(folder)
                known[delivery] = "accepted"
                self._touched.add(folder)
            except (FileNotFoundError, NotADirectoryError):
                known[delivery] = "absent"
            except OSError:
                continue
        return known

    def stop(self) -> None:
        """Nothing to cut short: a batch of files is soon written."""

    def close(self) -> None:
        """Write the index pages of the editions touched, and of all editions.

        Raises DigestError when they cannot be written, unless another error is on its way already: that one
        says more, and the letters themselves are there.
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
            said = f"the index of {folder} cannot be written: {error.strerror}; the letters in it are whole"
            if not in_flight:
                raise DigestError(f"{said}; make room or let this account write there") from error
            _log.warning(said)

    def _write(self, parcels: Sequence[Parcel]) -> tuple[list[Parcel], DigestError | None]:
        """Write one batch; return the parcels whose letters are there, and what stopped the others."""
        begun: list[tuple[Parcel, Path]] = []
        done: list[Parcel] = []
        stopped: OSError | None = None
        folder = self._directory
        try:
            for parcel in parcels:
                folder = self._folder(parcel.folder)
                begun.append((parcel, _begin(folder, parcel)))
        except OSError as error:
            stopped = error
        try:
            # First all are written, then waited for: the disk takes them together.
            for _, unfinished in begun:
                flush(unfinished)
            failpoint("file: written")
            for parcel, unfinished in begun:
                # Last, and in one step: the .eml is what counts as handed over.
                unfinished.replace(unfinished.with_suffix(".eml"))
                failpoint("file: one in place")
                done.append(parcel)
        except OSError as error:
            stopped = error
        try:
            for name in {parcel.folder for parcel in done}:
                flush_names(self._directory / name)
        except OSError as error:
            # They are there, but may not stay: nobody is told so until the disk has been asked again.
            return [], _cannot(folder, error)
        return done, _cannot(folder, stopped) if stopped else None

    def _folder(self, name: str) -> Path:
        """Return the folder of an edition, there to stay once it is made."""
        folder = self._directory / name
        if name not in self._touched:
            folder.mkdir(parents=True, exist_ok=True)
            flush_names(self._directory)
            flush_names(self._directory.parent)
            self._touched.add(name)
        return folder

    def _flush_folders(self, name: str) -> None:
        for folder in (self._directory / name, self._directory, self._directory.parent):
            flush_names(folder)


def _begin(folder: Path, parcel: Parcel) -> Path:
    """Write a letter's parts, and the letter itself under a name that does not count yet; return that."""
    stem = _stem(parcel.delivery)
    (folder / f"{stem}.html").write_text(parcel.letter.html_text(), encoding="utf-8")
    (folder / f"{stem}.txt").write_text(parcel.letter.plain_text(), encoding="utf-8")
    unfinished = folder / f"{stem}.part"
    unfinished.write_bytes(parcel.message)
    return unfinished


def _cannot(folder: Path, error: OSError) -> DigestError:
    made = of_disk(
        error,
        f"letters cannot be written to {folder}: {error.strerror}; make room or let this account write"
        " there, then run again: what is written already is not written twice",
    )
    made.__cause__ = error
    return made


def _stem(delivery: int) -> str:
    return f"{delivery:06d}"


def _write_edition_index(folder: Path) -> None:
    letters = sorted(folder.glob("*.eml"))
    parser = BytesHeaderParser(policy=policy.default)
    rows = []
    for letter in letters[:_INDEXED]:
        with letter.open("rb") as file:
            head = parser.parse(file)
        rows.append({"stem": letter.stem, "subject": str(head["Subject"]), "to": str(head["To"])})
    _write_page(folder, {"title": folder.name, "letters": rows, "count": len(letters)})


def _write_index(directory: Path) -> None:
    folders = sorted(page.parent for page in directory.glob("*/index.html"))
    editions = [(folder.name, sum(1 for _ in folder.glob("*.eml"))) for folder in folders]
    _write_page(directory, {"title": "Letters", "editions": editions})


def _write_page(folder: Path, values: dict[str, object]) -> None:
    (folder / "index.html").write_text(render_page("letters.html.j2", values) + "\n", encoding="utf-8")
