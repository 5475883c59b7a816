"""`digest --log json`: each line of stderr is one JSON object with time, level, run and edition, and names nobody."""

from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest

from digest import cli
from digest.system.json_log import JsonFormatter, json_handlers, json_line, use_json, use_text
from tests.console import Answer, digest
from tests.counts import table
from tests.house import House

AT = datetime(2026, 11, 6, 8, 0, 1, 234567, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    house = begun(tmp_path / "house")
    house.reader("anna@example.org", "daily")
    house.publish("One")
    house.close()
    yield house
    house.close()


def lines_of(answer: Answer) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in answer.stderr.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert all(datetime.fromisoformat(line["time"]).utcoffset() is not None for line in lines)
    return lines


@table(
    "message, about, told",
    [
        ("plain", {}, {"message": "plain"}),
        ("plain", {"run": 3, "edition": None}, {"message": "plain", "run": 3}),
        ("sent", {"run": 3, "edition": 7}, {"message": "sent", "run": 3, "edition": 7}),
        (
            "waiting: edition 12 is stopped",
            {"edition": 7},
            {"message": "waiting: edition 12 is stopped", "edition": 12},
        ),
        ("edition 12: x", {}, {"message": "edition 12: x", "edition": 12}),
        ("the first edition 12", {}, {"message": "the first edition 12"}),
        ("to anna.b+c@mail.example.org: no", {}, {"message": "to …: no"}),
        ("https://social.example/@ann.rss", {}, {"message": "https://social.example/@ann.rss"}),
        ("two\nlines", {}, {"message": "two\nlines"}),
    ],
)
def test_a_line(message: str, about: dict[str, Any], told: dict[str, Any]) -> None:
    line = json_line(AT, "INFO", "digest", message, about)
    assert "\n" not in line and line.isascii()
    head = {"time": "2026-11-06T08:00:01.234Z", "level": "INFO", "logger": "digest"}
    assert json.loads(line) == head | told


def test_an_exception_is_told_without_its_words() -> None:
    stream, log = io.StringIO(), logging.Logger("digest.some", logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(lambda: {"run": 5}))
    log.addHandler(handler)
    try:
        raise ValueError("anna@example.org is no number")
    except ValueError:
        log.exception("could not do %s", "it")
    told = json.loads(stream.getvalue())
    assert (told["level"], told["logger"], told["message"], told["run"]) == (
        "ERROR",
        "digest.some",
        "could not do it",
        5,
    )
    assert told["error"] == "ValueError" and __file__ in told["raised"][0] and "anna" not in stream.getvalue()


def test_the_interpreters_warnings_are_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    use_json(dict)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    finally:
        use_text()
    assert json.loads(capsys.readouterr().err)["logger"] == "py.warnings"


def test_a_run_tells_its_number_and_its_editions(house: House) -> None:
    now = ["--config", str(house.config), "--now", "2026-11-03T08:00:00+00:00", "--log", "json"]
    lines = lines_of(digest(house.folder, *now, "run", "-v"))
    assert {line["run"] for line in lines if "run" in line} == {2}
    [read] = [line for line in lines if line["message"].startswith("Notes: ")]
    assert (read["time"], read["level"], read["run"]) == ("2026-11-03T08:00:00.000Z", "INFO", 2)
    assert any(line["message"].startswith("receipt: ") for line in lines)
    assert "anna" not in json.dumps(lines)


def test_text_is_as_it_was(house: House) -> None:
    now = ["--config", str(house.config), "--now", "2026-11-03T08:00:00+00:00"]
    told = digest(house.folder, *now, "run", "-v").stderr
    assert "2026-11-03T08:00:00Z run 2:   Notes: 1 new" in told and "{" not in told


def test_errors_are_lines_too(house: House, tmp_path: Path) -> None:
    config = ["--config", str(house.config), "--log", "json"]
    [line] = lines_of(digest(tmp_path, "--config", "none.toml", "--log", "json", "run"))
    assert line["level"] == "ERROR" and "no such file" in line["message"]
    [line] = lines_of(digest(tmp_path, *config, "send", "--nonsense"))
    assert line["level"] == "ERROR" and "--nonsense" in line["message"]
    house.place.fence.hold()
    answer = digest(tmp_path, *config, "--now", "2026-11-03T08:00:00+00:00", "run")
    [line] = lines_of(answer)
    assert (answer.code, line["level"], "HOLD" in line["message"]) == (4, "ERROR", True)
    assert json_handlers() == []


def test_a_bug_is_a_line_and_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError("anna@example.org")

    monkeypatch.setitem(cli.digest.commands, "run", broken)
    monkeypatch.setattr(cli.digest, "get_command", lambda _context, _name: broken)
    answer = digest(tmp_path, "--log", "json", "run")
    [line] = lines_of(answer)
    assert (answer.code, line["level"], line["error"]) == (1, "CRITICAL", "ZeroDivisionError")
    assert "anna" not in answer.stderr


@pytest.mark.long
def test_serve_and_schedule_tell_json_alone(house: House) -> None:
    for words in (["serve", "--port", "0"], ["schedule"]):
        command = [sys.executable, "-m", "digest", "--config", str(house.config), "--log", "json", *words]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=house.folder)
        try:
            assert process.stderr is not None
            first = json.loads(process.stderr.readline())
            while words[0] == "serve" and "listening on" not in first["message"]:
                first = json.loads(process.stderr.readline())
            if words[0] == "serve":
                (house.folder / "digest.db").rename(house.folder / "gone.db")
                address = first["message"].split()[-1]
                assert httpx2.get(f"{address}/readyz", timeout=20).status_code == 503
                (house.folder / "gone.db").rename(house.folder / "digest.db")
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=60)
            told = [json.loads(line) for line in rest.splitlines()]
            assert process.returncode == 0 and told[-1]["message"] == "digest: stopped"
            assert words[0] == "schedule" or told[0]["logger"] == "digest.operations.monitor"
        finally:
            process.kill()
            process.communicate()
