"""Build data/gazetteer.tsv: `python -m digest.facets.places.build FOLDER [--check]`.

FOLDER holds mySociety's uk_local_authorities_current.csv and lookup_name_to_registry.csv (v1.6.1) and our
corrections.csv. The command adds data/towns.tsv (see towns.py), data/supplement.tsv (places that the lists lack) and
data/care.tsv (names that are also words). `--check` writes nothing and fails when the shipped file
differs. A developer's tool; no command runs it.
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
    " Councils: UK local authorities by mySociety, v1.6.1, CC BY 4.0, corrected."
    " Towns: GeoNames, CC BY 4.0.\n"
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
    """Read the council list by code, apply corrections.csv, and give abolished districts their successor's region.

    Raises ValueError for a correction that no longer fits, and for a council without a region.
    """
    with (folder / "uk_local_authorities_current.csv").open(encoding="utf-8", newline="") as lines:
        by_code = {row["local-authority-code"]: dict(row) for row in csv.DictReader(lines)}
    with (folder / "corrections.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            council = by_code[row["local-authority-code"]]
            field = row["field"]
            if council[field] != row["as shipped (v1.6.1)"]:
                raise ValueError(f"corrections.csv: {council['nice-name']} no longer has the value to correct")
            council[field] = row["should be"]
    for council in by_code.values():
        heir = by_code.get(council["replaced-by"])
        if not council["region"]:
            # The region of county-la is not used, because it gives Forest Heath, in Suffolk, to Surrey.
            if heir is None or not heir["region"]:
                raise ValueError(f"{council['nice-name']}: no region and no successor; add it to corrections.csv")
            council["region"] = heir["region"]
            council["county-la"] = heir["county-la"] or council["county-la"]
    return by_code


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
    """Return the slugs of the regions in a text: "London and Wales" becomes "london;wales"."""
    return ";".join(sorted(slug for name, slug in SLUG.items() if name in region))


def _written(name: str) -> bool:
    """Return whether people write a name of the registry so."""
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
    by_code = councils(folder)
    names: dict[str, set[str]] = {
        code: {council["official-name"], council["nice-name"].strip(), _shown(council)}
        for code, council in by_code.items()
    }
    with (folder / "lookup_name_to_registry.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names[row["local-authority-code"]].add(row["la-name"].strip())
    rows = []
    kinds = {"CTY": "county", "COMB": "city-region", "SRA": "city-region"}
    for code, council in by_code.items():
        county = by_code.get(council["county-la"])
        for name in sorted(names[code]):
            if _written(name):
                kind = kinds.get(council["local-authority-type"], "council")
                above = _shown(county) if county else ""
                rows.append(GazetteerRow(name, _shown(council), kind, _slugs(council["region"]), above))
    return rows


def supplement_rows(lines: Iterable[str]) -> list[GazetteerRow]:
    """Return a row for each name in supplement.tsv: kind, regions, and names divided by "; ".

    "Hants=Hampshire" shows Hampshire. Raises ValueError naming the line that is wrong.
    """
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


def town_rows() -> list[GazetteerRow]:
    """Return a row for each name in towns.tsv, which towns.py writes."""
    rows = []
    for line in (DATA / "towns.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, region, care = line.split("\t")
            rows.append(GazetteerRow(name, name, "town", region, care=care))
    return rows


def build(folder: Path) -> list[GazetteerRow]:
    """Return all rows of the gazetteer, one for each name, sorted by name. Raises ValueError for a wrong county."""
    care = {}
    for line in (DATA / "care.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, word, unless = line.split("\t")
            care[keys(name)] = (word, unless)
    merged: dict[tuple[str, ...], GazetteerRow] = {}
    with (DATA / "supplement.tsv").open(encoding="utf-8") as lines:
        added = supplement_rows(lines)
    for row in council_rows(folder):
        other = merged.get(keys(row.name))
        if other is None or (row.shown == row.name and other.shown != other.name):
            merged[keys(row.name)] = row
    merged |= {keys(row.name): row for row in town_rows() if keys(row.name) not in merged}
    for row in added:
        other = merged.get(keys(row.name))
        # A row of the supplement wins only with other regions, because the row of a council also has its county.
        if other is None or other.regions != row.regions:
            merged[keys(row.name)] = row
    rows = []
    for key, row in merged.items():
        word, unless = care.get(key, (row.care, ""))
        caps = row.name.isupper() and len(row.name) <= 6 and not row.name.islower()
        name = row.name if caps else " ".join(key)
        rows.append(row._replace(name=name, care=word or ("caps" if caps else ""), unless=unless))
    wrong = disagreements(rows)
    if wrong:
        raise ValueError("a county's region must be that of most of its districts: " + "; ".join(wrong))
    return sorted(rows)


def main(arguments: list[str]) -> int:
    """Write data/gazetteer.tsv, or compare with it; return 0 (done), 1 (it differs) or 2 (wrong use)."""
    folders = [argument for argument in arguments if not argument.startswith("--")]
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
