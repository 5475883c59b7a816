"""Files of a folder that cannot be taken as they are: told once by gather and run, kept in sight by doctor."""

from __future__ import annotations

from pathlib import Path

from digest.operations.file_problems import file_problems, in_short, keeps_back
from tests import console
from tests.counts import table
from tests.house import House


@table(
    "note, count, keeps",
    [
        ("", 0, False),
        ("a.md: the ingredient 'x' is not known; write one of did; none of its given ingredients is taken", 1, False),
        ("2 held for an editor: 9 new entries at once; see `digest entries --state held`", 0, False),
        ("https://a.example/feed.xml: a.example cannot be reached; check the address or wait", 0, False),
        (
            "a.md:2: is not UTF-8; save the file as UTF-8; b/c.md: 'status: drafft' is unknown; write published",
            2,
            True,
        ),
        ("1 exact repeats were left out; a.md: the date 'x' is unreadable; write it as 2026-01-31", 1, True),
        ("a.md: 'noindex: true' keeps the page from search engines, not from readers; write draft", 1, False),
        ("a.txt: is not read; save it as Markdown (8 such)", 8, True),
    ],
)
def test_the_problems_of_files_are_read_from_a_note(note: str, count: int, keeps: bool) -> None:
    problems = file_problems(note)
    assert (in_short(problems).startswith(f"{count} file"), keeps_back(problems)) == (True, keeps)


def test_a_file_to_be_corrected_is_told_once_and_stays_in_doctor(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.publish("Kinship care")
    (tmp_path / "notes" / "latin.md").write_bytes(b"---\ntitle: caf\xe9\n---\nT.\n")
    (tmp_path / "notes" / "slip.md").write_text("---\ntitle: A\nexpires: yesterday\n---\nT.\n")
    (tmp_path / "notes" / "twice.md").write_text("---\ntitle: A\ndraft: no\ndraft: yes\n---\nT.\n")
    answers = [console.digest(tmp_path, "--now", f"2026-11-0{day}T09:00:00Z", "gather") for day in (2, 3)]
    (tmp_path / "notes" / "sixteen.md").write_bytes("---\ntitle: A\n---\n".encode("utf-16"))
    answers.append(console.digest(tmp_path, "--now", "2026-11-03T10:00:00Z", "gather"))
    told = [answer.stderr for answer in answers]
    assert [answer.code for answer in answers] == [0, 0, 0] and told[1] == ""
    assert "Notes: 3 files are to be corrected: latin.md:2: is not UTF-8; save the file as UTF-8" in told[0]
    assert "1 file is to be corrected: sixteen.md" in told[2] and "latin.md" not in told[2]
    doctor = console.digest(tmp_path, "--now", "2026-11-03T11:00:00Z", "doctor")
    assert (
        "person: Notes: 4 files are to be corrected: latin.md:2: is not UTF-8; save the file as UTF-8"
        in doctor.stdout
    )
    assert "4 files are to be corrected: `digest doctor`" in console.digest(tmp_path, "status").stdout
    house.close()
