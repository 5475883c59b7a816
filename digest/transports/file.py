"""The file transport: one .eml a delivery in a folder of its edition, its parts beside it, and an index page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from digest.errors import DigestError
from digest.transports.base import Outcome, Parcel

_INDEXED = 2000


class FileTransport:
    """Writes letters below `directory`. A letter is there whole or not at all, so nothing is ever in doubt."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._touched: set[str] = set()

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Write each parcel; a full or forbidden disk refuses nothing for good: it raises DigestError."""
        for parcel in parcels:
            folder = self._directory / parcel.folder
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._touched.add(parcel.folder)
                stem = _stem(parcel.delivery)
                (folder / f"{stem}.html").write_text(parcel.html, encoding="utf-8")
                (folder / f"{stem}.txt").write_text(parcel.text, encoding="utf-8")
                # Last, and in one step: the .eml is what counts as handed over.
                unfinished = folder / f"{stem}.part"
                unfinished.write_bytes(parcel.message)
                unfinished.replace(folder / f"{stem}.eml")
            except OSError as error:
                raise DigestError(
                    f"letters cannot be written to {folder}: {error.strerror}; make room or let this account write"
                    " there, then run again: what is written already is not written twice"
                ) from error
            yield Outcome(parcel.delivery, "accepted", "")

    def ask(self, deliveries: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return "accepted" where the letter's file is there, "absent" where it is not."""
        return {
            delivery: "accepted" if (self._directory / folder / f"{_stem(delivery)}.eml").exists() else "absent"
            for delivery, folder in deliveries
        }

    def close(self) -> None:
        """Write the index pages of the editions touched, and of all editions."""
        for folder in sorted(self._touched):
            _write_edition_index(self._directory / folder)
        if self._touched:
            _write_index(self._directory)


def _stem(delivery: int) -> str:
    return f"{delivery:06d}"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8886; vertical-align: top }}
</style></head><body><h1>{title}</h1>
{body}
</body></html>
"""


def _write_edition_index(folder: Path) -> None:
    letters = sorted(folder.glob("*.eml"))
    rows = []
    parser = BytesHeaderParser(policy=policy.default)
    for letter in letters[:_INDEXED]:
        with letter.open("rb") as file:
            head = parser.parse(file)
        to, subject = html.escape(str(head["To"])), html.escape(str(head["Subject"]))
        rows.append(
            f'<tr><td><a href="{letter.stem}.html">{subject}</a></td><td>{to}</td>'
            f'<td><a href="{letter.stem}.txt">text</a> <a href="{letter.name}">eml</a></td></tr>'
        )
    more = f"<p>and {len(letters) - _INDEXED} more</p>" if len(letters) > _INDEXED else ""
    body = (
        f'<p>{len(letters)} letters. <a href="../index.html">All editions</a></p>'
        "<table><thead><tr><th>Letter</th><th>To</th><th>As</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{more}"
    )
    (folder / "index.html").write_text(_PAGE.format(title=html.escape(folder.name), body=body), encoding="utf-8")


def _write_index(directory: Path) -> None:
    folders = sorted(p.parent for p in directory.glob("*/index.html"))
    rows = "".join(
        f'<li><a href="{html.escape(f.name)}/index.html">{html.escape(f.name)}</a>:'
        f" {sum(1 for _ in f.glob('*.eml'))} letters</li>"
        for f in folders
    )
    page = _PAGE.format(title="Letters", body=f"<ul>{rows}</ul>")
    (directory / "index.html").write_text(page, encoding="utf-8")
