"""Named places at which the tests kill or stop this program. Without DIGEST_FAILPOINT in the environment, nothing."""

from __future__ import annotations

import os
import signal

_name, _left, _signal = "", 1, signal.SIGKILL


def arm() -> None:
    """Read the environment: at the start, and again in a process forked from one that has this loaded."""
    global _name, _left, _signal
    _name, _, count = os.environ.get("DIGEST_FAILPOINT", "").partition("*")
    _left = int(count or 1)
    _signal = signal.Signals[f"SIG{os.environ.get('DIGEST_FAILPOINT_SIGNAL', 'KILL')}"]


def failpoint(name: str) -> None:
    """Die by SIGKILL, as by a power cut, at the n-th pass of the place that DIGEST_FAILPOINT="name*n" names.

    With DIGEST_FAILPOINT_SIGNAL="STOP" it falls asleep there until SIGCONT.
    """
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _signal)


arm()
