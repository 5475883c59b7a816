"""Letters by language: each compiled once, chosen for the reader, and right with any template of an organisation."""

from __future__ import annotations

import email
import email.policy
import gc
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest import pipeline
from digest.cli import digest as cli
from digest.config.settings import Settings
from digest.delivery.parcel import parcel
from digest.delivery.trial import trial_letter
from digest.desk import arrange, preview
from digest.desk.explain import explain
from digest.desk.reword import reword
from digest.editions import draft
from digest.errors import ConfigError
from digest.letter.assemble import assemble, extremes, proven, verify
from digest.letter.book import Book
from digest.letter.compile import Letter, compile_letter
from digest.letter.inliner import inline_styles
from digest.letter.mime import headers
from digest.model import Digest, Edition, Section
from digest.render import CHECKED, Letters
from digest.store import deliveries, editions
from digest.store.engine import reading, writing
from digest.system.resources import resource
from subscribers import store as people
from subscribers.keyring import Keyring
from subscribers.model import Interests, Subscriber
from tests.counts import few_and_many, others_long, spread
from tests.house import ANN, START, House
from tests.letter import sample

EDITION = Edition(47, "weekly", "2026-11-20", "frozen", False, "", 9, "")
SECRET = b"s" * 32
KEYS = Keyring(SECRET, [SECRET])


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    here = House(tmp_path / "house", sqlite_url)
    yield here
    here.close()


def some_digests() -> list[Digest]:
    return [
        Digest((Section("areas", (sample.group("housing", 4, 5),)),)),
        Digest((Section("areas", (sample.group("housing", 5, 4), sample.group("transport", 8))),)),
        sample.digest(),
        Digest((Section("areas", (sample.group("transport", 8, 9),)),), more=1),
        Digest((Section("elsewhere", sample.digest().sections[1].groups),)),
    ]


class Counted:
    """Inline styles as the product does, and count the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, html: str) -> str:
        self.calls += 1
        return inline_styles(html)


def letters(settings: Settings, inline: Counted) -> Letters:
    return Letters(settings, EDITION, sample.entries(), inline=inline)


def send_to(made: Letters, person: Subscriber, digest: Digest) -> tuple[str, str]:
    got = parcel(made, person, digest, KEYS, START, delivery=person.id)
    return got.letter.html_text(), got.letter.plain_text()


def test_a_letter_is_compiled_once_a_language_whatever_the_number_of_readers(house: House) -> None:
    inline = Counted()
    made = letters(house.settings, inline)
    assert inline.calls == 0, "nothing is compiled before there is a reader"
    for number in range(1, 61):
        language = ("en", "cy", "cy-GB", "pl", "en-GB")[number % 5]
        person = Subscriber(number, f"r{number}@example.org", language=language, key="k")
        html, text = send_to(made, person, some_digests()[number // 5 % 5])
        welsh = language.startswith("cy")
        assert ("Dad-danysgrifio" in html and "Dad-danysgrifio" in text) is welsh
        assert ("Unsubscribe" in html) is not welsh
    assert inline.calls == 2 + 2 * CHECKED, "one call a language, and the first digests again to compare"


def test_the_readers_of_a_digest_share_a_form_and_only_the_last_is_kept(house: House) -> None:
    made, (first, second, *_) = letters(house.settings, Counted()), some_digests()
    forms = [made.form(language, first, sample.READER) for language in ("en", "cy", "en", "cy")]
    assert forms[0] is forms[2] and forms[1] is forms[3], "also when languages take turns"
    assert made.form("en", second, sample.READER) is not forms[0]
    assert made.form("en", first, sample.READER) is not forms[0], "it was not kept, because each holds a whole letter"


@pytest.mark.long
def test_what_is_remembered_of_letters_keeps_no_edition_in_memory(house: House) -> None:
    def books() -> set[int]:
        gc.collect()
        return {id(book) for book in gc.get_objects() if isinstance(book, Book)}

    before = books()
    made = letters(house.settings, Counted())
    for digest in some_digests():
        send_to(made, Subscriber(1, "a@example.org", language="en", key="k"), digest)
    assert books() > before
    del made
    assert books() <= before


def test_each_subscriber_is_sent_and_shown_their_own_language(house: House) -> None:
    house.run()
    place = house.place
    with writing(place.engine) as conn:
        for name, language in (("ann", "en"), ("bryn", "cy"), ("jan", "pl")):
            people.add(
                conn,
                people.NewSubscriber(f"{name}@example.org", cadence="weekly", language=language),
                how="test",
                now=house.now,
                secret=place.secret,
            )
    house.publish("Shared care")
    report = house.run(days=7)
    assert sum(one.accepted for one in report.receipts) == 3
    folder = next((house.folder / "letters").glob("weekly-*"))
    texts = {path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    assert sum("Yn eich meysydd".upper() in text for text in texts) == 1
    assert sum("IN YOUR AREAS" in text for text in texts) == 2
    with reading(place.engine) as conn:
        assert all(one.state == "accepted" for one in deliveries.of_subscriber(conn, 2))


@pytest.mark.long
def test_what_editors_decide_is_what_is_sent_and_explained(house: House) -> None:
    house.run()
    both = Interests(frozenset({"housing", "transport"}), frozenset({"wales"}))
    welsh, mine = house.reader("welsh@example.org", interests=both), house.reader("all@example.org")
    for title, area in (("Alpha", "housing"), ("Beta", "housing"), ("Gamma", "transport")):
        house.publish(title, areas=area)
    house.run(minutes=5)
    place = house.place
    with writing(place.engine) as conn:
        edition = draft.draft(conn, place.settings, place.settings.cadence("weekly"), house.now)
        numbers = {row.entry.title: row.entry.id for row in editions.shown(conn, edition.id)}
    reword(place, ANN, numbers["Gamma"], {"title": "Buses that wait", "note": "Ask Gwen.\nShe knows."})
    reword(place, ANN, numbers["Beta"], {"not_for": ["wales"]})
    arrange.pin(place, ANN, edition.id, numbers["Gamma"])
    arrange.word_edition(
        place, ANN, edition.id, {"subject": "Wait for it", "question": "Who waits?", "step": "Ring a depot."}
    )
    before = {number: explain(place, str(number), str(numbers["Beta"]))[2].outcome for number in (welsh, mine)}
    assert before == {welsh: "not-for", mine: "owed"}
    house.run(days=7)
    assert [placed.entry for placed in house.letters(welsh)[0].placed] == [numbers["Gamma"], numbers["Alpha"]]
    assert house.letters(mine)[0].placed[0].entry == numbers["Gamma"]
    why = explain(place, str(welsh), str(numbers["Beta"]))[2]
    assert why.outcome == "not-for"
    assert why.reasons[0].endswith("an editor keeps it from followers of one of their regions or policy areas")
    [raw] = [p for p in (house.folder / "letters").rglob("*.eml") if b"welsh@" in p.read_bytes()]
    message = email.message_from_bytes(raw.read_bytes(), policy=email.policy.default)
    part = message.get_body(("plain",))
    assert message["Subject"] == "Wait for it" and part is not None
    text = part.get_content().replace("\r\n", "\n")
    assert "Buses that wait\n" in text and "    Ann, editor: Ask Gwen.\n    She knows.\n" in text
    assert "Worded by Ann\n" in text and text.count("Worded by") == 1
    assert text.index("Ring a depot.") < text.index("Who waits?") < text.index("Write to us: ")


def shipped(name: str, old: str, new: str) -> dict[str, str]:
    """Return a shipped template, by its name, with `old` replaced by `new`."""
    text = (sample.TEMPLATES / name).read_text(encoding="utf-8")
    assert old in text
    return {name: text.replace(old, new)}


# Templates that depend on more than their own part, each in another way.
CROOKED = {
    "first of its kind by style": {"inlined.css": "table.whole:first-child { color: #7a1f5c }"},
    "last of its kind by style": {"inlined.css": "table.whole:last-child { color: #7a1f5c }"},
    "neighbours by style": {"inlined.css": "table.whole + table.whole { color: #7a1f5c }"},
    "number in the loop": shipped("letter.html.j2", "{{ part.open }}", "{{ part.open }}<p>{{ loop.index }}</p>"),
    "first in the loop": shipped("letter.txt.j2", "{{ part.open }}", "{{ part.open }}{{ 'One' if loop.first }}"),
    "last in the loop": shipped(
        "letter.html.j2", "{{ part.close }}", "{{ '<b>End</b>' if loop.last }}{{ part.close }}"
    ),
    "how many parts": {"group.txt.j2": "{{ parts | length }} {{ part.title }}\n"},
    "the first part": {"section.html.j2": "<h2>{{ part.title }} {{ parts[0].title }}</h2>"},
}


def own_folder(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def compiled(folder: Path) -> Letter:
    return compile_letter(
        sample.EDITION,
        sample.entries(),
        replace(sample.APPEARANCE, templates=(folder, sample.TEMPLATES), brand=sample.BRAND),
    )


@pytest.mark.long
@few_and_many(2, 5)
@pytest.mark.parametrize("files", others_long(CROOKED, "number in the loop"))
def test_a_template_that_looks_at_its_neighbours_still_makes_the_right_letter(
    tmp_path: Path, files: dict[str, str], count: int
) -> None:
    fast = compiled(own_folder(tmp_path / "own", files))
    slow, why = proven(fast, extremes(fast), sample.READER)
    assert slow.apart and not fast.apart
    assert "differs from the whole one at character" in why
    other = replace(sample.READER, name="%%email%% <b>", email="jo@charity.example")
    for digest in some_digests()[:count]:
        verify(slow, digest, sample.READER)
        verify(slow, digest, other)
    mine, theirs = (assemble(slow, sample.digest(), reader) for reader in (sample.READER, other))
    assert "jo@charity.example" not in mine.html_text()
    assert mine.subject == theirs.subject


def test_the_shipped_templates_need_no_slower_path() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.BRANDED)
    assert len(extremes(letter)) == 4
    assert proven(letter, [*extremes(letter), *some_digests()], sample.READER) == (letter, "")


def test_a_slow_letter_is_compiled_once_a_digest_and_that_is_said_once(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crooked = own_folder(tmp_path / "own", CROOKED["first of its kind by style"])
    settings, inline = replace(house.settings, templates=crooked), Counted()
    made = letters(settings, inline)
    with caplog.at_level(logging.WARNING):
        for number in range(1, 31):
            send_to(made, Subscriber(number, f"r{number}@example.org", key="k"), some_digests()[number % 5])
    assert made.of("en").apart
    assert [record.message[:11] for record in caplog.records] == ["edition 47:"]
    assert "each digest is compiled by itself, which is slow" in caplog.text
    # 1 to compile, 5 to compare a digest and four trials, 2 to prove the slow letter, 1 for each of five digests.
    assert inline.calls <= 1 + 5 + 2 + 5


def test_a_template_that_judges_by_a_readers_words_is_refused(house: House, tmp_path: Path) -> None:
    nosy = own_folder(tmp_path / "own", {"group.html.j2": "<h3>{{ part.title }} {{ reader.email | length }}</h3>"})
    settings = replace(house.settings, templates=nosy)
    made = letters(settings, Counted())
    for number in (1, 2):
        with pytest.raises(ConfigError, match="must not ask for a reader's own words"):
            send_to(made, Subscriber(number, f"r{number}@example.org", key="k"), sample.digest())


@pytest.mark.long
def test_a_mistaken_template_sends_nothing_and_everything_once_it_is_mended(house: House, tmp_path: Path) -> None:
    own = own_folder(tmp_path / "own", {"card.txt.j2": "{{ part.titel }}\n"})
    house.run()
    numbers = [house.reader(f"r{n}@example.org") for n in range(3)]
    house.publish("Shared care")
    whole = house.settings
    house.settings = replace(whole, templates=own)
    with pytest.raises(ConfigError, match=r"card\.txt\.j2, line 1"):
        house.run(days=7)
    with reading(house.place.engine) as conn:
        assert [deliveries.of_subscriber(conn, n) for n in numbers] == [[], [], []]
    house.settings = whole
    assert sum(one.accepted for one in house.run().receipts) == 3


BROKEN = [
    ("card.html.j2", "<p>{{ part.open }}</p>\n{{ part.titel }}", "card.html.j2, line 2"),
    ("card.html.j2", "{% if part.picture %}\n<p>{{ part.picture.source }}</p>\n{% endif %}", "card.html.j2, line 2"),
    ("card.txt.j2", "\n\n{% if not part.url %}{{ author }}{% endif %}", "card.txt.j2, line 3"),
    ("letter.html.j2", "{{ words.farewell }}", "letter.html.j2, line 1"),
    ("inlined.css", "p { margin: 0 }\n.ink { color: {{ brand.light.inc }} }", "inlined.css, line 2"),
    ("words/cy.toml", "chnage = 'x'", "cy.toml: chnage"),
]
# Branches that only the decisions of editors reach.
BROKEN_FOR_EDITORS = [
    ("card.html.j2", "{% if part.note %}\n{{ part.note.by }}{% endif %}", "card.html.j2, line 2"),
    ("card.txt.j2", "{% if part.worded_by %}\n\n{{ editor }}{% endif %}", "card.txt.j2, line 3"),
    ("question.html.j2", "\n{{ part.title }}", "question.html.j2, line 2"),
    ("step.txt.j2", "{{ part.texts }}", "step.txt.j2, line 1"),
]


@pytest.mark.parametrize(("name", "text", "told"), spread(1, BROKEN_FOR_EDITORS))
def test_the_trial_letter_meets_what_editors_decide(
    house: House, tmp_path: Path, name: str, text: str, told: str
) -> None:
    settings = replace(house.settings, templates=own_folder(tmp_path / "own", {name: text}))
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
        trial_letter(settings)


@pytest.mark.parametrize(("name", "text", "told"), spread(3, BROKEN))
def test_check_and_preview_name_the_file_and_line_of_a_wrong_variable(
    house: House, name: str, text: str, told: str
) -> None:
    own = house.folder / "templates"
    (own / "words").mkdir(parents=True)
    (own / name).write_text(text, encoding="utf-8")
    house.config.write_text(
        house.config.read_text(encoding="utf-8") + '\n[letter]\ntemplates = "templates"\n', encoding="utf-8"
    )
    checked = CliRunner().invoke(cli, ["--config", str(house.config), "check"])
    assert isinstance(checked.exception, ConfigError)
    assert told in str(checked.exception)
    assert checked.exception.exit_code == 2
    if "words" not in name and "picture" not in text and "author" not in text:
        house.run()
        house.reader("r@example.org")
        house.publish("Shared care")
        pipeline.gather(house.place, force=True)
        place = house.place
        place.settings = replace(place.settings, templates=own)
        with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
            preview.preview(place)


def test_the_trial_letter_is_tried_in_every_language(house: House, tmp_path: Path) -> None:
    trial_letter(house.settings)
    own = own_folder(tmp_path / "own", {"group.txt.j2": "{% if letter.language == 'cy' %}{{ wales }}{% endif %}"})
    with pytest.raises(ConfigError, match=r"group\.txt\.j2, line 1: 'wales' is undefined"):
        trial_letter(replace(house.settings, templates=own))


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("Jürgen <d@news.bücher.example>", "news.xn--bcher-kva.example"),
        ("A, B <digest@news.example.org>", "news.example.org"),
        ('"a@b.example, C" <digest@news.example.org>', "news.example.org"),
        ("digest@news.example.org", "news.example.org"),
    ],
)
def test_the_senders_domain_names_message_and_list(house: House, sender: str, domain: str) -> None:
    settings = replace(house.settings, site=replace(house.settings.site, sender=headers.mailbox("site.from", sender)))
    person = Subscriber(1, "r@example.org", key="k")
    made = parcel(letters(settings, Counted()), person, sample.digest(), KEYS, START, delivery=1)
    head = made.message.split(b"\r\n\r\n", 1)[0].decode("ascii")
    assert f"@{domain}>\r\n" in head
    assert f"<digest.{domain}>" in head


def test_a_template_without_a_way_out_is_refused(house: House, tmp_path: Path) -> None:
    shipped = (resource("templates") / "email" / "letter.txt.j2").read_text()
    own = own_folder(
        tmp_path / "own", {"letter.txt.j2": shipped.replace("reader.unsubscribe_url", "reader.pause_url")}
    )
    with pytest.raises(ConfigError, match=r"letter\.txt\.j2: has no unsubscribe link"):
        trial_letter(replace(house.settings, templates=own))


@pytest.mark.parametrize("steps", [(), ("In turn.",)])
def test_an_edition_has_its_editors_words(house: House, steps: tuple[str, ...]) -> None:
    settings = replace(house.settings, steps=steps)
    plain = Letters(settings, EDITION, sample.entries()).of("en").edition
    assert (plain.subject, plain.step, plain.for_all, plain.question) == ("", *(steps or ("",)), False, "")
    worded = replace(EDITION, subject="S", step="Ours.", question="Q?")
    theirs = Letters(settings, worded, sample.entries()).of("en").edition
    assert (theirs.subject, theirs.step, theirs.for_all, theirs.question) == ("S", "Ours.", True, "Q?")


@pytest.mark.parametrize(
    ("slot", "frozen", "shown"),
    spread(
        2,
        [
            (
                "2026-11-01",
                datetime(2026, 11, 18, 9, tzinfo=UTC),
                "18 November 2026",
            ),  # a monthly letter, first run late
            ("2026-11-20", datetime(2026, 11, 20, 8, tzinfo=UTC), "20 November 2026"),
            ("2026-11-20", datetime(2026, 11, 19, 22, tzinfo=UTC), "20 November 2026"),  # ahead of its hour
            ("2026-06-30", datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "1 July 2026"),  # by the site's clock
            ("2026-11-20", None, "20 November 2026"),  # not frozen, as while its size is counted
        ],
    ),
)
def test_a_letter_shows_the_day_it_was_prepared(slot: str, frozen: datetime | None, shown: str, house: House) -> None:
    edition = replace(EDITION, slot=slot, frozen_at=frozen)
    made = Letters(house.settings, edition, sample.entries()).render("en", sample.digest(), sample.READER)
    assert f"Weekly digest, {shown}\n" in made.plain_text()
    assert shown in made.html_text()
