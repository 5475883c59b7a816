"""Run Wapiti and sqlmap against an address, and read what they found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attack.crawl import Target

ROOT = Path(__file__).parents[2]
WAPITI = ROOT / ".tools/wapiti/bin/wapiti"
# Left out: guesses of files and passwords; programs that we do not use; what needs a server of Wapiti's in the
# internet (xxe, ssrf, log4shell); SQL by the time of answers, which sqlmap tries. The part for LDAP, which nothing
# here speaks, takes each form whose answer tells a mistake for a hole.
_LEFT_OUT = (
    "nikto buster htp brute_login_form wapp cms wp_enum network_device takeover ssl spring4shell shellshock upload"
    " xxe ssrf log4shell timesql ldap"
)
_MODULES = ",-".join(["all", *_LEFT_OUT.split()])


def require_tools() -> None:
    """Skip the test where a tool is missing, or fail it when DIGEST_REQUIRE_ATTACK=1."""
    if WAPITI.exists() and shutil.which("sqlmap") is not None:
        return
    missing = "no Wapiti or sqlmap; install them with `sh .ci/attack`"
    if os.environ.get("DIGEST_REQUIRE_ATTACK") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def wapiti(
    start: str, folder: Path, more: Sequence[str] = (), *, seconds: int = 2400, alike: int = 0
) -> dict[str, list[str]]:
    """Return what Wapiti found from an address on, {kind: ["METHOD path parameter"]}.

    `alike`: of pages that differ in their last part alone, beside those in `more`, so many are attacked; 0: all.
    """
    report = folder / "wapiti.json"
    command = [str(WAPITI), "-u", start, "--flush-session", "-m", _MODULES, "-f", "json", "-o", str(report)]
    command += ["--max-scan-time", str(seconds), "--store-session", str(folder / "sessions")]
    command += ["--max-files-per-dir", str(alike)] if alike else []
    # Nobody is erased, because nobody would be left to attack.
    command += ["--store-config", str(folder), "-d", "4", "-x", f"{start}yours/*/erase"]
    for address in more:
        command += ["-s", address]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + 300)
    assert report.exists(), (done.stdout + done.stderr)[-3000:]
    told = json.loads(report.read_text(encoding="utf-8"))
    return {
        kind: sorted({f"{each['method']} {each['path']} {each['parameter']}" for each in cases})
        for part in ("vulnerabilities", "anomalies")
        for kind, cases in told[part].items()
        if cases
    }


def sqlmap(target: Target, folder: Path, level: int = 3) -> bool:
    """Return whether sqlmap finds a place of a target at which a text is run as SQL."""
    # SQLite alone, because the attacked house has it; otherwise each field is tried for thirty databases.
    command = ["sqlmap", "-u", target.url, "--batch", "--level", str(level), "--risk", "1", "--dbms", "SQLite"]
    command += ["--flush-session", "--output-dir", str(folder), "--disable-coloring", "--ignore-code", "*"]
    command += ["--data", target.data] if target.data else []
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=1800)
    told = done.stdout
    assert "testing connection" in told or "testing URL" in told, told[-2000:]
    return "identified the following injection point" in told
