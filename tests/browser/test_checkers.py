"""Letters as independent programs judge them: two html checkers and a spam filter, none of them ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.letter.lint import lint
from tests.browser import scenes
from tests.browser.letters import Sample

pytestmark = pytest.mark.checkers
Lacking = Callable[[str], None]
# VML's namespaces and mso-* properties are what Outlook for Windows needs; nothing else is let through.
_OUTLOOKS_OWN = "Attribute “xmlns:[vo]” not allowed here.|CSS: “mso-[a-z-]+”: Property “mso-[a-z-]+” doesn't exist."
# What a source wrote, and an editor may drop: a real feed's entry on losing weight. The sum must bear it.
_THEIR_WORDS = {"DIET_1"}
BAD = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><p><div id="a" id="b">x</p></body></html>'


@pytest.fixture
def pages(shown: list[Sample], tmp_path: Path) -> list[Path]:
    """Each letter's html part as a file."""
    return [_written(tmp_path / f"{letter.name}.html", letter.html) for letter in shown]


def test_nu_html_checker_is_content(pages: list[Path], lacking: Lacking, tmp_path: Path) -> None:
    faults = nu(pages, lacking)
    assert not faults, "\n".join(faults)
    assert nu([_written(tmp_path / "bad.html", BAD)], lacking)


def test_html_validate_is_content(pages: list[Path], lacking: Lacking, tmp_path: Path) -> None:
    faults = html_validate(pages, lacking)
    assert not faults, "\n".join(faults)
    assert html_validate([_written(tmp_path / "bad.html", BAD)], lacking)


def test_spamassassin_likes_every_letter(shown: list[Sample], lacking: Lacking, tmp_path: Path) -> None:
    scored = spamassassin([letter.message for letter in shown], tmp_path, lacking)
    assert len(scored) == len(shown)
    faults = [
        f"{letter.name}: {score} {rules}"
        for letter, (score, rules) in zip(shown, scored, strict=True)
        if score > 0 or any(points > 0.5 and rule not in _THEIR_WORDS for rule, points in rules.items())
    ]
    assert not faults, "\n".join(faults)


def test_spamassassin_dislikes_spam(lacking: Lacking, tmp_path: Path) -> None:
    spam = (
        b"From: win@example.org\r\nTo: you@example.org\r\nSubject: FREE MONEY ACT NOW!!!\r\n\r\n"
        b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
    )
    ((score, rules),) = spamassassin([spam], tmp_path, lacking)
    assert score > 5
    assert "GTUBE" in rules


def test_our_own_lint_finds_nothing_either(shown: list[Sample]) -> None:
    ordinary = [letter for letter in shown if not letter.name.startswith("awkward")]
    faults = [
        f"{letter.name}: {found.line()}"
        for letter in ordinary
        for found in lint(letter.html, letter.text, letter.subject, letter.message)
        if found.level == "error"
    ]
    assert not faults, "\n".join(faults)


def nu(pages: list[Path], lacking: Lacking) -> list[str]:
    """Return what the Nu html checker calls an error."""
    jar = scenes.npm("vnu-jar/build/dist/vnu.jar")
    if not jar:
        lacking("no vnu-jar")
    if not shutil.which("java"):
        lacking("no java")
    words = ["java", "-jar", str(jar), "--errors-only", "--exit-zero-always", "--format", "json"]
    done = _run([*words, "--filterpattern", _OUTLOOKS_OWN, *map(str, pages)])
    found = json.loads(done.stderr or done.stdout)["messages"]
    return [f"{Path(one['url']).stem} line {one.get('lastLine')}: {one['message']}" for one in found]


def html_validate(pages: list[Path], lacking: Lacking) -> list[str]:
    """Return what html-validate finds."""
    program = scenes.npm("html-validate/bin/html-validate.mjs")
    if not program:
        lacking("no html-validate")
    options = ["--config", str(scenes.HERE / "htmlvalidate.json"), "--formatter", "json"]
    done = _run([str(scenes.node(lacking)), str(program), *options, *map(str, pages)])
    assert done.returncode in (0, 1), done.stderr
    return [
        f"{Path(page['filePath']).stem} line {one['line']}: {one['ruleId']}: {one['message']}"
        for page in json.loads(done.stdout)
        for one in page["messages"]
    ]


def spamassassin(messages: list[bytes], folder: Path, lacking: Lacking) -> list[tuple[float, dict[str, float]]]:
    """Return each message's score and the points of its rules, by SpamAssassin's local tests in one run."""
    if not shutil.which("spamassassin"):
        lacking("no SpamAssassin")
    files = []
    for number, message in enumerate(messages):
        files.append(folder / f"{number:04d}.eml")
        files[-1].write_bytes(message)
    words = ["spamassassin", "--local", "--test-mode", "--nocreate-prefs", *map(str, files)]
    done = _run(words, {**os.environ, "HOME": str(folder), "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    scored = []
    for judged in re.split(r"(?m)^X-Spam-Checker-Version:", done.stdout)[1:]:
        total = re.search(r"(?m)^Content analysis details: +\((-?[\d.]+) points", judged)
        assert total, judged[:200]
        rows = re.findall(r"(?m)^ *(-?\d+(?:\.\d)?) ([A-Z0-9_]{3,}) ", judged[total.end() :])
        scored.append((float(total[1]), {name: float(points) for points, name in rows}))
    return scored


def _run(words: list[str], environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=300)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
