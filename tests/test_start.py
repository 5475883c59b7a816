"""Starting: what everybody pays for at every start, and what must not be among it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.counts import others_long

# Each of these costs a tenth of a second or more, and `digest --help` needs none.
HEAVY = ("alembic", "apscheduler", "feedparser", "httpx2", "lxml", "premailer", "pydantic", "sendgrid", "sqlalchemy")
ASK = """
import sys
from digest.cli import main
sys.argv = ["digest", *{arguments!r}]
try:
    main()
finally:
    print("LOADED", *sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    others_long([["--help"], ["--version"], ["gather", "--help"], ["run", "--help"]], ["--help"], ["run", "--help"]),
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", ASK.format(arguments=arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    loaded = done.stderr.rpartition("LOADED")[2].split()
    assert "digest" in loaded
    assert sorted(set(HEAVY) & set(loaded)) == []
