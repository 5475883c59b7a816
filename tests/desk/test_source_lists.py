"""Lists of feeds come in and go out as OPML: what is printed is pasted, and the round trip loses nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.config.load import load
from digest.desk.source_lists import tables_of_list
from tests import console
from tests.house import House

FEEDS = """
[[source]]
name = "A"
url = "https://a.example/feed?key=s3cret99"
policy_areas = ["housing", "transport"]
[[source]]
name = "B “and” <C> & D"
url = "https://b.example/rss"
"""
LIST = """<opml version="2.0"><body>
<outline text="Councils / North">
<outline type="rss" text="New" xmlUrl="https://new.example/feed" category="/Housing,cooking,housing"/>
<outline type="rss" text="New" xmlUrl="https://other.example/feed"/>
</outline>
<outline type="rss" text="Again" xmlUrl="http://www.new.example/feed/?utm_source=x"/>
<outline type="rss" text="Ours" xmlUrl="https://b.example/rss/"/>
<outline type="rss" text="Inside" xmlUrl="http://192.168.0.1/feed"/>
<outline type="rss" text="Mail" xmlUrl="mailto:ann@a.example"/>
<outline type="rss" text="Nothing"/>
<outline type="rss" xmlUrl="https://plain.example/"/>
</body></opml>"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    building = House(tmp_path / "house", source=FEEDS)
    yield building
    building.close()


def test_a_list_becomes_blocks_and_each_that_does_not_is_told(house: House) -> None:
    (house.folder / "list.opml").write_text(LIST)
    printed = console.digest(house.folder, "sources", "import", "list.opml")
    assert printed.code == 4
    assert tomllib.loads(printed.stdout)["source"] == [
        {"name": "New", "url": "https://new.example/feed", "policy_areas": ["housing"]},
        {"name": "New (2)", "url": "https://other.example/feed"},
        {"name": "plain.example", "url": "https://plain.example/"},
    ]
    assert printed.stdout.startswith("# Councils / North\n\n[[source]]")
    assert printed.stderr.splitlines() == [
        "list.opml: line 6: Again: stands in line 3 already",
        "list.opml: line 7: Ours: is the source 'B “and” <C> & D' already",
        "list.opml: line 8: Inside: 192.168.0.1 port 80 is not a public web server;"
        " if it is yours, give the source allow_private = true",
        "list.opml: line 9: Mail: 'mailto:ann@a.example' is no http or https address that can be fetched;"
        " correct the url",
        "list.opml: line 10: Nothing: has no xmlUrl, the address of its feed; add it, or take the line out",
        "3 sources to paste into config.toml or a file that it includes; 2 left out, 3 mistakes",
    ]


def test_what_is_exported_is_imported_again(house: House, tmp_path: Path) -> None:
    exported = console.digest(house.folder, "sources", "export")
    assert exported.code == 0 and exported.stdout.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<opml')
    assert "1 source without an address left out: Notes" in exported.stderr
    assert "may hold a key, so keep it to yourself: A" in exported.stderr
    other = House(tmp_path / "other")
    (other.folder / "list.opml").write_text(exported.stdout)
    printed = console.digest(other.folder, "sources", "import", "list.opml")
    assert (printed.code, printed.stderr.splitlines()) == (
        0, ["2 sources to paste into config.toml or a file that it includes; 0 left out, 0 mistakes"],
    )  # fmt: skip
    (other.folder / "sources.toml").write_text(printed.stdout)
    other.config.write_text('include = ["sources.toml"]\n' + other.config.read_text())
    ours, theirs = (
        [(source.name, source.url, source.policy_areas) for source in load(each.config, {}).sources if source.url]
        for each in (house, other)
    )
    assert ours == theirs and len(ours) == 2
    assert console.digest(other.folder, "sources", "export").stdout.count("<outline") == 2
    other.close()


def test_a_list_that_cannot_be_read_names_its_file(house: House) -> None:
    (house.folder / "list.opml").write_text("<opml>")
    told = console.digest(house.folder, "sources", "import", "list.opml")
    assert (told.code, told.stdout) == (2, "") and told.stderr.startswith(
        "digest: list.opml: line 1: is no well-formed"
    )
    assert console.digest(house.folder, "sources", "import", "gone.opml").code == 2


def test_many_feeds_of_one_name_are_read(house: House) -> None:
    body = "".join(f'<outline type="rss" text="F" xmlUrl="https://f{n}.example/"/>' for n in range(300))
    listed = tables_of_list(house.place, f"<opml><body>{body}</body></opml>".encode())
    assert (listed.count, listed.problems, listed.skipped) == (300, (), ())
    names = [source["name"] for source in tomllib.loads(listed.text)["source"]]
    assert len(set(names)) == 300 and names[-1] == "F (300)"
