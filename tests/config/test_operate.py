"""[operate]: addresses of pings and alarms, and a token that no message repeats."""

from __future__ import annotations

from pathlib import Path

from digest.config.operate import OperatePart, operate_of
from tests.counts import table

KEY = "0f9d4d5e-secret"


@table(
    "url, mistake",
    [
        ("", ""),
        (f"https://hc-ping.com/{KEY}", ""),
        (f"https://checks.example.org:8443/ping/{KEY}", ""),
        (f"http://127.0.0.1:8000/{KEY}", ""),
        (f"http://10.1.2.3/{KEY}", ""),
        (f"http://[::1]/{KEY}", ""),
        (f"http://healthchecks:8000/ping/{KEY}", ""),
        (f"http://checks.internal/{KEY}", ""),
        (f"http://hc-ping.com/{KEY}", "in the clear"),
        (f"http://93.184.216.34/{KEY}", "in the clear"),
        (f"ftp://hc-ping.com/{KEY}", "no absolute web address"),
        (f"hc-ping.com/{KEY}", "no absolute web address"),
        (f"https://hc-ping.com/{KEY} x", "no absolute web address"),
        (f"https://hc-ping.com/{KEY}?rid=1", "query"),
        (f"https://hc-ping.com:x/{KEY}", "no absolute web address"),
    ],
)
def test_a_ping_address(url: str, mistake: str, tmp_path: Path) -> None:
    settings, problems = operate_of(OperatePart(ping_url=url), tmp_path, {})
    assert bool(problems) is bool(mistake), problems
    assert mistake.replace("no absolute", "absolute") in " ".join(problems)
    assert KEY not in " ".join(problems) and KEY not in repr(settings)


def test_addresses_of_alarms(tmp_path: Path) -> None:
    part = OperatePart(alarm_to=["Ops <ops@example.org>", "ops@example.org", "two words"])
    settings, problems = operate_of(part, tmp_path, {})
    assert settings.alarm_to == ("ops@example.org",)
    assert len(problems) == 1 and problems[0].startswith("operate.alarm_to.2: ")
    assert operate_of(OperatePart(alarm_to=["ops@localhost"]), tmp_path, {}, mailed=True)[1] != []


def test_the_token_is_read_from_the_environment_or_a_file(tmp_path: Path) -> None:
    part = OperatePart(metrics_token_file="metrics.token")
    (tmp_path / "metrics.token").write_text("of-a-file-of-24-letters\n")
    assert operate_of(part, tmp_path, {})[0].metrics_token == "of-a-file-of-24-letters"
    environ = {"DIGEST_METRICS_TOKEN": "of-the-environment-24"}
    assert operate_of(part, tmp_path, environ)[0].metrics_token == "of-the-environment-24"
    assert operate_of(OperatePart(), tmp_path, {})[0].metrics_token == ""


@table(
    "text, mistake",
    [("", "is empty"), ("short", "16 plain letters"), ("a token with a space", "16 plain"), ("é" * 20, "")],
)
def test_a_token_that_will_not_do(text: str, mistake: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.token").write_text(text, encoding="utf-8")
    settings, problems = operate_of(OperatePart(metrics_token_file="metrics.token"), tmp_path, {})
    assert len(problems) == 1 and mistake in problems[0] and "openssl" in problems[0]
    assert settings.metrics_token == "" and not (text and text in problems[0])


def test_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    _, problems = operate_of(OperatePart(metrics_token_file="none"), tmp_path, {})
    assert len(problems) == 1 and "No such file" in problems[0]
