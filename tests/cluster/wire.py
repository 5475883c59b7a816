"""A network namespace that stands for a machine of its own, behind a router that can drop what passes.

Needs root and the program `ip`. The host has two addresses on the way there, so that either may be cut off.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
REQUIRED = os.environ.get("DIGEST_REQUIRE_NETNS") == "1"
_NEW_NET = 0x40000000  # CLONE_NEWNET of setns(2)


class Wire:
    """Reach the namespace `far` from this host, over the namespace of a router in between.

    `database` and `provider` are addresses of this host, `there` that of the far machine.
    """

    def __init__(self) -> None:
        # Of the range for measurements (RFC 2544), which nobody routes.
        third = os.getpid() % 256
        self.net = f"198.18.{third}.0/24"
        self.database, self.provider, self._router = (f"198.18.{third}.{last}" for last in (1, 2, 14))
        self._gate, self.there = f"198.18.{third}.17", f"198.18.{third}.18"
        self._leg = f"198.18.{third}.16/28"
        self.middle, self.far = (f"digest-{name}-{os.getpid()}" for name in ("middle", "far"))
        self._near = f"dgst{os.getpid()}"
        self._cut: list[str] = []

    def lay(self) -> None:
        """Make the namespaces and the way between them."""
        for name in (self.middle, self.far):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", self._near, "type", "veth", "peer", "name", "near", "netns", self.middle)
        _ip("-n", self.middle, "link", "add", "far", "type", "veth", "peer", "name", "eth0", "netns", self.far)
        for address in (self.database, self.provider):
            _ip("addr", "add", f"{address}/28", "dev", self._near)
        _ip("-n", self.middle, "addr", "add", f"{self._router}/28", "dev", "near")
        _ip("-n", self.middle, "addr", "add", f"{self._gate}/28", "dev", "far")
        _ip("-n", self.far, "addr", "add", f"{self.there}/28", "dev", "eth0")
        _ip("link", "set", self._near, "up")
        for place, device in ((self.middle, "near"), (self.middle, "far"), (self.far, "eth0")):
            _ip("-n", place, "link", "set", device, "up")
        _ip("route", "add", self._leg, "via", self._router)
        _ip("-n", self.far, "route", "add", "default", "via", self._gate)
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        _run("ip", "netns", "exec", self.middle, "sh", "-c", forward)

    def within(self, *words: str) -> list[str]:
        """Return a command that runs these words on the far machine, under the same process id."""
        return ["ip", "netns", "exec", self.far, *words]

    def call_within(self, make: Callable[[], T]) -> T:
        """Call on the far machine, from a thread that ends; the sockets and threads that it makes stay there."""
        made: list[T] = []

        def run() -> None:
            with Path("/run/netns", self.far).open("rb") as place:
                assert ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _NEW_NET) == 0, ctypes.get_errno()
            made.append(make())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return made[0]

    def cut(self, *addresses: str) -> None:
        """Let the router drop without a word what goes to these addresses of this host and comes from them."""
        for address in addresses:
            for way in ("to", "from"):
                _ip("-n", self.middle, "rule", "add", way, address, "blackhole")
            self._cut.append(address)

    def mend(self) -> None:
        """Let the router pass everything again."""
        for address in self._cut:
            for way in ("to", "from"):
                _ip("-n", self.middle, "rule", "del", way, address, "blackhole")
        self._cut.clear()

    def remove(self) -> None:
        """Remove what was made, also if only a part was."""
        for name in (self.far, self.middle):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        # The kernel removes the pair only a moment after the namespace of its other end.
        subprocess.run(["ip", "link", "del", self._near], capture_output=True, check=False)


@contextmanager
def laid() -> Iterator[Wire]:
    """Yield a wire; skip the test where there may be none, or fail it when DIGEST_REQUIRE_NETNS=1."""
    wire = Wire()
    try:
        if shutil.which("ip") is None:
            _lack("there is no program ip: apt-get install iproute2")
        try:
            wire.lay()
        except subprocess.CalledProcessError as error:
            _lack(f"no network namespace may be made here: {error.stderr.decode().strip()}")
        yield wire
    finally:
        if shutil.which("ip"):
            wire.remove()


def _lack(why: str) -> None:
    (pytest.fail if REQUIRED else pytest.skip)(why)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
