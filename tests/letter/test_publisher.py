"""A letter names the blog that a planet has an entry from, in both parts, in English and Welsh."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from digest.letter.assemble import assemble
from digest.letter.cards import source_line
from digest.letter.compile import compile_letter
from digest.model import Entry
from digest.store import entries
from digest.store.editions import shown_content
from tests.counts import table
from tests.letter import sample

POST = replace(sample.entries()[3], also_at=(), source="Planet Councils")


def named(publisher: str, source: str = "Planet Councils") -> Entry:
    return replace(POST, source=source, publisher=publisher)


@table(
    "entry, english, welsh",
    [
        (named(""), "Planet Councils", "Planet Councils"),
        (named("Leeds Digital"), "Leeds Digital, via Planet Councils", "Leeds Digital, drwy Planet Councils"),
        (named("Planet councils"), "Planet Councils", "Planet Councils"),
        (named("Fife Council", "News of Fife Council"), "News of Fife Council", "News of Fife Council"),
        (named("{source}"), "{source}, via Planet Councils", "{source}, drwy Planet Councils"),
        (named("a\u202eb\nc"), "ab c, via Planet Councils", "ab c, drwy Planet Councils"),
    ],
)
def test_the_line_of_an_entry(entry: Entry, english: str, welsh: str) -> None:
    assert [source_line(entry, words) for words in (sample.ENGLISH, sample.WELSH)] == [english, welsh]


def test_both_parts_of_a_letter_name_the_blog() -> None:
    hostile = "Leeds <b>&amp; %%who%%"
    pool = [replace(each, publisher=hostile) if each.id == POST.id else each for each in sample.entries()]
    letter = assemble(compile_letter(sample.EDITION, pool, sample.APPEARANCE), sample.digest(), sample.READER)
    source = sample.entries()[3].source
    assert f"{hostile}, via {source}" in " ".join(letter.plain_text().split())
    assert f"Leeds &lt;b&gt;&amp;amp; %%who%%, via {escape(source)}" in " ".join(letter.html_text().split())


def test_an_edition_keeps_the_name_and_old_approvals_hold() -> None:
    document = shown_content(named("Leeds Digital"))
    assert entries.from_json(document).publisher == "Leeds Digital"
    assert "publisher" not in shown_content(named(""))
    assert entries.from_json(shown_content(named(""))).publisher == ""
