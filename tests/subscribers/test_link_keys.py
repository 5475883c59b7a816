"""The file of link keys: read line by line or refused, written whole or not at all, read again when it changes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import stat
from pathlib import Path

import pytest

from subscribers.errors import BadSecret
from subscribers.keyring import LinkKeys
from subscribers.link_keys import LinkKeyFile, add_link_key, link_key_path, load_link_keys
from tests.counts import table

SECRET = b"s" * 32
ONE, TWO = "1a" * 32, "2b" * 32
KEY = bytes.fromhex


def test_without_a_file_the_secret_signs(tmp_path: Path) -> None:
    path = link_key_path(tmp_path / "digest.secret")
    assert path == tmp_path / "digest.secret.links"
    assert load_link_keys(path, SECRET) == (SECRET,)


@table(
    "text, in_use, retired",
    [
        (f"secret\n{ONE}\n", (SECRET, KEY(ONE)), ()),
        (f"secret\r\n{ONE}\r\n{TWO}", (SECRET, KEY(ONE), KEY(TWO)), ()),
        (f"secret retired\n{ONE} retired\n{TWO}\n", (KEY(TWO),), (SECRET, KEY(ONE))),
        (f"secret retired\n{ONE * 2}\n{TWO}\n", (KEY(ONE * 2), KEY(TWO)), (SECRET,)),
        ("secret\n", (SECRET,), ()),
    ],
)
def test_each_line_is_a_key(tmp_path: Path, text: str, in_use: tuple[bytes, ...], retired: tuple[bytes, ...]) -> None:
    (tmp_path / "links").write_text(text)
    keys = load_link_keys(tmp_path / "links", SECRET)
    assert (keys, keys.retired) == (in_use, retired)


@table(
    "text, told",
    [
        ("", "first line is not 'secret'"),
        (f"{ONE}\n{TWO}\n", "first line is not 'secret'"),
        ("secret retired\n", "its last is not a key in use"),
        (f"secret\n{ONE} retired\n", "line 2: only 'retired', of the oldest keys"),
        (f"secret\n{ONE} old\n", "line 2: only 'retired'"),
        (f"secret\n{ONE[:-2]}\n", "line 2: not a key of 32 or more bytes"),
        (f"secret\n\n{ONE}\n", "line 2: not a key"),
        (f"secret\nsecret\n{ONE}\n", "line 2: not a key"),
        (f"secret\n{ONE[:-1]}x\n", "line 2: not a key"),
        (f"secrets\n{ONE}\n", "line 1: not a key"),
        (f"\ufeffsecret\n{ONE}\n", "line 1: not a key"),
        (f"secret\n{ONE}\né\n", "line 3: not a key"),
    ],
)
def test_another_text_is_refused_by_its_line_and_tells_no_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "links"
    path.write_text(text)
    with pytest.raises(BadSecret) as refused:
        load_link_keys(path, SECRET)
    words = str(refused.value)
    assert words.startswith(f"{path}: ") and told in words and "--retire-older" in words
    assert ONE[:8] not in words and path.read_text() == text


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSecret, match="file of link keys: Is a directory"):
        load_link_keys(tmp_path, SECRET)


def test_a_new_key_signs_and_the_older_ones_verify_or_are_retired(tmp_path: Path) -> None:
    path = tmp_path / "links"
    before = os.umask(0)
    try:
        one = add_link_key(path, LinkKeys([SECRET]), SECRET, retire_older=False)
    finally:
        os.umask(before)
    assert (one[:-1], one.retired, len(one[-1])) == ((SECRET,), (), 32)
    assert path.read_text() == f"secret\n{one[-1].hex()}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    two = add_link_key(path, one, SECRET, retire_older=True)
    assert (len(two), two.retired) == (1, (SECRET, one[-1]))
    three = add_link_key(path, two, SECRET, retire_older=False)
    assert (three[0], three.retired, len({*three, *three.retired})) == (two[0], two.retired, 4)
    read = load_link_keys(path, SECRET)
    assert (read, read.retired) == (three, three.retired)
    assert [file.name for file in tmp_path.iterdir()] == ["links"]


def _write_for_ever(path: Path) -> None:
    keys = load_link_keys(path, SECRET)
    while True:
        keys = add_link_key(path, LinkKeys(keys[-3:], keys.retired[:1]), SECRET, retire_older=len(keys) > 3)


@pytest.mark.long
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path, fork = tmp_path / "links", multiprocessing.get_context("fork")
    path.write_text(f"secret retired\n{ONE}\n")
    seen = set()
    for number in range(8):
        writer = fork.Process(target=_write_for_ever, args=(path,))
        writer.start()
        for _ in range(number + 1):
            writer.join(0.002)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        assert writer.exitcode == -signal.SIGKILL, "the writer failed by itself"
        seen.add(load_link_keys(path, SECRET)[-1])
    assert len(seen) > 1


def test_a_server_reads_a_changed_file_and_goes_on_without_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "links"
    file = LinkKeyFile(path, SECRET)
    assert file.keys == (SECRET,)
    changed = add_link_key(path, file.keys, SECRET, retire_older=False)
    assert file.keys == changed and file.keys is file.keys
    for harm in (lambda: path.write_text("no key"), path.unlink):
        harm()
        with caplog.at_level(logging.ERROR):
            assert [file.keys for _ in range(3)] == [changed] * 3
    assert [record.message.count(str(path)) for record in caplog.records] == [1, 1]
    assert changed[-1].hex() not in caplog.text
    again = add_link_key(path, changed, SECRET, retire_older=True)
    assert (file.keys, file.keys.retired) == (again, changed)
