"""List what keeps coming up in the case studies of the last year, as text and as JSON."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from digest.store import entries
from digest.store.engine import writing
from tests.console import digest
from tests.house import START, House

MATTER = """---
title: Story of {name}
date: {day}
regions: [wales]
themes: [leadership]
place: {name}
ingredients_by: Ann Lee
ingredients:
  in_the_way: {{text: No draft was trusted in {name}., barriers: [trust]}}
---
We met.
"""


def test_recurring_lists_what_three_case_studies_of_a_year_share(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    for name, age in {"Barry": 1, "Xyzzy": 2, "Bala": 364, "Old": 366, "Dropped": 3}.items():
        day = (START - timedelta(days=age)).date().isoformat()
        matter = MATTER.format(name=name, day=day)
        if name == "Xyzzy":  # a place that no gazetteer has
            matter = matter.replace("regions: [wales]\n", "")
        (house.folder / "notes" / f"{name}.md").write_text(matter)
    house.run()
    with writing(house.place.engine) as conn:
        [dropped] = [entry.id for entry in entries.listing(conn) if entry.title == "Story of Dropped"]
        entries.set_state(conn, dropped, "dropped")
    house.close()
    now = ["--now", START.isoformat()]
    shared = digest(house.folder, *now, "recurring", "--json").document
    assert [(each["facet"], each["name"], each["count"]) for each in shared] == [
        ("barrier", "trust", 3), ("theme", "Leadership", 3),
    ]  # fmt: skip
    first = shared[0]["case_studies"][0]
    assert (first["title"], first["place"], first["regions"]) == ("Story of Barry", "Barry", ["wales"])
    assert first["lines"] == [{"name": "in-the-way", "text": "No draft was trusted in Barry.", "by": "Ann Lee"}]
    text = digest(house.folder, *now, "recurring").stdout
    assert text.startswith("trust (barrier): 3 case studies\n  ")
    assert "Story of Xyzzy (Xyzzy)\n" in text
    assert "Story of Bala (Bala, Wales)\n    No draft was trusted in Bala. – Ann Lee\n    (no address)\n" in text
    later = digest(house.folder, "--now", (START + timedelta(days=60)).isoformat(), "recurring")
    assert (later.code, later.stdout) == (0, "")
    assert "shared by three" in later.stderr
