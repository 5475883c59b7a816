"""Each error by which a file or folder cannot be written to is told with its own cure."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from digest.commands.base import message_of
from digest.errors import DigestError, TryLater
from digest.store.fence_file import FenceFile
from digest.system.disk import cure_of, unwritable, why_unwritable
from tests import console
from tests.counts import table
from tests.house import CONFIG

CASES = [
    (errno.EROFS, "mount it for writing", DigestError),
    (errno.EACCES, "let this account write there", DigestError),
    (errno.EPERM, "chattr", DigestError),
    (errno.ENOSPC, "make room", TryLater),
    (errno.EDQUOT, "raise its quota", TryLater),
    (errno.EFBIG, "ulimit -f", TryLater),
    (errno.ENAMETOOLONG, "shorten the path", DigestError),
    (errno.ENOENT, "make the folder", DigestError),
    (errno.ENOTDIR, "a part of the path is a file", DigestError),
    (errno.EISDIR, "it is a folder", DigestError),
    (errno.ELOOP, "symbolic links", DigestError),
    (errno.EIO, "look at the disk", TryLater),
    (errno.EMFILE, "ulimit -n", TryLater),
]


@table("number, cure, kind", CASES)
def test_each_error_has_its_own_cure(number: int, cure: str, kind: type[DigestError]) -> None:
    error = OSError(number, os.strerror(number), "/srv/x")
    told = unwritable("the page", error, "name another folder as `receipts`")
    assert type(told) is kind and cure in str(told) and os.strerror(number) in str(told)
    assert ("make room" in cure_of(error)) == (number == errno.ENOSPC)
    assert (", or name another folder as `receipts`" in str(told)) == (number != errno.EMFILE)
    assert message_of(error) == f"/srv/x: {os.strerror(number)}; {cure_of(error)}"


def test_what_a_path_would_meet_is_told_before_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    read_only = os.statvfs_result((4096, 4096, 10, 10, 10, 0, 0, 0, os.ST_RDONLY, 255))
    numbers = {
        "new/folder": None,
        "file": None,
        "file/below": errno.ENOTDIR,
        "loop/below": errno.ELOOP,
        "a" * 300: errno.ENAMETOOLONG,
    }
    for name, number in numbers.items():
        error = why_unwritable(tmp_path / name)
        assert (error and error.errno) == number, name
        assert not (tmp_path / "new").exists()
    for name in ("", "new/folder", "file"):
        error = why_unwritable(tmp_path / name, lambda _: read_only)
        assert error is not None and error.errno == errno.EROFS, name


STATE = ("url", "secret_file", "fence_file", "receipts")


def beside(folder: Path) -> tuple[Path, Path]:
    """Write a config in one folder whose state lies in another; return the config and the folder of state."""
    state, config = folder / "state", folder / "etc" / "config.toml"
    state.mkdir()
    (config.parent / "notes").mkdir(parents=True)
    urls = {"url": f"sqlite:///{state}/d.db"} | {key: f"{state}/{key}" for key in STATE[1:]}
    storage = "\n".join(f'{key} = "{value}"' for key, value in urls.items())
    transport = f'[transport]\nkind = "file"\ndirectory = "{state}/letters"'
    config.write_text(CONFIG.format(source="", weekly="") + f"\n[storage]\n{storage}\n{transport}\n")
    return config, state


def test_a_run_writes_nothing_beside_a_config_whose_state_lies_elsewhere(tmp_path: Path) -> None:
    config, state = beside(tmp_path)
    note = "---\ntitle: One\npolicy_areas: [housing]\n---\nText.\n"
    commands = (
        ("2026-11-05T09:00:00Z", "subscribers add r@example.org --cadence daily --policy-areas housing"),
        ("2026-11-05T09:00:00Z", "run"), ("2026-11-06T09:00:00Z", "run"),
    )  # fmt: skip
    for number, (now, words) in enumerate(commands):
        if number == 2:
            (config.parent / "notes" / "one.md").write_text(note)
        answer = console.digest(tmp_path, "--config", str(config), "--now", now, *words.split())
        assert answer.code == 0, answer
    assert sorted(path.name for path in config.parent.iterdir()) == ["config.toml", "notes"]
    assert list((state / "receipts").glob("*.html"))
    assert {"d.db", "letters", "receipts", "secret_file", "fence_file"} <= {path.name for path in state.iterdir()}


def test_check_names_the_key_of_each_path_that_cannot_be_written(tmp_path: Path) -> None:
    config, state = beside(tmp_path)
    (state / "file").touch()
    text = config.read_text()
    for key in (*STATE, "directory"):
        wrong = f'{key} = "{"sqlite:///" if key == "url" else ""}{state}/file/below/it"'
        config.write_text("\n".join(wrong if line.startswith(f"{key} =") else line for line in text.splitlines()))
        answer = console.digest(tmp_path, "--config", str(config), "check")
        name = "transport.directory" if key == "directory" else f"storage.{key}"
        assert answer.code == 2 and f"{name}: " in answer.stderr, (key, answer)
        assert "make room" not in answer.stderr
    config.write_text(text)
    assert "storage" not in console.digest(tmp_path, "--config", str(config), "check").stderr


def test_a_fence_that_cannot_be_written_names_its_key(tmp_path: Path) -> None:
    told, fence = (
        "mount it for writing, or name another file as `fence_file`",
        FenceFile(tmp_path / "f", shared=False),
    )
    with pytest.raises(DigestError, match=told), fence.disk_errors():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_a_run_that_cannot_write_the_receipts_page_names_its_key(tmp_path: Path) -> None:
    config, state = beside(tmp_path)
    (state / "receipts").touch()
    (config.parent / "notes" / "one.md").write_text("---\ntitle: One\npolicy_areas: [housing]\n---\nText.\n")
    for now, words in (
        ("2026-11-05T07:00:00Z", "subscribers add r@example.org --cadence daily"),
        ("2026-11-05T07:00:00Z", "gather"),
        ("2026-11-05T07:30:00Z", "release 1"),
        ("2026-11-06T09:00:00Z", "run"),
    ):
        answer = console.digest(tmp_path, "--config", str(config), "--now", now, *words.split())
        assert answer.code == 0, (words, answer)
    assert "no page of the receipt: " in answer.stderr and "name another folder as `receipts`" in answer.stderr
    assert "make room" not in answer.stderr
