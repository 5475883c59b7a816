"""Config names each mistake in a source's login and in the proxy, and repeats no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config.gather import check_proxy
from digest.config.load import load
from digest.errors import ConfigError
from tests.config.test_load import GOOD, write
from tests.counts import table

HTTPS = 'url = "https://a.example/f"\n'
LOGIN = 'username = "{}"\npassword_file = "{}"'
BOTH = LOGIN.format("ann", "password")


def sourced(folder: Path, lines: str) -> Path:
    """Return a config file whose only source has these lines, beside files with and without a password."""
    (folder / "password").write_text("s3cret\n", encoding="utf-8")
    (folder / "empty").write_text(" \n", encoding="utf-8")
    (folder / "bytes").write_bytes(b"\xff\xfe\x00s3cret")
    return write(folder, GOOD.replace('path = "feed.xml"', lines))


@table(
    "lines, problem",
    [
        ('url = "https://a.example/f"\nusername = "ann"', "username: stands without password_file"),
        ('url = "https://a.example/f"\npassword_file = "password"', "password_file: stands without username"),
        ('url = "https://a.example/f"\nusername = ""\npassword_file = "password"', "stands without username"),
        (f'path = "feed.xml"\n{BOTH}', "username: is for a url only"),
        (f'url = "http://a.example/f"\n{BOTH}', "in the clear; write https://"),
        (HTTPS + LOGIN.format("ann:s3cret", "password"), "has a colon"),
        (HTTPS + LOGIN.format("ann\\u0007", "password"), "a sign that cannot be seen"),
        (HTTPS + LOGIN.format("ann\\r\\nX: s3cret", "password"), "username: has a colon"),
        (HTTPS + LOGIN.format("ann", "none"), "No such file"),
        (HTTPS + LOGIN.format("ann", "empty"), "is empty; put the password"),
        (HTTPS + LOGIN.format("ann", "bytes"), "is no text"),
        (HTTPS + LOGIN.format("ann", "."), "Is a directory"),
    ],
)
def test_a_mistake_in_a_login_is_told_without_it(lines: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sourced(tmp_path, lines), {})
    [line] = caught.value.problems
    assert problem in line and line.startswith("config.toml: source.0 (Here).") and "s3cret" not in line


@table(
    "lines",
    [
        f'url = "https://a.example/f"\n{BOTH}',
        f'url = "http://10.0.0.7/f"\nallow_private = true\n{BOTH}',
        'url = "https://a.example:443/f"\n' + LOGIN.format("ann@a.example", "password"),
    ],
)
def test_a_login_is_kept_by_the_name_of_its_file(lines: str, tmp_path: Path) -> None:
    settings = load(sourced(tmp_path, lines), {})
    assert settings.sources[0].password_file == str(tmp_path / "password")
    assert "s3cret" not in repr(settings)


@table(
    "proxy, problem",
    [
        ("", ""),
        ("http://proxy.example:3128", ""),
        ("http://10.0.0.7:3128/", ""),
        ("http://[fd00::7]:3128", ""),
        ("proxy.example:3128", "is no address of an http proxy"),
        ("https://proxy.example:3128", "is no address of an http proxy"),
        ("socks5://proxy.example:1080", "is no address of an http proxy"),
        ("http://proxy.example:3128 x", "is no address of an http proxy"),
        ("http://", "is no address of an http proxy"),
        ("http://proxy.example:99999", "is no address of an http proxy"),
        ("http://ann:s3cret@proxy.example:3128", "a proxy that wants a password cannot be used"),
        ("http://proxy.example:3128/s3cret", "holds more than a name and a port"),
        ("http://proxy.example:3128?s3cret", "holds more than a name and a port"),
    ],
)
def test_a_mistake_in_the_proxy_is_told_without_its_password(proxy: str, problem: str, tmp_path: Path) -> None:
    lines = check_proxy(proxy)
    assert len(lines) == bool(problem)
    assert problem in "".join(lines) and "s3cret" not in "".join(lines)
    path = write(tmp_path, f'{GOOD}\n[gather]\nproxy = "{proxy}"\n')
    if not problem:
        assert load(path, {}).gather_proxy == proxy
