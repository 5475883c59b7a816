"""Long fuzzing of bytes into sightings: by hypothesis, and by coverage with atheris (figure 24)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.test_fuzz import SEEDS, TYPES, feeds, holds

pytestmark = pytest.mark.proof
SECONDS = int(os.environ.get("DIGEST_FUZZ_SECONDS", "60"))

TARGET = """
import sys, warnings
import atheris
warnings.simplefilter("ignore")
with atheris.instrument_imports(include=["digest.sources", "feedparser"]):
    from digest.sources.formats.feed import parse_feed
sys.path.insert(0, sys.argv.pop(1))
from tests.sources.test_fuzz import TYPES, holds
def one(data):
    kind = TYPES[data[0] % len(TYPES)] if data else ""
    holds(data[1:], kind, "https://x.example/f")
atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


def test_5000_damaged_feeds(figure: Callable[..., None]) -> None:
    count = 0

    @settings(max_examples=5_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(feeds(), st.sampled_from(TYPES), st.sampled_from(["", "https://x.example/f"]))
    def each(body: bytes, content_type: str, base_url: str) -> None:
        nonlocal count
        count += 1
        holds(body, content_type, base_url)

    each()
    figure(
        "24 hypothesis: damaged feeds", goal=">= 5,000, 0 failures", result=f"{count}, 0 failures", met=count >= 5_000
    )


def test_coverage_guided_fuzzing(tmp_path: Path, figure: Callable[..., None]) -> None:
    if importlib.util.find_spec("atheris") is None:
        if os.environ.get("DIGEST_REQUIRE_FUZZ") == "1":
            pytest.fail("atheris is not installed; install the ci group")
        pytest.skip("atheris is not installed; install the ci group to fuzz by coverage")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(b"\0" + seed[:4_000])
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            sys.executable, "-c", TARGET, str(root), str(corpus), f"-max_total_time={SECONDS}", "-timeout=5",
            "-max_len=6000", "-rss_limit_mb=2048", f"-artifact_prefix={tmp_path}/",
        ],
        cwd=root, capture_output=True, text=True, timeout=SECONDS + 120, check=False,
    )  # fmt: skip
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    figure(
        f"24 atheris, {SECONDS} s", goal="0 failures, 0 hangs > 5 s",
        result=runs[0] if runs else " ".join(done.stderr[-300:].split()), met=done.returncode == 0,
    )  # fmt: skip
