"""Define the command schedule: a daemon that starts a run at every due hour."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from digest.commands.account import conclude, write_pages
from digest.commands.base import GlobalOptions, story, tell
from digest.commands.pinging import pinged
from digest.commands.progress import gathering_line
from digest.errors import DigestError, TryLater
from digest.schedule import coming_lines

if TYPE_CHECKING:
    from digest.config.settings import Settings


@click.command()
@click.pass_obj
def schedule(options: GlobalOptions) -> None:
    """Run as a daemon that starts a run at every due hour. It tells the next hour of each cadence.

    SIGTERM lets the run under way finish; SIGHUP reads config.toml anew. In a cluster a run leaves the letters to the
    workers.
    """
    from digest.daemon import make_scheduler, plan, serve
    from digest.system import garbage, stopping

    garbage.collect_as_usual()
    installation = options.installation()
    # Database and secret are opened here only so that a mistake is reported at the start, not at the first run.
    installation.require_secret()
    installation.engine.dispose()
    settings, under_way = installation.settings, threading.Lock()

    def run_once() -> None:
        with under_way:
            if not stopping.asked():
                _run(options)

    scheduler = make_scheduler(settings, run_once)

    def read_anew() -> None:
        try:
            settings = options.settings()
            plan(scheduler, settings, run_once)
            tell("digest: config.toml is read anew")
            _tell_coming(options, settings)
        except DigestError as error:
            tell(f"digest: the hours stay as they are, because config.toml cannot be used: {error}", "ERROR")

    # Told once the signals are obeyed, because who reads it may send SIGHUP at once.
    serve(scheduler, read_anew, begun=lambda: _tell_coming(options, settings))
    # Wait for the run under way here, because an interpreter that ends lets a run begin no more threads.
    with under_way:
        tell("digest: stopped")


def _tell_coming(options: GlobalOptions, settings: Settings) -> None:
    for line in coming_lines(settings.cadences, options.at(), settings.site.zone):
        tell(line)


def _run(options: GlobalOptions) -> None:
    """Do what `digest run` does; tell an error instead of raising it, because the daemon must outlive it."""
    from digest import pipeline
    from digest.operations.run_report import Watch
    from digest.system import garbage
    from subscribers.errors import SubscribersError

    story.begin(options.at)
    installation = None
    try:
        installation = options.installation()
        watch = Watch(
            begun=story.set_run,
            edition=story.set_edition,
            source=lambda gathering: tell(gathering_line(gathering)),
            broken=lambda report: write_pages(installation, [receipt.edition for receipt in report.receipts]),
        )
        # Because only cron reads the exit code; the daemon goes on.
        with suppress(click.exceptions.Exit), pinged(installation):
            # In a cluster the workers send, all of them beside each other.
            work = pipeline.turn if installation.settings.cluster.enabled else pipeline.run
            report = work(installation, watch=watch)
            conclude(installation, report, json_=False)
    except TryLater as later:
        tell(f"digest: {later}", "WARNING")
    except (DigestError, SubscribersError) as error:
        tell(f"digest: {error}", "ERROR")
    finally:
        if installation is not None:
            installation.close()  # because no command ends here
        garbage.give_back()
        story.begin(options.at)


COMMANDS = (schedule,)
