"""Add to the stories of a worker what a command for one machine does after them: ping, receipts' pages, events.

A worker's process does several jobs at once, so nothing here uses the story of the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from digest.cluster.stories import STORIES, JobStory
from digest.commands.account import write_pages
from digest.commands.pinging import ping_end
from digest.commands.serving import read_mailbox
from digest.errors import DigestError, PersonNeeded, TryLater
from digest.operations.run_report import RunReport

if TYPE_CHECKING:
    from digest.installation import Installation, Work


def worker_stories() -> Mapping[str, JobStory]:
    """Return what each kind of job calls."""
    return {**STORIES, "turn": _turn, "send": _send, "events": _events}


def _turn(installation: Installation, work: Work) -> object:
    """Do a turn, and tell the watcher of [operate] ping_url how it ended."""
    try:
        report = STORIES["turn"](installation, work)
    except TryLater:
        raise  # because another turn is under way, or the watcher misses the next sign of life
    except Exception as error:
        ping_end(installation, error)
        raise
    if isinstance(report, RunReport):
        # As the exit code of `digest run` says it; what an earlier run of the day has told is not told again.
        waiting = any(line not in report.told for line in report.waiting)
        code = DigestError.exit_code if report.failed else PersonNeeded.exit_code if waiting else 0
        ping_end(installation, click.exceptions.Exit(code))
        return RunReport(failed=report.failed, waiting=[*report.unapproved, *report.waiting], told=report.told)
    return report


def _send(installation: Installation, work: Work) -> object:
    """Hand a share over; the share that leaves nothing to do writes the page of the receipt."""
    report = STORIES["send"](installation, work)
    if isinstance(report, RunReport):
        write_pages(installation, [receipt.edition for receipt in report.receipts if receipt.balanced])
    return report


def _events(installation: Installation, _: Work) -> object:
    """Read the mailbox of bounces, where config.toml still names one."""
    if not installation.settings.events.mailbox:
        return None
    return RunReport(waiting=read_mailbox(installation))
