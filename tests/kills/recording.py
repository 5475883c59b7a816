"""What a run of the real program asked of its disk and its network, in order, as strace saw it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

# All that changes a file, a name or a connection. What is not understood below must not touch the installation.
_CALLS = (
    "openat,open,creat,close,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,"
    "sync,syncfs,sync_file_range,msync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,"
    "symlink,copy_file_range,sendfile,sendto,sendmsg,sendmmsg"
)
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_SENDS = ("sendto", "sendmsg")


@dataclass(frozen=True, slots=True)
class Event:
    """One step. `at`: a file's number, or a folder's or name's path in the installation, or a connection's.

    write (at, offset, data) · truncate (at, offset) · sync (at) · name (path, at) · unname (path) ·
    move (path, data: the new path) · folder (path) · sync-names (path) · sent (path: the connection, data)
    """

    kind: str
    path: str = ""
    at: int = 0
    offset: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Recording:
    """A run's events, and the installation as it was before it: files by path, and which number each has."""

    before: dict[str, bytes]
    numbers: dict[str, int]
    folders: list[str]
    events: list[Event] = field(default_factory=list)
    code: int = 0

    def without(self, kind: str, path: str) -> Recording:
        """Return it as if the program had not waited for the disk there: `kind` of sync, a pattern of the path."""
        pattern = re.compile(path)
        kept = [e for e in self.events if e.kind != kind or not pattern.fullmatch(e.path)]
        assert len(kept) < len(self.events), f"nothing to leave out: {kind} {path}"
        return Recording(self.before, self.numbers, self.folders, kept, self.code)


@cache
def _unusable() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else ""


def need_strace() -> None:
    """Skip the test where there is no strace; fail it where DIGEST_REQUIRE_STRACE=1 says that there is one."""
    if why := _unusable():
        (pytest.fail if os.environ.get("DIGEST_REQUIRE_STRACE") == "1" else pytest.skip)(why)


def record(folder: Path, environ: Mapping[str, str], words: Sequence[str]) -> Recording:
    """Run a command in an installation's folder and return all that it did there and sent."""
    paths = sorted(folder.rglob("*"))
    before = {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.is_file()}
    folders = [str(p.relative_to(folder)) for p in paths if p.is_dir()]
    made = Recording(before, {path: number for number, path in enumerate(before, 1)}, folders)
    handle, name = tempfile.mkstemp(suffix=".strace")
    os.close(handle)
    log = Path(name)
    trace = ["strace", "-f", "--seccomp-bpf", "-o", str(log), "-e", f"trace={_CALLS}", "-xx", "-y", "-s", "99999999"]
    done = subprocess.run([*trace, *words], cwd=folder, env=dict(environ), capture_output=True, timeout=300)
    made.code = done.returncode
    with log.open(encoding="ascii") as lines:
        made.events = list(_Reader(made, str(folder)).events(lines))
    log.unlink()
    return made


class _Reader:
    """Reads strace's lines: which descriptor is which file, and what was done to it."""

    def __init__(self, made: Recording, folder: str) -> None:
        self._folder = folder
        self._numbers = dict(made.numbers)
        self._folders = {".", *made.folders}
        self._next = len(self._numbers)
        self._open: dict[int, str] = {}  # descriptor: the path it was opened by
        self._file: dict[int, int] = {}  # descriptor: the file's number
        self._place: dict[int, int] = {}  # descriptor: where the next write goes
        self._begun: dict[tuple[str, str], str] = {}

    def events(self, lines: Iterator[str]) -> Iterator[Event]:
        """Yield the events: what is sent when the call begins, all else when it has ended well."""
        for line in lines:
            if begun := _BEGUN.match(line):
                thread, call, given = begun.groups()
                self._begun[thread, call] = given
                if call in _SENDS:
                    yield _sent(given)
            elif ended := _ENDED.match(line):
                thread, call, rest, result = ended.groups()
                given = self._begun.pop((thread, call)) + rest
                if call not in _SENDS and int(result) >= 0:
                    yield from self._done(call, given, int(result))
            elif whole := _WHOLE.match(line):
                _, call, given, result = whole.groups()
                if int(result) >= 0:
                    yield from [_sent(given)] if call in _SENDS else self._done(call, given, int(result))
            elif "+++ killed by" in line:
                for handle in list(self._open):
                    self._forget(handle)

    def _done(self, call: str, given: str, result: int) -> Iterator[Event]:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(given)]
        if call == "openat":
            yield from self._opened(self._inside(texts[0]), given, result)
            return
        if call in ("rename", "unlink", "mkdir"):
            paths = [self._inside(text) for text in texts]
            if any(paths):
                yield self._named(call, paths)
            return
        number = re.match(r"\d+", given)
        handle = int(number.group()) if number else -1
        if handle not in self._open:
            outside = self._folder.encode() not in b"".join(texts) or handle >= 0
            assert outside or call == "sync", f"{call}({given[:200]}) is not understood"
            return
        if call == "close":
            self._forget(handle)
        elif call == "lseek":
            self._place[handle] = result
        else:
            yield self._changed(call, handle, given, texts, result)

    def _opened(self, path: str, given: str, handle: int) -> Iterator[Event]:
        self._forget(handle)
        if not path:
            return
        self._open[handle] = path
        if path in self._folders:
            return
        if path not in self._numbers:
            self._next += 1
            self._numbers[path] = self._next
            yield Event("name", path, self._next)
        elif "O_TRUNC" in given:
            yield Event("truncate", path, self._numbers[path])
        assert "O_APPEND" not in given
        self._file[handle], self._place[handle] = self._numbers[path], 0

    def _forget(self, handle: int) -> None:
        for known in (self._open, self._file, self._place):
            known.pop(handle, None)

    def _named(self, call: str, paths: list[str]) -> Event:
        if call == "mkdir":
            self._folders.add(paths[0])
            return Event("folder", paths[0])
        number = self._numbers.pop(paths[0])
        if call == "unlink":
            return Event("unname", paths[0])
        assert Path(paths[0]).parent == Path(paths[1]).parent, paths
        self._numbers[paths[1]] = number
        return Event("move", paths[0], number, data=paths[1].encode())

    def _changed(self, call: str, handle: int, given: str, texts: list[bytes], result: int) -> Event:
        path, file = self._open[handle], self._file.get(handle, 0)
        last = int(given.rpartition(", ")[2]) if call in ("pwrite64", "ftruncate") else 0
        if call == "pwrite64":
            return Event("write", path, file, last, texts[0][:result])
        if call == "write":
            place = self._place[handle]
            self._place[handle] += result
            return Event("write", path, file, place, texts[0][:result])
        if call == "ftruncate":
            return Event("truncate", path, file, last)
        assert call in ("fsync", "fdatasync"), f"{call} on {path} is not understood"
        return Event("sync", path, file) if file else Event("sync-names", path)

    def _inside(self, path: bytes) -> str:
        """Return a path within the installation, "" for one elsewhere."""
        text = os.path.normpath(Path(self._folder) / os.fsdecode(path))
        if text == self._folder:
            return "."
        return text.removeprefix(f"{self._folder}/") if text.startswith(f"{self._folder}/") else ""


def _sent(given: str) -> Event:
    handle, _, rest = given.partition(", ")
    texts = _TEXT.findall(rest.partition("msg_iov=")[2] or rest)
    return Event("sent", handle, data=b"".join(bytes.fromhex(text.replace("\\x", "")) for text in texts))
