"""Build data/towns.tsv: `python -m digest.facets.places.towns CITIES WORDS SURNAMES`.

CITIES is a CSV extract of GeoNames (CC BY 4.0) with the columns name, admin1, admin2 and cc; WORDS a list of English
words, and SURNAMES one of surnames with the most frequent first, each with its word at the start of a line. A
developer's tool; no command runs it. build.py reads what it writes.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from digest.facets.places import context
from digest.facets.places.build import DATA, SLUG
from digest.facets.places.gazetteer import load_gazetteer
from digest.facets.places.names import Names
from digest.facets.words import keys
from digest.model import NATIONAL

HEAD = (
    "# Built by digest/facets/places/towns.py. Towns and villages of the UK: derived from GeoNames, CC BY 4.0.\n"
    "# name\tregion\tcare\n"
)
_SURNAMES = 20_000  # of the most frequent, because a rare surname is more often met as the place
_STYLE = re.compile(
    r"^(?:The |Sir |(?:City and |Royal |Metropolitan )?(?:Borough|County|District|City) of )+"
    r"|(?: County| District| Borough| county borough| Islands)+$"
)


def region_of(admin1: str, admin2: str, names: Names) -> str:
    """Return the slug of the region of a county or council as GeoNames writes it, or "" where it is not known."""
    if admin1 != "England":
        return SLUG.get(admin1, "")
    place = names.lookup(admin2) or names.lookup(_STYLE.sub("", admin2))
    return place.regions[0] if place is not None and len(place.regions) == 1 else ""


def towns(
    rows: Iterable[Mapping[str, str]], names: Names, words: Collection[str], surnames: Collection[str]
) -> list[str]:
    """Return a line for each name of towns in the UK that all lie in one region and that `names` lacks, sorted.

    A name that is also a word of the language, a saint's, or one of `surnames`, needs care.
    """
    regions: dict[str, set[str]] = {}
    for row in rows:
        if row["cc"] == "GB":
            regions.setdefault(row["name"].strip(), set()).add(region_of(row["admin1"], row["admin2"], names))
    lines = []
    for name, slugs in regions.items():
        folded = keys(name)
        slug = slugs.pop() if len(slugs) == 1 else ""
        if not slug or slug == NATIONAL or not folded or "," in folded or names.lookup(name) is not None:
            continue
        ordinary = all(word in words for word in folded) or (len(folded) == 1 and folded[0] in surnames)
        # Saints stand in the names of churches, schools and hospitals too; very short names are often something else.
        ordinary = ordinary or folded[0] in ("st", "saint") or len(name) < 5
        lines.append(f"{name}\t{slug}\t{'word' if ordinary else ''}")
    return sorted(lines)


def main(arguments: list[str]) -> int:
    """Write data/towns.tsv; return 0 (done) or 2 (wrong use)."""
    if len(arguments) != 3:
        sys.stderr.write("usage: python -m digest.facets.places.towns CITIES WORDS SURNAMES\n")
        return 2
    cities, listed, surnames = (Path(argument).read_text(encoding="utf-8").splitlines() for argument in arguments)
    words = {word for word in listed if word.islower()}
    common = {line.split()[0].lower() for line in surnames[:_SURNAMES]} | context.given_names()
    lines = towns(csv.DictReader(cities), load_gazetteer().names, words, common)
    (DATA / "towns.tsv").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} names written to towns.tsv\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
