"""Build data/caniemail.json: `python -m digest.letter.lint.build FILE [--check]`.

FILE is Can I email's api/data.json (https://www.caniemail.com, MIT). The extract keeps the features that our lint
detects and, for each platform, the newest answer unless it is a plain yes. `--check` writes nothing, and fails when
the shipped file differs. Maintainers run it by hand; the product never does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digest.letter.lint.features import detectable

DATA = Path(__file__).parents[1] / "data" / "caniemail.json"


def extract(raw: Mapping[str, Any]) -> str:
    """Return the text of the shipped file: a line for each feature, with the platforms that lack it.

    "n" names the platforms without support, "a" those with partial support.
    """
    lines = [
        f"{json.dumps(feature['slug'])}: {json.dumps(_unsupported(feature['stats']))}"
        for feature in sorted(raw["data"], key=lambda feature: str(feature["slug"]))
        if detectable(feature["slug"])
    ]
    about = (
        "Extract of Can I email (https://www.caniemail.com), MIT, see NOTICE. Built by digest/letter/lint/build.py."
    )
    head = f'"about": {json.dumps(about)},\n"updated": {json.dumps(raw["last_update_date"][:10])}'
    body = ",\n".join(lines)
    return f'{{{head},\n"features": {{\n{body}\n}}}}\n'


def main(arguments: list[str]) -> int:
    """Write the shipped file, or with --check compare it; return the exit code."""
    check = "--check" in arguments
    source = Path(next(a for a in arguments if a != "--check"))
    text = extract(json.loads(source.read_text(encoding="utf-8")))
    if check:
        same = DATA.read_text(encoding="utf-8") == text
        print("same" if same else f"{DATA} differs from what {source} gives; build it again")
        return 0 if same else 1
    DATA.write_text(text, encoding="utf-8")
    print(f"{DATA}: {text.count(chr(10)) - 4} features, {len(text)} bytes")
    return 0


def _unsupported(stats: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    platforms_by_answer: dict[str, list[str]] = {"n": [], "a": []}
    for family, platforms in stats.items():
        for platform, answers in platforms.items():
            newest = list(answers.values())[-1][:1]  # "y", "n", "a" or "u", then notes
            if newest in platforms_by_answer:
                platforms_by_answer[newest].append(f"{family}/{platform}")
    return {level: " ".join(sorted(names)) for level, names in platforms_by_answer.items() if names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
