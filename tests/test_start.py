"""Starting: what everybody pays for at every start, and what must not be among it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from digest.cli import digest as program
from digest.commands import by_name
from digest.config.load import load
from digest.store import sources
from digest.store.engine import writing
from tests.counts import others_long
from tests.house import House

# Each of these costs a tenth of a second or more, and `digest --help` needs none.
HEAVY = (
    "alembic",
    "apscheduler",
    "feedparser",
    "httpx2",
    "lxml",
    "premailer",
    "pydantic",
    "sendgrid",
    "sqlalchemy",
    "trafilatura",
)
# What neither `digest status` nor a run with nothing due needs: they read the settings and the database.
BUSY = (
    "alembic", "apscheduler", "cryptography", "cssutils", "difflib", "email_validator", "feedparser", "httpcore2",
    "httpx2", "itsdangerous", "jinja2", "lxml", "markdown_it", "nh3", "premailer", "psycopg", "rapidfuzz", "rich",
    "sendgrid", "smtplib", "sqlalchemy.dialects.postgresql", "starlette", "trafilatura", "protego",
    "uvicorn", "yaml", "digest.editions.full_texts", "digest.editions.withdraw",
    "digest.ledger.objections", "digest.notices.hand_over", "digest.sources.newness",
)  # fmt: skip
ASK = """
import sys
from digest.cli import main
for arguments in {commands!r}:
    sys.argv = ["digest", *arguments]
    try:
        main()
    except SystemExit as end:
        print("LEFT", end.code, file=sys.stderr)
print("LOADED", *sorted(sys.modules), file=sys.stderr)
"""


def loaded_by(*commands: list[str]) -> list[str]:
    """Run commands in one process of their own, all of which must succeed; return the names of all its modules."""
    done = subprocess.run([sys.executable, "-c", ASK.format(commands=commands)], capture_output=True, text=True)
    assert done.stderr.count("LEFT 0") == len(commands), done.stderr
    assert done.stdout.strip()
    loaded = done.stderr.rpartition("LOADED")[2].split()
    assert "digest" in loaded
    return loaded


@pytest.mark.parametrize(
    "arguments",
    others_long([["--help"], ["--version"], ["gather", "--help"], ["run", "--help"]], ["--help"], ["run", "--help"]),
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert sorted(set(HEAVY) & set(loaded_by(arguments))) == []


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(program)
    listed = {name: click.Command(name, help=sentence) for name, (_, sentence) in by_name.MODULES.items()}
    own = {name: program.get_command(context, name) or click.Command("missing") for name in listed}
    short = {name: command.get_short_help_str(1000) for name, command in listed.items()}
    assert {name: command.get_short_help_str(1000) for name, command in own.items()} == short
    modules = {module for module, _ in by_name.MODULES.values()}
    defined = [command.name for module in modules for command in import_module(f"digest.commands.{module}").COMMANDS]
    assert sorted(defined) == sorted(listed)


@pytest.mark.long
def test_status_and_a_run_with_nothing_due_load_no_parser_and_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.key")
    house = House(tmp_path / "house")
    config = house.config.read_text().replace('path = "notes"', 'url = "https://feed.example/rss"')
    config = config.replace('every = "0 minutes"', 'every = "30 minutes"')
    house.config.write_text(config + '[transport]\nkind = "sendgrid"\n')
    house.settings = load(house.config)
    with writing(house.place.engine) as conn:
        sources.keep_state(conn, house.settings.sources[0], checked_at=house.now)
    house.run()  # the first of the day, which looks for what is too old
    house.close()
    given = ["--config", str(house.config), "--now", house.now.isoformat()]
    assert sorted(set(BUSY) & set(loaded_by([*given, "status"], [*given, "run"]))) == []
    # SQLite removes its log when the last connection closes, which the end of a process does not see to any more.
    assert list(house.config.parent.glob("*.db-wal")) == []


@pytest.mark.long
def test_rendering_letters_loads_nothing_that_fetches_style_sheets() -> None:
    code = "import sys, digest.render; print('requests' in sys.modules); import requests; print(requests.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    absent, file = done.stdout.splitlines()
    assert (absent, Path(file).name) == ("False", "__init__.py"), done.stderr
