"""Let tests kill or stop this program at named points of the code.

Nothing happens unless DIGEST_FAILPOINT is set in the environment.
"""

from __future__ import annotations

import os
import signal

_name, _left, _signal = "", 1, signal.SIGKILL


def arm() -> None:
    """Read the name, the count and the signal from the environment.

    Called on import, and again by a process that was forked after the import, because its environment may differ.
    """
    global _name, _left, _signal
    _name, _, count = os.environ.get("DIGEST_FAILPOINT", "").partition("*")
    _left = int(count or 1)
    _signal = signal.Signals[f"SIG{os.environ.get('DIGEST_FAILPOINT_SIGNAL', 'KILL')}"]


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL at the n-th call with the name that DIGEST_FAILPOINT="name*n" gives.

    With DIGEST_FAILPOINT_SIGNAL="STOP" the process is stopped there until SIGCONT.
    """
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _signal)


arm()
