"""config.toml includes files beside it that hold sources alone; each mistake in them names its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digest.config.load import load
from digest.config.source_table import free_name, source_table
from digest.errors import ConfigError, SourceError
from digest.gather import store_source
from tests import console
from tests.config.test_load import GOOD, write
from tests.counts import table
from tests.house import House

MORE = '[[source]]\nname = "There"\npath = "there.xml"\npolicy_areas = ["housing"]\n'


def including(folder: Path, names: str, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return write(folder, f"include = {names}\n{GOOD}")


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return caught.value.problems


def test_sources_keep_the_order_of_the_files(tmp_path: Path) -> None:
    last = '[[source]]\nname = "Last"\nurl = "https://last.example/feed"\n'
    path = including(tmp_path, '["z.toml", "a.toml"]', z=MORE + MORE.replace("There", "Then"), a=last)
    settings = load(path, {})
    assert [(source.name, source.named_in) for source in settings.sources] == [
        ("Here", "config.toml"), ("There", "z.toml"), ("Then", "z.toml"), ("Last", "a.toml"),
    ]  # fmt: skip
    assert settings.sources[1].path == str(tmp_path / "there.xml")
    assert settings.sources[1].policy_areas == ("housing",)


def test_a_linked_config_includes_what_stands_beside_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    path = including(tmp_path, '["sources.toml"]', sources=MORE)
    link = tmp_path / "etc" / "config.toml"
    link.symlink_to(path)
    assert [source.name for source in load(link, {}).sources] == ["Here", "There"]


@table(
    "text, told",
    [
        ('[site]\nname = "x"', "more.toml: site: unknown key; known here: source"),
        ("[[source]]\nnaem = 1", "more.toml: source.0.naem: unknown key; did you mean 'name'?"),
        ('include = ["z.toml"]', "more.toml: include: only config.toml includes files; name them there"),
        (MORE.replace("housing", "housng"), "more.toml: source.0 (There).policy_areas: policy area 'housng'"),
        (MORE.replace("There", "Here"), "more.toml: source.0 (Here): the name is taken by a source of config.toml"),
        (MORE + MORE, "more.toml: source.1 (There): the name is taken by an earlier source"),
        (MORE.replace("path =", "#"), "more.toml: source.0 (There).url: give either url or path"),
        ("[[source", "more.toml: not valid TOML"),
    ],
)
def test_a_mistake_in_an_included_file_names_it(tmp_path: Path, text: str, told: str) -> None:
    lines = problems(including(tmp_path, '["more.toml"]', more=text))
    assert any(told in line for line in lines), lines


@table(
    "names, told",
    [
        ('["gone.toml"]', "gone.toml: no such file; make it, or take 'gone.toml' out of include in config.toml"),
        ('["sources/a.toml"]', "config.toml: include.0: 'sources/a.toml' is no name of a file beside config.toml"),
        ('["/etc/a.toml"]', "config.toml: include.0: '/etc/a.toml' is no name of a file"),
        ('["..", "a\\u0000"]', "config.toml: include.0: '..' is no name of a file"),
        ('["*.toml"]', "*.toml: no such file"),
        ('["config.toml"]', "config.toml: include.0: 'config.toml' is this file itself"),
        ('["more.toml", "more.toml"]', "config.toml: include.1: 'more.toml' stands there twice"),
        ('"more.toml"', "config.toml: include: is no list"),
        ("[1]", "config.toml: include.0: is no text"),
    ],
)
def test_a_name_that_cannot_be_included_is_refused(tmp_path: Path, names: str, told: str) -> None:
    assert told in problems(including(tmp_path, names, more=MORE))[0]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "more.toml").mkdir()
    assert "more.toml: is a folder; name a file" in problems(including(tmp_path, '["more.toml"]'))[0]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "more.toml")
    assert "'more.toml' is a pipe" in problems(including(tmp_path, '["more.toml"]'))[0]


def test_every_mistake_of_all_files_comes_at_once(tmp_path: Path) -> None:
    path = including(tmp_path, '["more.toml", "less.toml"]', more="[[source]]\nx = 1", less="y = 1")
    path.write_text(path.read_text().replace('from = "Digest <digest@example.org>"', 'from = "digest"'))
    assert [line.split(":")[0] for line in problems(path)] == ["config.toml", "more.toml", "more.toml", "less.toml"]


def test_include_below_a_table_is_told_where_it_belongs(tmp_path: Path) -> None:
    lines = problems(write(tmp_path, GOOD.replace('path = "feed.xml"', 'path = "a"\ninclude = ["x.toml"]')))
    assert lines == [
        "config.toml: source.0.include: unknown key; include belongs to no table: write it above the first [table]"
    ]


def test_messages_about_a_source_name_its_file(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    (house.folder / "more.toml").write_text('[[source]]\nname = "Feed"\nurl = "https://news.example/feed"\n'
                                            '[[source]]\nname = "Lost"\npath = "lost.xml"\n')  # fmt: skip
    house.config.write_text('include = ["more.toml"]\n' + house.config.read_text())
    house.settings = load(house.config, {})
    gone = SourceError("https://news.example/feed: answers 410 (gone); remove it", status=410)
    store_source(house.place, house.settings.sources[1], gone, house.now)
    house.close()
    checked = console.digest(house.folder, "check")
    assert (checked.code, "more.toml: source 'Lost': " in checked.stderr) == (2, True)
    told = console.digest(house.folder, "doctor").stdout + console.digest(house.folder, "sources").stderr
    assert told.count("correct its address in more.toml, or remove it there") == 2


@table(
    "name, named",
    [
        ("Feed", "Feed (3)"),
        (" A\nb\t", "A b"),
        ("", "a.example"),
        ("\u202e", "a.example"),
        ("n" * 300, "n" * 194 + " (2)"),
    ],
)
def test_a_name_is_made_unique(name: str, named: str) -> None:
    assert free_name(name, {"Feed", "Feed (2)", "n" * 200}, "a.example") == named


def test_a_table_is_toml_whatever_a_stranger_calls_a_feed(tmp_path: Path) -> None:
    name = '"]\n[storage]\nurl = "sqlite:///x" \\ \x7f é “” 𝄞'
    written = source_table(name, "https://a.example/?a=1&b=%22", policy_areas=["housing"], full_text="all")
    settings = load(including(tmp_path, '["more.toml"]', more=written), {})
    source = settings.sources[1]
    assert (source.name, source.url, source.full_text) == (name, "https://a.example/?a=1&b=%22", "all")
