"""Every path of the repository that a document names exists."""

from __future__ import annotations

import re
from pathlib import Path

import digest
from tests.counts import table

ROOT = Path(digest.__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PATH = re.compile(r"(?<![\w/.])((?:digest|subscribers|templates|tests|benchmarks|examples|docs|\.ci)/[\w./*-]*)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# The pattern of a name, not a name.
PATTERNS = {"digest/store/migrations/versions/NNNN_what_it_does.py"}


def test_paths_in_the_documents_exist() -> None:
    gone = [
        f"{document.relative_to(ROOT)}: {path}"
        for document in DOCUMENTS
        for path in paths(document.read_text(encoding="utf-8"))
        if path not in PATTERNS and not any(ROOT.glob(path))
    ]
    assert gone == []


@table(
    "text, named",
    [
        ("see `digest/delivery/claim.py`.", ["digest/delivery/claim.py"]),
        ("`digest/sources/sandbox/` and `.ci/run`", ["digest/sources/sandbox/", ".ci/run"]),
        ("`pytest tests/test_promises.py tests/letter`", ["tests/test_promises.py", "tests/letter"]),
        ("`[letter] cap` of `config.toml`", []),
        ("```\ndigest/in/an/example.py\n```\n", []),
    ],
)
def test_a_path_is_seen_in_code(text: str, named: list[str]) -> None:
    assert list(paths(text)) == named


def paths(text: str) -> list[str]:
    """Return the paths named in inline code, in order; examples in fences are left out."""
    code = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    return [path.rstrip(".") for piece in code for path in PATH.findall(piece)]
