"""Test the files in deploy/: units that systemd takes and that are closed, lines that cron can run, containers."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from digest import cli
from digest.commands.by_name import MODULES
from tests.house import House
from tests.programs import needed

ROOT = Path(cli.__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.servers
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in [*UNITS, *(DEPLOY / "systemd").glob("*.timer")]:
        text = unit.read_text(encoding="utf-8").replace("/srv/learning/venv/bin/digest", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([needed("systemd-analyze"), "verify", *units], capture_output=True, text=True)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "digest-" in line]
    assert ours == [] and len(units) == 7


@pytest.mark.servers
def test_the_units_expose_little() -> None:
    for unit in UNITS:
        command = [needed("systemd-analyze"), "security", "--offline=true", "--threshold=30", str(unit)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def commands_in(text: str) -> set[str]:
    """Return the words after `bin/digest` in a text, such as {"run", "db"}."""
    return set(re.findall(r"bin/digest (\w+)", text))


def test_each_file_gives_commands_that_the_program_has() -> None:
    files = [*UNITS, DEPLOY / "crontab"]
    given = {command for file in files for command in commands_in(file.read_text(encoding="utf-8"))}
    assert given == {"run", "events", "schedule", "serve", "db", "worker"} and given <= set(MODULES)
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {name: service["command"][0] for name, service in services.items() if "command" in service} == {
        "scheduler": "schedule", "worker": "worker", "web": "serve"
    }  # fmt: skip
    built = services["scheduler"]["build"]
    assert (DEPLOY / "container" / built["context"] / built["dockerfile"]).resolve().is_file()


def test_the_lines_of_the_documentation_are_those_of_the_crontab() -> None:
    lines = [line for line in (DEPLOY / "crontab").read_text(encoding="utf-8").splitlines() if "bin/digest" in line]
    document = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert all(line in document for line in lines if " db backup " not in line)


@pytest.mark.long
def test_cron_can_run_each_line(tmp_path: Path) -> None:
    """As cron does: by /bin/sh, with a short PATH, after each % has ended its backslash."""
    with closing(House(tmp_path / "house")) as house:
        house.reader("rhian@town.example")
    program = house.folder / "venv" / "bin" / "digest"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m digest "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    lines = [line for line in (DEPLOY / "crontab").read_text(encoding="utf-8").splitlines() if "bin/digest" in line]
    ends = {}
    for line in lines:
        command = line.split(None, 5)[5].replace(r"\%", "%").replace("/srv/learning", str(house.folder))
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LOGNAME": "learning", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["/bin/sh", "-c", command], env=environ, capture_output=True, text=True, timeout=120)
        ends[min(commands_in(command))] = (done.returncode, done.stdout)
        if "events" not in command:
            assert done.stderr == "", done.stderr
    assert ends == {"run": (0, ""), "events": (2, ""), "db": (0, ends["db"][1])}
    assert len(list((house.folder / "backups").glob("digest-*.db"))) == 1


def test_no_layer_of_the_container_keeps_a_secret_of_this_folder() -> None:
    """A `COPY .` stays in its layer even when a later step removes the files."""
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    secrets = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8"))["secrets"]
    files = {f"deploy/container/{Path(secret['file']).name}" for secret in secrets.values()}
    assert files | {".git", ".venv", "demo", "**/*.db", "**/*.secret", "**/*.pem"} <= set(left_out)
