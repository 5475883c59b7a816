"""`make proof` runs every proof, in the parts that .ci/proofs names."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
MARK = "pytest.mark.proof"


def test_each_file_with_a_proof_is_in_just_one_part() -> None:
    parts: dict[Path, list[str]] = {}
    for line in (ROOT / ".ci/proofs").read_text().splitlines():
        name, _, words = line.partition(": ")
        without = {ROOT / word.partition("=")[2] for word in words.split() if word.startswith("--ignore=")}
        for word in words.split():
            if not word.startswith("--"):
                path = ROOT / word
                assert path.exists(), f"{name}: {word}"
                for file in path.rglob("test_*.py") if path.is_dir() else [path]:
                    if file not in without:
                        parts.setdefault(file, []).append(name)
    proofs = [file for file in (ROOT / "tests").rglob("test_*.py") if f"@{MARK}" in file.read_text()]
    assert len(proofs) > 10
    assert {file.name: parts.get(file, []) for file in proofs if len(parts.get(file, [])) != 1} == {}
