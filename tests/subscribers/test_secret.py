from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from subscribers.errors import BadSecret
from subscribers.secret import load_secret


def test_it_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    before = os.umask(0)
    try:
        secret = load_secret(path)
    finally:
        os.umask(before)
    assert len(secret) == 32 and load_secret(str(path)) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == secret.hex() + "\n"
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]
    assert load_secret(tmp_path / "other") != secret


def _load(path: Path, results: multiprocessing.Queue[bytes]) -> None:
    results.put(load_secret(path))


def test_processes_that_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[bytes] = spawn.Queue()
    workers = [spawn.Process(target=_load, args=(tmp_path / "secret", results)) for _ in range(6)]
    for worker in workers:
        worker.start()
    found = {results.get(timeout=30) for _ in workers}
    for worker in workers:
        worker.join()
    assert found == {load_secret(tmp_path / "secret")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"ab" * 31, "fewer than 32 bytes"),
        (b"not a secret at all, but long enough to be one, it seems to me ....", "not hexadecimal"),
        (b"\xff" * 64, "not hexadecimal"),
    ],
)
def test_a_useless_file_is_refused_and_kept(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(BadSecret, match=said) as caught:
        load_secret(path)
    assert str(path) in str(caught.value) and "backup" in str(caught.value)
    assert path.read_bytes() == content


def test_more_than_32_bytes_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0f" * 64)
    assert load_secret(tmp_path / "secret") == b"\x0f" * 64


@pytest.mark.parametrize("where", ["absent/secret", "."])
def test_a_place_that_cannot_hold_it_is_named(tmp_path: Path, where: str) -> None:
    with pytest.raises(BadSecret, match="secret file"):
        load_secret(tmp_path / where)
