"""docs/readers.md names every page of readers, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from digest.web.readers.routes import PAGES

PAGE = Path(__file__).parents[2] / "docs/readers.md"


def test_the_document_names_every_address() -> None:
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = {address for line in table for address in re.findall(r"`(/[^`]*)`", line.split("|")[1])}
    served = {page.path.replace("{token}", "…").replace("{number:int}", "1") for page in PAGES}
    served = {path for path in served if not path.startswith("/archive/")}
    assert told == served
