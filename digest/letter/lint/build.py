"""Build data/caniemail.json: `python -m digest.letter.lint.build FILE [--check]`.

FILE is Can I email's api/data.json (https://www.caniemail.com, MIT). Kept are the features that our lint
can see and, for each platform, the newest answer, where it is not a plain yes. `--check` writes nothing and
fails when the shipped file differs. A tool of the house, not run at run time.
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
    """Return the shipped file's text: one feature a line, platforms without ("n") and with partial ("a") support."""
    lines = [
        f"{json.dumps(one['slug'])}: {json.dumps(_gaps(one['stats']))}"
        for one in sorted(raw["data"], key=lambda one: str(one["slug"]))
        if detectable(one["slug"])
    ]
    about = (
        "Extract of Can I email (https://www.caniemail.com), MIT, see NOTICE. Built by digest/letter/lint/build.py."
    )
    head = f'"about": {json.dumps(about)},\n"updated": {json.dumps(raw["last_update_date"][:10])}'
    body = ",\n".join(lines)
    return f'{{{head},\n"features": {{\n{body}\n}}}}\n'


def main(arguments: list[str]) -> int:
    """Write the file, or with --check compare it."""
    check = "--check" in arguments
    source = Path(next(a for a in arguments if a != "--check"))
    made = extract(json.loads(source.read_text(encoding="utf-8")))
    if check:
        same = DATA.read_text(encoding="utf-8") == made
        print("same" if same else f"{DATA} differs from what {source} gives; build it again")
        return 0 if same else 1
    DATA.write_text(made, encoding="utf-8")
    print(f"{DATA}: {made.count(chr(10)) - 4} features, {len(made)} bytes")
    return 0


def _gaps(stats: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    found: dict[str, list[str]] = {"n": [], "a": []}
    for family, platforms in stats.items():
        for platform, answers in platforms.items():
            newest = list(answers.values())[-1][:1]  # "y", "n", "a" or "u", then notes
            if newest in found:
                found[newest].append(f"{family}/{platform}")
    return {level: " ".join(sorted(names)) for level, names in found.items() if names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
