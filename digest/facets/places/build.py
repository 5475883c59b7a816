"""Build data/gazetteer.tsv: `python -m digest.facets.places.build FOLDER [--check]`.

FOLDER holds mySociety's uk_local_authorities_current.csv and lookup_name_to_registry.csv (v1.6.1) and our
corrections.csv. Added are data/supplement.tsv (places the list lacks) and data/care.tsv (names that are also
words). `--check` writes nothing and fails when the shipped file differs. A tool of the house, not run at run time.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from digest.facets.words import keys
from digest.model import REGIONS

DATA = Path(__file__).parent / "data"
HEAD = (
    "# Built by digest/facets/places/build.py."
    " Councils: UK local authorities by mySociety, v1.6.1, CC BY 4.0, corrected.\n"
    "# name\tshown\tkind\tregions\tcounty\tcare\tunless\n"
)
SLUG = {name: slug for slug, name in REGIONS.items()}
# Registry shorthand and reversed forms ("bristol, city of", "halton ua") that no headline writes.
_NOT_WRITTEN = re.compile(r" (ua|boro|ca|cc|mdc|district|county|c ity|coucil|cuty|city of)$|\(|,\S|[^\x00-\x7fô]")
_MISSPELT = re.compile(r"ease |dunbaronshire|dunnbarton|ayshire|highands|^eilean$|^tor-faen$|district council ua")


class GazetteerRow(NamedTuple):
    """One line of gazetteer.tsv: `regions` joined by ";", `county` the shown name of a district's county."""

    name: str
    shown: str
    kind: str
    regions: str
    county: str = ""
    care: str = ""
    unless: str = ""


Council = dict[str, str]


def councils(folder: Path) -> dict[str, Council]:
    """Read the council list, apply corrections.csv and fill what abolished districts lack; by code."""
    with (folder / "uk_local_authorities_current.csv").open(encoding="utf-8", newline="") as lines:
        found = {row["local-authority-code"]: dict(row) for row in csv.DictReader(lines)}
    with (folder / "corrections.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            council = found[row["local-authority-code"]]
            field = row["field"]
            if council[field] != row["as shipped (v1.6.1)"]:
                raise ValueError(f"corrections.csv: {council['nice-name']} no longer has the value to correct")
            council[field] = row["should be"]
    for council in found.values():
        heir = found.get(council["replaced-by"])
        if not council["region"]:
            # Not from county-la: it gives Forest Heath, in Suffolk, to Surrey. The successor is right.
            if heir is None or not heir["region"]:
                raise ValueError(f"{council['nice-name']}: no region and no successor; add it to corrections.csv")
            council["region"] = heir["region"]
            council["county-la"] = heir["county-la"] or council["county-la"]
    return found


def disagreements(rows: Iterable[GazetteerRow]) -> list[str]:
    """Name each county whose regions are not those of the majority of its districts."""
    rows = list(rows)
    districts: dict[str, Counter[str]] = {}
    for _, county, regions in {(row.shown, row.county, row.regions) for row in rows if row.county}:
        districts.setdefault(county, Counter())[regions] += 1
    wrong = []
    for row in rows:
        votes = districts.get(row.shown)
        if row.kind == "county" and votes and votes.most_common(1)[0][0] != row.regions:
            wrong.append(f"{row.name}: {row.regions}, but its districts say {votes.most_common(1)[0][0]}")
    return sorted(set(wrong))


def _slugs(region: str) -> str:
    """ "East Midlands and Yorkshire and The Humber" -> "east-midlands;yorkshire-and-the-humber"."""
    return ";".join(sorted(slug for name, slug in SLUG.items() if name in region))


def _written(name: str) -> bool:
    low = name.lower().strip()
    return bool(low) and not _NOT_WRITTEN.search(low) and not _MISSPELT.search(low)


def _shown(council: Council) -> str:
    """Return the plain name of a council's area: "City of Bristol" -> "Bristol"."""
    name = re.sub(
        r"^(City of|The) (?!London$)|( City| County| Council)$",
        "",
        council["nice-name"].strip().replace("St. ", "St "),
    )
    return name.removesuffix(" CCA").removesuffix(" MCA").removesuffix(" Mayoral Combined Authority")


def council_rows(folder: Path) -> list[GazetteerRow]:
    """Return a row for every written form of every council's name."""
    found = councils(folder)
    names: dict[str, set[str]] = {
        code: {c["official-name"], c["nice-name"].strip(), _shown(c)} for code, c in found.items()
    }
    with (folder / "lookup_name_to_registry.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names[row["local-authority-code"]].add(row["la-name"].strip())
    rows = []
    kinds = {"CTY": "county", "COMB": "city-region", "SRA": "city-region"}
    for code, council in found.items():
        county = found.get(council["county-la"])
        for name in sorted(names[code]):
            if _written(name):
                kind = kinds.get(council["local-authority-type"], "council")
                above = _shown(county) if county else ""
                rows.append(GazetteerRow(name, _shown(council), kind, _slugs(council["region"]), above))
    return rows


def supplement_rows(lines: Iterable[str]) -> list[GazetteerRow]:
    """Read supplement.tsv: kind, regions, and names divided by "; " ("Hants=Hampshire" shows Hampshire)."""
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 3 or not parts[2].strip():
            raise ValueError(f"supplement.tsv line {number}: needs kind, regions and names, divided by tabs")
        for name in parts[2].split("; "):
            written, _, shown = name.strip().partition("=")
            rows.append(GazetteerRow(written, shown or written, parts[0], parts[1]))
    return rows


def build(folder: Path) -> list[GazetteerRow]:
    """Return all rows of the gazetteer, one per name (the supplement wins), sorted by name."""
    care = {}
    for line in (DATA / "care.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, word, unless = line.split("\t")
            care[keys(name)] = (word, unless)
    merged: dict[tuple[str, ...], GazetteerRow] = {}
    with (DATA / "supplement.tsv").open(encoding="utf-8") as lines:
        added = supplement_rows(lines)
    for row in council_rows(folder):
        known = merged.get(keys(row.name))
        if known is None or (row.shown == row.name and known.shown != known.name):
            merged[keys(row.name)] = row
    for row in added:
        known = merged.get(keys(row.name))
        # A council's own row knows its county; a supplement row is kept only where it says something else.
        if known is None or known.regions != row.regions:
            merged[keys(row.name)] = row
    rows = []
    for key, row in merged.items():
        word, unless = care.get(key, ("", ""))
        caps = row.name.isupper() and len(row.name) <= 6 and not row.name.islower()
        name = row.name if caps else " ".join(key)
        rows.append(row._replace(name=name, care=word or ("caps" if caps else ""), unless=unless))
    wrong = disagreements(rows)
    if wrong:
        raise ValueError("a county's region must be that of most of its districts: " + "; ".join(wrong))
    return sorted(rows)


def main(arguments: list[str]) -> int:
    """Write data/gazetteer.tsv (or compare with it); 0 done, 1 it differs, 2 wrong use."""
    folders = [a for a in arguments if not a.startswith("--")]
    if len(folders) != 1:
        sys.stderr.write("usage: python -m digest.facets.places.build FOLDER [--check]\n")
        return 2
    text = HEAD + "".join("\t".join(row) + "\n" for row in build(Path(folders[0])))
    target = DATA / "gazetteer.tsv"
    if "--check" in arguments:
        same = target.read_text(encoding="utf-8") == text
        sys.stdout.write("gazetteer.tsv is up to date\n" if same else "gazetteer.tsv differs; build it again\n")
        return 0 if same else 1
    target.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{text.count(chr(10)) - 2} names written to {target.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
