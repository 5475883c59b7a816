"""Write the golden letter again: `python -m tests.letter.golden`. Read the difference before you commit it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from digest.letter.assemble import assemble
from digest.letter.blocks import Assembled
from digest.letter.compile import compile_letter
from tests.letter import sample

FOLDER = Path(__file__).parents[1] / "data" / "golden"


@cache
def letter() -> Assembled:
    """Return the sample edition's letter for the sample reader."""
    compiled = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    return assemble(compiled, sample.digest(), sample.READER)


def main() -> None:
    """Write both parts of the letter into `FOLDER`."""
    assembled = letter()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "letter.html").write_text(assembled.html_text(), encoding="utf-8", newline="\n")
    (FOLDER / "letter.txt").write_text(assembled.plain_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
