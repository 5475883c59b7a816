"""The whole story through the command line, as a newcomer, an editor, a reader and cron would meet it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from tests import console

RECEIPT = {"edition", "cadence", "eligible", "accepted", "refused", "suppressed", "empty", "held", "uncertain",
           "cancelled", "balanced"}  # fmt: skip
FRIDAY = "2026-11-20T09:00:00+00:00"
JOINED = "2026-11-01T08:00:00+00:00"  # before every slot that is due on the Friday

Digest = Callable[..., console.Answer]


@pytest.fixture
def digest(tmp_path: Path) -> Digest:
    """Run `digest` in a folder of its own; `code` is the exit code wanted. (Processes of its own: below.)"""

    def call(*arguments: str, now: str = FRIDAY, code: int = 0, environ: Mapping[str, str] | None = None) -> Any:
        answer = console.digest(tmp_path, "--now", now, *arguments, environ=environ)
        assert answer.code == code, f"{arguments}: {answer}"
        return answer

    return call


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `served` copies."""
    folder = tmp_path_factory.mktemp("new")
    assert console.digest(folder, "--now", FRIDAY, "init").code == 0
    console.few_readers(folder)
    assert console.digest(folder, "--now", JOINED, "subscribers", "import", "examples/subscribers.csv").code == 0
    return folder


@pytest.fixture
def served(new: Path, tmp_path: Path) -> None:
    """A new installation with a dozen readers."""
    shutil.copytree(new, tmp_path, dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Friday:
    """Hold the folder of an installation that ran, what each command answered, and what was previewed before."""

    folder: Path
    said: dict[str, console.Answer]
    seen: bytes

    def digest(self, *words: str) -> console.Answer:
        """Run `digest` there once more."""
        answer = console.digest(self.folder, "--now", FRIDAY, *words)
        assert answer.code == 0, answer
        return answer


@pytest.fixture(scope="module")
def friday(new: Path, tmp_path_factory: pytest.TempPathFactory) -> Friday:
    """A Friday on which everything went well: gathered, prepared, previewed and run."""
    made = Friday(Path(shutil.copytree(new, tmp_path_factory.mktemp("friday"), dirs_exist_ok=True)), {}, b"")
    made.said["gather"] = made.digest("gather", "--json")
    made.said["prepare"] = made.digest("prepare", "weekly", "--json")
    made.digest("preview", "--area", "children-families", "--region", "south-west", "--out", "other")
    made.digest("preview", "--subscriber", console.MORWENNA)
    seen = (made.folder / "preview" / "letter.eml").read_bytes()
    made.said["run"] = made.digest("run", "--json")
    return replace(made, seen=seen)


@pytest.mark.long
def test_the_demo_shows_the_story_and_run_again_sends_nothing_new(digest: Digest, tmp_path: Path) -> None:
    real = tmp_path / "real"
    elsewhere = {  # the demo takes no orders from the environment
        "DIGEST_STORAGE__URL": f"sqlite:///{real}/digest.db",
        "DIGEST_TRANSPORT__DIRECTORY": str(real),
        "DIGEST_SITE__NMAE": "a mistake of another installation",
    }
    first = digest("demo", environ=elsewhere)
    assert not real.exists()
    assert "every eligible reader is accounted for" in first.stdout
    letters = sorted((tmp_path / "demo" / "letters").glob("*/*.eml"))
    assert len(letters) > 200
    assert (tmp_path / "demo" / "letters" / "index.html").exists()
    before = {path: path.stat().st_mtime_ns for path in letters}
    second = digest("demo")
    assert "nothing new" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "demo" / "letters").glob("*/*.eml")} == before
    message = BytesParser(policy=policy.default).parsebytes(letters[0].read_bytes())
    assert not message.defects
    assert message.get_body(("plain",)) is not None
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.long
def test_every_answer_keeps_its_keys(friday: Friday) -> None:
    digest = friday.digest
    assert "no mistake found" in digest("check").stdout
    gathered = friday.said["gather"].document["sources"]
    assert {"name", "status", "new", "changed", "same", "held", "error"} <= set(gathered[0])
    assert sum(one["new"] for one in gathered) >= 40
    found = digest("entries", "--json").document
    keys = {"id", "source", "url", "title", "kind", "published", "first_seen", "policy_areas", "regions", "themes",
            "evidence", "state"}  # fmt: skip
    assert keys <= set(found[0])
    for region in ("scotland", "unknown"):
        listed = digest("entries", "--region", region, "--json").document
        assert listed == [entry for entry in found if region in entry["regions"]]
    assert digest("entry", str(found[0]["id"]), "--json").document["evidence"]
    assert friday.said["prepare"].document["state"] == "draft"
    receipts = friday.said["run"].document["receipts"]
    assert {r["cadence"] for r in receipts} == {"daily", "weekly", "monthly"}
    for receipt in receipts:
        assert set(receipt) >= RECEIPT
        rest = ("accepted", "refused", "suppressed", "empty", "held", "uncertain", "cancelled")
        assert receipt["eligible"] == sum(receipt[key] for key in rest)
        assert receipt["balanced"] is True
    assert digest("send", "--json").document["receipts"] == []
    assert digest("run", "--json").document["receipts"] == []
    why = digest("explain", "--subscriber", console.MORWENNA, "--json").document
    assert set(why) == {"subscriber", "entry", "outcome", "reasons"}
    assert why["outcome"] == "accepted"
    state = digest("status", "--json").document
    assert len(state["receipts"]) == 3
    assert digest("doctor").stdout


@pytest.mark.long
def test_a_preview_is_the_letter_that_is_sent(friday: Friday) -> None:
    sent = [path.read_bytes() for path in (friday.folder / "letters").glob("weekly-*/*.eml")]
    assert friday.seen in sent
    assert "south west" in (friday.folder / "other" / "letter.txt").read_text().lower()
    # After that letter there is nothing new, so the next would have what it had no room for.
    friday.digest("preview", "--subscriber", console.MORWENNA, "--out", str(friday.folder / "next"))
    assert "There is nothing new for you this time" in (friday.folder / "next" / "letter.txt").read_text()


@pytest.mark.long
@pytest.mark.usefixtures("served")
def test_an_editor_approves_what_goes_out(digest: Digest, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('approval = "automatic"', 'approval = "required"'))
    waiting = digest("run", code=4)
    assert "digest approve" in waiting.stderr
    number = str(next(e["edition"] for e in digest("status", "--json").document["open_editions"]))
    digest("approve", number, "--hash", "0000", code=4)
    digest("approve", number, "--by", "Editor")
    assert digest("run", "--json").document["receipts"][0]["cadence"] == "weekly"
    assert "frozen" in digest("hold", number, code=2).stderr


@pytest.mark.long
def test_mistakes_are_one_line_each_and_change_nothing(digest: Digest, tmp_path: Path) -> None:
    assert "digest init" in digest("run", code=2).stderr
    digest("init")
    assert "nothing was changed" in digest("init", code=2).stderr
    config = tmp_path / "config.toml"
    good = config.read_text()
    config.write_text(good.replace('at = "fri 08:00"', 'at = "fri 25:00"').replace("[gather]", "[gathre]"))
    said = digest("check", code=2).stderr
    assert "cadence.weekly.at" in said
    assert "gathre: unknown key" in said
    config.write_text(good)
    assert "is not in config.toml; known:" in digest("preview", "--area", "nothing", code=2).stderr
    assert "is not in config.toml" in digest("gather", "--source", "Nowhere", code=2).stderr
    assert "was never gathered" in digest("entry", "999", code=2).stderr
    assert "does not exist" in digest("approve", "99", code=2).stderr
    assert "is not an instant" in digest("status", now="yesterday", code=2).stderr
    config.write_text(good.replace("examples/case-studies", "examples/nowhere"))
    assert "is not there" in digest("check", code=2).stderr
    run = digest("run", "--json").document
    failed = [one for one in run["sources"] if one["status"] == "failed"]
    assert [one["name"] for one in failed] == ["Field Notes"]
    assert "nowhere" in failed[0]["error"]
    assert any("Field Notes" in line for line in digest("doctor", code=1).stdout.splitlines())


@pytest.mark.long
def test_people_come_and_go(digest: Digest, tmp_path: Path) -> None:
    digest("init")
    digest("subscribers", "add", "new.reader@council.example", "--policy-areas", "housing", "--regions", "wales")
    assert "did you mean" in digest("subscribers", "import", _csv(tmp_path), code=1).stderr
    shown = digest("subscribers", "show", "new.reader@council.example", "--json").document
    assert shown["policy_areas"] == ["housing"]
    digest("subscribers", "export", "people.csv")
    assert "0 added, 0 changed" in digest("subscribers", "import", "people.csv").stdout
    digest("subscribers", "suppress", "new.reader@council.example")
    digest("subscribers", "forget", "new.reader@council.example", "--yes")
    assert b"new.reader" not in (tmp_path / "digest.db").read_bytes()
    assert "1 suppressed" in digest("subscribers", "import", "people.csv").stdout
    assert len(digest("subscribers", "list", "--json").document) == 1


def _csv(folder: Path) -> str:
    (folder / "in.csv").write_text("email,policy_areas\ngood@council.example,housing\nbad@council.example,housng\n")
    return "in.csv"


@pytest.mark.long  # in `make test` a run beside the daemon's stands for it (tests/test_daemon.py)
@pytest.mark.usefixtures("served")
def test_two_runs_at_once_do_no_harm(digest: Digest, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "digest", "--now", FRIDAY, "run", "--json"]
    both = [subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for one in both:
        one.communicate(timeout=120)
    assert {one.returncode for one in both} <= {0, 75}
    assert 0 in {one.returncode for one in both}
    slots = digest("status", "--json").document["slots"]
    assert len({(s["cadence"], s["day"]) for s in slots}) == len(slots) == 3
