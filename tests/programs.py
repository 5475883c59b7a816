"""Look for programs of this system that tests marked `servers` start."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(name: str) -> str:
    """Return the path of a program; without it skip the test, or fail it if DIGEST_REQUIRE_SERVERS=1."""
    program = shutil.which(name)
    if program is None:
        why = f"there is no {name}; `sh .ci/servers` installs it"
        (pytest.fail if os.environ.get("DIGEST_REQUIRE_SERVERS") == "1" else pytest.skip)(why)
    return program
