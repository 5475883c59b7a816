"""People as CSV files through the command line: what is refused is told by the exit code, what is there stays."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest import pipeline
from tests import console
from tests.counts import spread
from tests.house import House

Digest = Callable[..., console.Answer]


@pytest.fixture
def digest(tmp_path: Path) -> Digest:
    """A call of the command line in a new installation."""
    assert console.digest(tmp_path, "init").code == 0

    def call(*words: str, code: int = 0, **environ: str) -> console.Answer:
        answer = console.digest(tmp_path, "subscribers", *words, environ=environ)
        assert answer.code == code, f"{words}: {answer}"
        return answer

    return call


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def states(digest: Digest) -> dict[str, str]:
    return {person["email"]: person["state"] for person in digest("list", "--json").document}


@pytest.mark.long
def test_refused_rows_give_exit_1_unless_they_are_left(digest: Digest, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email,status\na@x.example,subscribed\nb@x.example,odd\nc@x.example,cleaned\n")
    rehearsal = digest("import", "people.csv", "--dry-run", code=1)
    assert "2 added, 0 changed, 0 unchanged, 1 refused" in rehearsal.stdout and states(digest) == {}
    assert "line 3: column 'status' holds 'odd', which does not tell whether they may be mailed" in rehearsal.stderr
    assert (
        "line 4: taken as left and suppressed (bounced), because column 'status' holds 'cleaned'" in rehearsal.stderr
    )
    assert "1 refused: mend these lines" in digest("import", "people.csv", code=1).stderr
    assert "1 refused" not in digest("import", "people.csv", "--skip-refused", "--json").stderr
    assert states(digest) == {"a@x.example": "active", "c@x.example": "left"}


@pytest.mark.long
def test_a_column_that_turns_out_to_tell_of_consent_changes_nothing(digest: Digest, tmp_path: Path) -> None:
    rows = "".join(f"p{number}@x.example,Leeds\n" for number in range(1_100))
    (tmp_path / "people.csv").write_text(f"E-mail Adr,Marker\n{rows}no@x.example,unsubscribed\n")
    told = digest("import", "people.csv", "--map", "E-mail Adr=email", code=2).stderr
    assert "line 1102: column 'marker' holds 'unsubscribed'" in told and "--map" in told
    assert states(digest) == {}
    digest("import", "people.csv", "--map", "e-mail adr=email", "--map", "Marker=unsubscribed", "--dry-run")
    assert 'such as --map "E-mail Adr=email"' in digest("import", "people.csv", "--map", "E-mail Adr", code=2).stderr


def test_tags_become_interests(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("Email Address,TAGS,LEID\na@x.example,Homes;VIP,1\n")
    words = ("--map", "tags=interests", "--interest", "Homes=housing", "--interest", "VIP=ignore")
    assert "label 'Homes' is no policy area" in digest("import", "people.csv", *words[:2], code=1).stderr
    digest("import", "people.csv", *words)
    assert digest("show", "a@x.example", "--json").document["policy_areas"] == ["housing"]


def test_who_is_imported_gets_the_language_of_the_site(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,language\na@x.example,\nb@x.example,en\n")
    digest("import", "people.csv", DIGEST_SITE__LANGUAGE="cy")
    languages = {person["email"]: person["language"] for person in digest("list", "--json").document}
    assert languages == {"a@x.example": "cy", "b@x.example": "en"}


@pytest.mark.usefixtures("open_umask")
def test_an_export_is_for_its_owner_and_for_a_spreadsheet(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,name\na@x.example,Zoë Example\n")
    digest("import", "people.csv")
    digest("export", "out.csv")
    out = tmp_path / "out.csv"
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes().startswith(b"\xef\xbb\xbfemail,name,")
    assert next(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))["name"] == "Zoë Example"
    assert digest("import", "out.csv").stdout == "0 added, 0 changed, 1 unchanged, 0 refused, 0 suppressed\n"


@pytest.mark.parametrize("kind", spread(1, ["file", "link", "broken link"]))
def test_an_export_overwrites_nothing(digest: Digest, tmp_path: Path, kind: str) -> None:
    kept = tmp_path / "kept.csv"
    if kind != "broken link":
        kept.write_text("keep me")
    if kind != "file":
        (tmp_path / "out.csv").symlink_to(kept)
    name = "kept.csv" if kind == "file" else "out.csv"
    assert f"{name} exists; name a new file, nothing is overwritten" in digest("export", name, code=2).stderr
    assert (kept.read_text() if kept.exists() else None) == (None if kind == "broken link" else "keep me")


@pytest.mark.parametrize(
    ("before", "welcome", "words"),
    [
        ("nothing", "0 days", ""),
        ("a gather", "0 days", "the entries that come from now on; for a look-back"),
        ("a run", "0 days", "the entries that come from now on; for a look-back"),
        ("a run", "12 hours", "reaches as far back from their joining as [letter] welcome says"),
    ],
)
@pytest.mark.parametrize("command", spread(1, ["import", "add"]))
def test_people_who_join_after_the_first_entries_get_a_word_on_what_comes_first(
    tmp_path: Path, command: str, before: str, welcome: str, words: str
) -> None:
    house = House(tmp_path / "house", source="backfill = 5")
    house.publish("One")
    if before == "a gather":
        pipeline.gather(house.place, force=True)
    elif before == "a run":
        house.run()
    house.close()
    (house.folder / "people.csv").write_text("email\na@x.example\nb@x.example\n")
    typed = ("import", "people.csv") if command == "import" else ("add", "a@x.example")
    environ = {"DIGEST_LETTER__WELCOME": welcome}
    answers = [console.digest(house.folder, "subscribers", *typed, environ=environ) for _ in range(2)]
    assert words in answers[0].stderr and answers[0].stderr.count("welcome") == bool(words), answers[0]
    assert "welcome" not in answers[1].stderr, "nobody is added the second time"


TWICE = (
    ("--map", "Marker=subscribed", "Marker=unsubscribed"),
    ("--map", "Mark er=unsubscribed", "mark_er=ignore"),
    ("--map", " MARKER =unsubscribed", "marker=unsubscribed"),
    ("--interest", "Homes=housing", "Homes=transport"),
    ("--interest", "Wohnen & Bau=housing", "wohnen-bau=ignore"),
)


def test_a_column_or_label_that_is_given_twice_is_refused(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,marker,mark er\na@x.example,1,1\n")
    for option, first, second in TWICE:
        told = digest("import", "people.csv", option, first, option, second, code=2).stderr
        assert f"{option} '{second.partition('=')[0]}' is given twice; give it once" in told
    assert states(digest) == {}


def test_a_mapping_file_says_what_tags_stand_for(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(
        "email,tags\na@x.example,Homes;VIP\nb@x.example,homes\nc@x.example,housing\n"
    )
    words = ("import", "people.csv", "--map", "tags=interests")
    told = digest(*words, "--dry-run", "--interests-to-fill", "mapping.toml", code=1).stderr
    assert "labels that stand for nothing here, and how often: 'Homes' (2), 'VIP' (1)" in told
    assert "mapping.toml: 2 labels to fill in; then import again with --interests mapping.toml" in told
    assert "is not filled in" in digest(*words, "--interests", "mapping.toml", code=2).stderr
    path = tmp_path / "mapping.toml"
    assert "exists" in digest(*words, "--interests-to-fill", "mapping.toml", code=2).stderr
    path.write_text(path.read_text().replace('"Homes" = ""', '"Homes" = "housng"').replace('""', '"ignore"'))
    assert "mapping.toml 'Homes': 'housng' is no" in digest(*words, "--interests", "mapping.toml", code=2).stderr
    assert states(digest) == {}
    path.write_text(path.read_text().replace("housng", "transport"))
    answer = digest(*words, "--interests", "mapping.toml", "--interest", "homes=housing", "--json")
    assert (answer.document["added"], answer.document["unknown_labels"]) == (3, {})
    assert digest("show", "a@x.example", "--json").document["policy_areas"] == ["housing"]
