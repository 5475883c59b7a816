"""Read a mapping file, which gives each label of another tool its facets, and write such a file to fill in. Pure.

A mapping is a TOML file with one table, `[interests]`: each label of the other tool with the policy areas, regions
and themes that it stands for, or "ignore".
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

from subscribers.csv.foreign import IGNORE
from subscribers.csv.labels import Meaning
from subscribers.csv.vocabulary import squashed
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets, quoted

TABLE = "interests"


def read_mapping(text: str, name: str) -> dict[str, Meaning]:
    """Return {label: what it stands for} of a mapping file. Raises BadFile, which names the file and the label."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{name}: is no TOML: {error}") from None
    if unknown := document.keys() - {TABLE}:
        raise BadFile(f"{name}: {sorted(unknown)[0]!r} is unknown; put all labels below [{TABLE}]")
    labels = document.get(TABLE)
    if not isinstance(labels, dict):
        raise BadFile(f'{name}: has no table [{TABLE}]; write lines like "Housing news" = "housing" below it')
    meanings: dict[str, Meaning] = {}
    spellings: dict[str, str] = {}
    for label, value in labels.items():
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(isinstance(each, str) and each for each in names):
            raise BadFile(
                f"{name}: {quoted(label)}: is not filled in; write the name of a policy area, region or theme, a list"
                f' of them, or "{IGNORE}"'
            )
        if before := spellings.get(squashed(label)):
            raise BadFile(f"{name}: {quoted(label)} is the same label as {quoted(before)}; leave one")
        spellings[squashed(label)] = label
        meanings[label] = Meaning(tuple(names), name)
    return meanings


def skeleton(labels: Mapping[str, int], facets: KnownFacets) -> str:
    """Return a mapping file with these labels, {label: how often it is used}, to fill in; the commonest first."""
    lists = {"policy areas": facets.policy_areas, "regions": facets.regions, "themes": facets.themes}
    lines = [
        '# What the labels of another tool stand for here: a name, a list of names, or "ignore".',
        *(f"# {title}: {', '.join(values) or 'none'}" for title, values in lists.items()),
        f"[{TABLE}]",
    ]
    used = sorted(labels.items(), key=lambda each: (-each[1], each[0]))
    lines += [f'{_quoted_key(label)} = ""  # used {count} times' for label, count in used]
    return "\n".join(lines) + "\n"


def _quoted_key(label: str) -> str:
    """Return a label as a quoted key of TOML, which is written like a string of JSON, but without a raw DEL."""
    return json.dumps(label, ensure_ascii=False).replace("\x7f", "\\u007f")
