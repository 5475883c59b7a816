"""A folder of Markdown: what front matter says, what files may hide, what is told about bad ones."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import SourceError
from digest.model import Image, Sighting, Snapshot, Source
from digest.sources.formats.folder import MAX_FILE, read_folder
from digest.sources.formats.listing import open_file
from digest.sources.read import Validators, read_source
from tests.counts import table
from tests.sources.active import faults_in

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def folder(tmp_path: Path, **files: str | bytes) -> Snapshot:
    for name, content in files.items():
        path = tmp_path / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_folder(tmp_path, now=NOW)


def test_a_whole_case_study(tmp_path: Path) -> None:
    snapshot = folder(
        tmp_path,
        housing__leeds="""---
title: Sharing rent data in *Leeds*
date: 2026-05-01
kind: case study
url: https://leeds.example/rent?utm_source=x
place: Leeds
regions: [Yorkshire and The Humber, north-east]
policy_areas: [housing, Welfare Employment]
themes: risk-and-trust; leadership
author: Jane Doe <jane@example.org>
summary: How two councils shared.
language: en-GB
image: https://leeds.example/i.jpg
tags: [Data, data]
---
Councils met. [More](/more)

| a | b |
| - | - |
| 1 | 2 |

<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://leeds.example/p.jpg)
""",
    )
    assert snapshot.problems == () and snapshot.title == tmp_path.name
    (sighting,) = snapshot.sightings
    assert sighting == Sighting(
        guid="housing/leeds.md",
        link="https://leeds.example/rent",
        title="Sharing rent data in *Leeds*",
        published=datetime(2026, 5, 1, tzinfo=UTC),
        summary="How two councils shared.",
        html=sighting.html,
        author="Jane Doe",
        categories=("Data",),
        language="en-GB",
        image=Image("https://leeds.example/i.jpg"),
        kind="case-study",
        place="Leeds",
        policy_areas=("housing", "welfare-employment"),
        regions=("yorkshire-and-the-humber", "north-east"),
        themes=("risk-and-trust", "leadership"),
    )
    assert sighting.html.startswith('<p>Councils met. <a href="https://leeds.example/more">More</a></p>')
    assert "<td>1</td>" in sighting.html and faults_in(sighting.html) == []


@pytest.mark.parametrize(
    ("text", "title", "html"),
    [
        ("# A *heading*\n\nText", "A *heading*", "<p>Text</p>"),
        ("Only text", "Why not share", "<p>Only text</p>"),
        ("---\ntitle: Named\n---\n# Heading\n\nText", "Named", "<h1>Heading</h1>\n<p>Text</p>"),
        ("---\n---\nText", "Why not share", "<p>Text</p>"),
        ("---\r\ntitle: Windows\r\n---\r\nText\r\n", "Windows", "<p>Text</p>"),
        ("\ufeff---\ntitle: Marked\n---\nText", "Marked", "<p>Text</p>"),
        ("---\ntitle: 2026\n...\nText", "2026", "<p>Text</p>"),
        ("---\ntitle: [not, text]\n---\nText", "Why not share", "<p>Text</p>"),
        ("", "Why not share", ""),
    ],
)
def test_a_file_needs_no_front_matter(text: str, title: str, html: str, tmp_path: Path) -> None:
    snapshot = folder(tmp_path, **{"why-not_share": text})
    assert snapshot.problems == ()
    assert (snapshot.sightings[0].title, snapshot.sightings[0].html) == (title, html)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("---\ntitle: a\ndate: [\n---\nx", "bad.md:4: the front matter is no YAML"),
        ("---\ntitle: a: b\n---\nx", "bad.md:2: the front matter is no YAML"),
        ("---\n- a list\n---\nx", "bad.md:1: the front matter is not a list of 'name: value' lines"),
        ("---\ntitle: never closed\n", "bad.md:1: the front matter has no closing '---'"),
        ("---\ndate: 2026-02-30\n---\nx", "bad.md:1: the front matter cannot be read"),
        ("---\nx: !!python/object/apply:os.system [true]\n---\n", "bad.md:2: the front matter is no YAML"),
        ("---\na: " + "[" * 400 + "\n---\n", "bad.md:"),
        (b"caf\xe9\n", "bad.md:1: is not UTF-8; save the file as UTF-8"),
        (b"x" * (MAX_FILE + 1), "bad.md: is longer than 1 MB"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_bad_file_is_named_and_the_others_go_on(content: str | bytes, problem: str, tmp_path: Path) -> None:
    snapshot = folder(tmp_path, bad=content, good="# Good")
    assert [sighting.title for sighting in snapshot.sightings] == ["Good"]
    (told,) = snapshot.problems
    assert told.startswith(problem) and "\n" not in told


@pytest.mark.parametrize(
    ("matter", "problem"),
    [
        ("date: soon", "a.md: the date 'soon' is unreadable or before 1990"),
        ("date: 1970-01-01", "a.md: the date '1970-01-01' is unreadable or before 1990"),
        ("kind: poem", "a.md: the kind 'poem' is unknown; write one of post, case-study"),
        ("region: Narnia", "a.md: region 'Narnia' is unknown; known: east-midlands"),
    ],
)
def test_a_bad_value_is_named_and_the_entry_stays(matter: str, problem: str, tmp_path: Path) -> None:
    snapshot = folder(tmp_path, a=f"---\ntitle: A\n{matter}\n---\nText")
    assert [sighting.title for sighting in snapshot.sightings] == ["A"]
    assert snapshot.problems[0].startswith(problem)


def test_files_come_in_order_without_drafts_or_hidden_ones(tmp_path: Path) -> None:
    snapshot = folder(
        tmp_path, b="# B", a="# A", sub__c="# C", README="# R", _draft="# D", d="---\ndraft: true\n---\n# D",
    )  # fmt: skip
    hidden = tmp_path / ".git"
    hidden.mkdir()
    (hidden / "x.md").write_text("# Hidden")
    (tmp_path / "note.txt").write_text("no Markdown")
    (tmp_path / "folder.md").mkdir()
    snapshot = read_folder(tmp_path, now=NOW)
    assert [each.guid for each in snapshot.sightings if not each.unreleased] == ["a.md", "b.md", "sub/c.md"]
    assert [each.guid for each in snapshot.sightings if each.unreleased] == ["d.md", "_draft.md"]


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("# Secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "real.md").write_text("# Real")
    (inside / "out.md").symlink_to(outside)
    (inside / "same.md").symlink_to(inside / "real.md")
    (inside / "up").symlink_to(tmp_path)
    (inside / "dangling.md").symlink_to("nowhere.md")
    assert [sighting.guid for sighting in read_folder(inside, now=NOW).sightings] == ["real.md", "same.md"]


def test_an_id_is_used_once(tmp_path: Path) -> None:
    snapshot = folder(tmp_path, a="---\nid: x1\n---\n# A", b="---\nid: x1\n---\n# B")
    assert [(sighting.guid, sighting.title) for sighting in snapshot.sightings] == [("x1", "A")]
    assert snapshot.problems == ("b.md: has the same id as a.md; give each its own",)


def test_an_empty_folder_is_no_error_but_a_missing_one_is(tmp_path: Path) -> None:
    assert read_folder(tmp_path, now=NOW).sightings == ()
    with pytest.raises(SourceError, match=r"there is no folder .*nowhere; correct the path"):
        read_folder(tmp_path / "nowhere", now=NOW)


def refer(name: str) -> str:
    return ", ".join([f"*{name}"] * 9)


# Each is one file beside a good one, and how its problem begins; "" for a file that is read.
NASTY = {
    "a table merged into itself many times": (
        "---\na: &a {" + ", ".join(f"k{n}: 1" for n in range(300)) + "}\n"
        + "".join(f"{new}: &{new}\n  <<: [{refer(old)}]\n" for old, new in itertools.pairwise("abcdef"))
        + "---\n", "bad.md:5: the front matter is no YAML (too many names)"),
    "a value that holds itself a million times": (
        "---\na: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{new}: &{new} [{refer(old)}]\n" for old, new in itertools.pairwise("abcdefghi"))
        + "status: *i\ndate: *i\ntitle: *i\ntags: *i\n---\n", "bad.md: the state 'status: a list' is unknown"),
    "a table in itself": ("---\nextra: &a\n  b: *a\n---\n", ""),
    "long front matter": ("---\n" + "k: v\n" * 9_000 + "---\n", "bad.md:1: the front matter is longer than 32 kB"),
    "deep TOML": ("+++\na = " + "[" * 5_000 + "\n+++\n", "bad.md:1: the front matter is no TOML"),
    "deep JSON": ('{"a": ' + "[" * 50_000, "bad.md:1: the front matter is no JSON"),
    "the year 0": ("---\ndate: 0000-01-01\n---\n", "bad.md:1: the front matter cannot be read"),
    "the year 10000": ("---\ndate: 10000-01-01\n---\n", "bad.md: the date '10000-01-01' is unreadable"),
    "a zone beyond the last day": ("---\nexpires: 9999-12-31T23:59:59-14:00\n---\n", "bad.md: 'expires: 9999-12-31"),
    "controls and half characters": (
        '{"title": "T\\u0000 \\ud800", "status": "draft \\u0000\\ud800", "themes": ["\\udfff"]}\n', ""),
}  # fmt: skip


def test_whatever_is_in_a_file_stays_with_that_file_and_can_be_stored(tmp_path: Path) -> None:
    for name, (text, problem) in NASTY.items():
        snapshot = folder(tmp_path, bad=text, good="# Good")
        assert "Good" in [sighting.title for sighting in snapshot.sightings], name
        assert [told[: len(problem)] for told in snapshot.problems[:1]] == ([problem] if problem else []), name
        texts = f"{snapshot}"
        assert "\\x00" not in texts and "\\ud8" not in texts and "\\udf" not in texts, name


def test_a_name_with_a_line_end_or_a_control_is_told_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\n\x1b[31mb.md").write_text("---\ntitle: [\n---\n")
    (tmp_path / "draft \n\x1bx.md").write_text("Body.")
    snapshot = read_folder(tmp_path, now=NOW)
    (problem,), (sighting,) = snapshot.problems, snapshot.sightings
    assert not {"\n", "\x1b"} & {*problem, *sighting.unreleased, *sighting.title}


def test_a_file_that_has_become_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with open_file(tmp_path / "pipe.md") as stream:
        assert stream.read() == b""


def test_a_path_that_no_system_takes_is_told(tmp_path: Path) -> None:
    for path in ("x" * 5_000, "a\0b"):
        with pytest.raises(SourceError, match="correct the path"):
            read_source(Source("S", path=f"{tmp_path}/{path}"), Validators(), None, now=NOW)  # type: ignore[arg-type]


@table(
    "written, title",
    [
        ("No", "No"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("0010", "0010"),
        ("1_000", "1_000"),
        ("2026-06-24", "2026-06-24"),
        ("\tBuses", "Buses"),
        ("~", "A file"),
        ("undefined", "A file"),
    ],
)
def test_front_matter_is_taken_as_it_is_written(written: str, title: str, tmp_path: Path) -> None:
    (sighting,) = folder(tmp_path, **{"a-file": f"---\ntitle: {written}\n---\nBody."}).sightings
    assert sighting.title == title


def test_ids_that_differ_as_they_are_written_are_two(tmp_path: Path) -> None:
    files = {f"f{number}": f"---\nid: {each}\n---\nBody." for number, each in enumerate(("0o10", "8", "010", "8.0"))}
    assert len(folder(tmp_path, **files).sightings) == 4


@table(
    "body, summary",
    [
        ("Waits <b>fell</b><br>by <span class='x'>half</span>.", "Waits fell by half."),
        ("<div class='lead'>\n\nWaits fell.\n\n</div>\n\nStaff stayed.", "Waits fell. Staff stayed."),
        ("Waits fell.<!--more-->\n\n<!-- Ask Rowan before this goes out. -->\n\nStaff stayed.", "Waits fell. Staff stayed."),  # noqa: E501
        ("<!-- more\nthan one line -->\nWaits fell.", "Waits fell."),
        ("<p align='center'><img src='a.png' alt='x'></p>\n\nWaits fell.", "Waits fell."),
        ("Waits[^1] fell.[^two]\n\n[^1]: In days.\n[^two]: In Gwynedd,\n    as told.\n\nStaff stayed.", "Waits fell. Staff stayed."),  # noqa: E501
        ("* TOC\n{:toc}\n\nWaits fell.\n{: .lead}\n\n## Why {#why}\n\nStaff stayed.", "Waits fell. Staff stayed."),
        ("%% ask Ann %%\nWaits fell in [[Ysbyty Gwynedd]]. ![[ward.png]]", "Waits fell in Ysbyty Gwynedd."),
        ("> [!note]- Why\n> Staff ==stayed== with [[Bangor#Pay|their pay]].", "Why Staff stayed with their pay."),
        ("%%\nto do\n\nnames\n%%\n\n[[Waits^a1]] fell by 5%% [[ ]] a==b.", "Waits fell by 5%% [[ ]] a==b."),
        ("[TOC]\n\nFewer than <5 waits [see ^1] {n}.", "Fewer than <5 waits [see ^1] {n}."),
        ("Write `<details>` or `<!-- -->`.", "Write <details> or <!-- -->."),
    ],
)  # fmt: skip
def test_what_other_tools_read_in_a_note_is_not_shown(body: str, summary: str, tmp_path: Path) -> None:
    (sighting,) = folder(tmp_path, note=f"---\ntitle: Buses\n---\n{body}\n").sightings
    assert sighting.summary == summary and faults_in(sighting.html) == [] and "Rowan" not in sighting.html
