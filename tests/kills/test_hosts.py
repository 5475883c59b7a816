"""A host is added beside the first by the command line, and killed while it is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import House


def digest(url: str, folder: Path, *words: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
    environ |= {"DIGEST_STORAGE__URL": url} | ({"DIGEST_FAILPOINT": failpoint} if failpoint else {})
    command = [sys.executable, "-m", "digest", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


@pytest.mark.kills
@pytest.mark.parametrize("place", ["add host: before commit", "add host: committed"])
def test_a_host_is_added_killed_and_added_again(tmp_path: Path, postgresql_url: str, place: str) -> None:
    house = House(tmp_path / "first", postgresql_url)
    house.reader("r@example.org")
    house.close()
    first, further = house.folder, tmp_path / "further"
    assert digest(postgresql_url, first, "run").returncode == 0
    # As docs/cluster.md tells: the config, the sources and the secrets, and no file of the fence.
    shutil.copytree(first, further, ignore=shutil.ignore_patterns("digest.fence*", ".digest.fence*"))
    refused = digest(postgresql_url, further, "run")
    assert refused.returncode == 4 and "digest.fence is missing" in refused.stderr
    assert digest(postgresql_url, further, "db", "add-host", failpoint=place).returncode == -signal.SIGKILL
    assert digest(postgresql_url, further, "run").returncode == 4
    added = digest(postgresql_url, further, "db", "add-host", "--name", "worker-2")
    assert (added.returncode, added.stdout) == (0, "worker-2 sends from this database now\n"), added
    again = digest(postgresql_url, further, "db", "add-host")
    assert again.returncode == 2 and "sends from the database already" in again.stderr
    for folder in (first, further, first):
        assert digest(postgresql_url, folder, "run").returncode == 0
