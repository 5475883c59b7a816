"""Writes the golden letter anew: `python -m tests.letter.golden`. Read the difference before you keep it."""

from __future__ import annotations

from pathlib import Path

from digest.letter.assemble import assemble
from digest.letter.blocks import Assembled
from digest.letter.compile import compile_letter
from tests.letter import sample

FOLDER = Path(__file__).parents[1] / "data" / "golden"


def letter() -> Assembled:
    """Return the sample edition's letter for the sample reader."""
    compiled = compile_letter(sample.SITE, sample.TAXONOMY, sample.EDITION, sample.entries(), [sample.TEMPLATES])
    return assemble(compiled, sample.digest(), sample.READER)


def main() -> None:
    """Write both parts, and the subject as the first line of the text."""
    made = letter()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "letter.html").write_text(made.html_text(), encoding="utf-8", newline="\n")
    (FOLDER / "letter.txt").write_text(made.plain_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
