"""Name the story that each kind of job calls; every story decides by the ledger whether there is still work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from digest.cluster.announcer import PRIORITIES
from digest.errors import WrongUse
from digest.installation import Installation, Work

JobStory = Callable[[Installation, Work], object]


def _gather(installation: Installation, work: Work) -> object:
    from digest.pipeline import gather_one

    return gather_one(installation, work.key)


def _turn(installation: Installation, _: Work) -> object:
    from digest.pipeline import turn

    return turn(installation)


def _send(installation: Installation, work: Work) -> object:
    from digest.delivery.share import send_share

    return send_share(installation, int(work.key), work.batches)


def _recover(installation: Installation, _: Work) -> object:
    from digest.pipeline import recover_dead

    recover_dead(installation)
    return None


# Reading a mailbox is beside them a story of the command line, which tells what came.
STORIES: Mapping[str, JobStory] = {
    "gather": _gather,
    "turn": _turn,
    "send": _send,
    "recover": _recover,
}


def look(installation: Installation) -> list[Work]:
    """Return the work that waits now."""
    from digest.operations.waiting_work import waiting_work

    return waiting_work(installation)


def chosen_queues(text: str | None) -> tuple[str, ...]:
    """Return the queues that are named, with commas between them, or all. Raises WrongUse for an unknown name."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip())) if text else ()
    for name in names:
        if name not in PRIORITIES:
            raise WrongUse(f"--queues: there is no queue {name!r}; there are {', '.join(PRIORITIES)}")
    return names or tuple(PRIORITIES)
