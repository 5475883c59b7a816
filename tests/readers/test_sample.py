"""The first page shows the newest letter as everybody may see it, and says so where there is none yet."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.config.archive import ArchiveSettings
from digest.config.settings import Settings
from digest.readers.sample import SampleLetters
from digest.store import entries
from digest.store.engine import writing
from tests.readers.joiners import Doors


@pytest.mark.long
def test_the_sample_is_the_newest_letter_without_anything_of_a_reader(tmp_path: Path) -> None:
    doors = Doors(tmp_path / "house")
    home = doors.client.get("/")
    assert "There is no letter to show here yet" in home.text and "<iframe" not in home.text
    assert doors.client.get("/sample").status_code == 404
    number = doors.house.reader("rhian@example.org", "weekly")
    doors.house.publish("A shared list")
    doors.house.publish("Withdrawn since")
    doors.house.run(days=4)
    home = doors.client.get("/")
    assert "The newest, of 6 November 2026" in home.text and 'src="/sample?language=en"' in home.text
    assert "frame-src 'self'" in home.headers["content-security-policy"]
    assert home.headers["x-robots-tag"] == "all" and "<script" not in home.text
    join = doors.client.get("/join").text
    assert re.findall(r'Housing<span class="count">([^<]+)<', join) == ["2 in the last twelve weeks"]
    assert join.count("none in the last twelve weeks") > 5
    sample = doors.client.get("/sample?language=cy")
    assert "A shared list" in sample.text and "Withdrawn since" in sample.text and 'lang="cy"' in sample.text
    assert "frame-ancestors 'self'" in sample.headers["content-security-policy"]
    for own in ("rhian", "/unsubscribe/", "/preferences/", "/pause/", "/letters/", "•••"):
        assert own not in sample.text, own
    for purpose in ("unsubscribe", "preferences"):
        assert doors.house.token(purpose, number) not in sample.text
    with writing(doors.live.engine) as conn:
        (gone,) = [each.id for each in entries.listing(conn, state="ready") if each.title == "Withdrawn since"]
        entries.set_state(conn, gone, "withheld")
    doors.house.now += timedelta(minutes=2)
    page = doors.client.get("/sample").text
    assert "A shared list" in page and "Withdrawn since" not in page
    doors.close()


@pytest.mark.long
def test_the_sample_has_only_what_the_archive_shows_to_everybody(tmp_path: Path) -> None:
    doors = Doors(tmp_path / "house")
    doors.house.reader("rhian@example.org", "weekly")
    doors.house.publish("A shared list")
    doors.house.run(days=4)

    def shows(settings: Settings) -> bool:
        letters = SampleLetters(doors.house.live(settings))
        sample = letters.newest()
        return sample is not None and "A shared list" in letters.page(sample, "en")

    usual = doors.settings
    hidden = replace(usual, sources=tuple(replace(source, public=False) for source in usual.sources))
    assert shows(usual) and not shows(hidden)
    for archive, shown in (((True, ("weekly",)), True), ((True, ("daily",)), False), ((False, ("weekly",)), False)):
        assert shows(replace(usual, archive=ArchiveSettings(*archive))) is shown, archive
    doors.close()
    shut = Doors(tmp_path / "shut", archive=ArchiveSettings(public=False))
    home = shut.client.get("/").text
    assert "<iframe" not in home and "letter to show" not in home and shut.client.get("/sample").status_code == 404
    shut.close()
