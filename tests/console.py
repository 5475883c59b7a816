"""The command line called in this process, because a process for each command would take half a second."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digest import cli

MORWENNA = "morwenna.tregear@cornwall-council.example"  # a reader of the example


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold the exit code of a command and the texts that it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The answer of a command with --json."""
        return json.loads(self.stdout)


def digest(folder: Path, *words: str, environ: Mapping[str, str] | None = None) -> Answer:
    """Run `digest` with these words in `folder`; of DIGEST_* variables it sees only those in `environ`."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, chdir(folder), redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("DIGEST_")]:
            patch.delenv(name)
        for name, value in (environ or {}).items():
            patch.setenv(name, value)
        code = cli.run_command(list(words))
    return Answer(code, out.getvalue(), err.getvalue())


def few_readers(folder: Path) -> None:
    """Leave a dozen readers in an installation's examples/subscribers.csv, because writing to 240 takes seconds."""
    path = folder / "examples" / "subscribers.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for number, row in enumerate(rows) if number % 20 == 0 or MORWENNA in row]
    path.write_text("".join([head, *kept]), encoding="utf-8")
