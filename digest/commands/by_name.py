"""List every command of `digest` with its module and the first sentence of its help.

So that `digest --help` imports no command, and a command none of the others. A test compares the sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

MODULES: dict[str, tuple[str, str]] = {
    "answers": (
        "answers",
        "List what readers answered to entries, accept an answer, or leave it aside; nobody sees whose it is.",
    ),
    "approve": (
        "editions",
        "Approve an edition as it is now, or let a stopped edition go on; what is approved is what is sent.",
    ),
    "arrange": (
        "arranging",
        "Arrange an edition: pin and move its entries, and give its subject, note, closing question and small step.",
    ),
    "changes": ("changes", "Tell what has changed in an edition since you last looked through it, and who did it."),
    "check": ("setup", "Find every mistake in config, sources, templates and folders at once."),
    "correct": (
        "editing",
        "Tell the readers who have had an entry of a correction, once, at the top of their next letter.",
    ),
    "coverage": (
        "coverage",
        "Show how many follow each policy area and region, and what the next edition has for them.",
    ),
    "db": (
        "upkeep",
        "Manage the database: upgrade, backup, restore, resume after a restore, and move to PostgreSQL.",
    ),
    "demo": ("setup", "Show a whole run on sample sources and fictional subscribers, without network or account."),
    "doctor": (
        "upkeep",
        "List every problem with its cure; exit code 1 when something is wrong, 4 when a person is needed.",
    ),
    "drop": ("editing", "Take entries out of every edition that is not frozen yet."),
    "editors": (
        "editors",
        "List the editors who may sign in to the desk; add or remove them, change their roles, end their sessions.",
    ),
    "entries": ("gathering", "List the gathered entries, newest first, with their facets."),
    "entry": ("gathering", "Show an entry with its facets and the evidence for each, and its corrections."),
    "events": ("serving", "Read events from a mailbox of bounces and complaints, or from a file; safe to repeat."),
    "explain": ("account", "Explain why a reader got an entry, or did not get it."),
    "gather": (
        "gathering",
        "Read the sources; show for each how many entries are new, changed, same or held, or why it failed.",
    ),
    "hold": ("editions", "Stop an edition until it is approved."),
    "ingredients": ("ingredients", "Show the ingredients of a case study, or give, mend or drop lines of them."),
    "init": ("setup", "Write a config.toml to start from, and the sample sources it names; it runs as it is."),
    "log": (
        "editors",
        "Print the audit log, the oldest act first: who did what and when, with the values before and after.",
    ),
    "prepare": (
        "editions",
        "Draft the edition that is owed now; show its entries, digests, and how many readers get a letter or none.",
    ),
    "preview": (
        "preview",
        "Write the letter that a reader would get (letter.html, letter.txt, letter.eml), or open the desk (--serve).",
    ),
    "receipt": (
        "account",
        "Show an edition's account as it stands now (default: the newest) and write it as a page.",
    ),
    "recurring": (
        "recurring",
        "List the barriers and themes that three or more case studies of the last year share, with their sentences.",
    ),
    "release": (
        "editing",
        "Let held (or withheld, baseline, dropped or duplicate) entries go out with the next editions.",
    ),
    "retag": (
        "editing",
        "Correct an entry's facets or kind; readers who now match and have not had it get it in their next letter.",
    ),
    "reword": (
        "arranging",
        "Change how an entry is shown: its title, line, note, open question, last day, and for whom it is not.",
    ),
    "rules": (
        "rules",
        "List the rules that editors made of corrections, and how many entries each has touched; add or remove them.",
    ),
    "run": ("editions", "Gather, then prepare, freeze and send each edition that is due: the command for cron."),
    "schedule": ("scheduling", "Run as a daemon that starts a run at every due hour."),
    "send": ("editions", "Hand over the pending letters of frozen editions (default: of all); safe to repeat."),
    "serve": (
        "serving",
        "Serve the webhook, the pages that letters link to, and the desk; put a proxy that speaks TLS before it.",
    ),
    "settle": ("account", "List deliveries in doubt with all that is known of each; ask the transport, or decide."),
    "sources": ("sources", "List how each source does; mute one, try another one, import and export them."),
    "status": ("upkeep", "Show the next slots, editions with their receipts, the health of each source, and counts."),
    "stories": (
        "stories",
        "Invite a place to tell its own story by a link, list what came in, take it, send it back, or end it.",
    ),
    "subscribers": ("people", "Manage subscribers: import, export, add, show, list, change one, suppress, forget."),
    "undo": (
        "arranging",
        "Take back an act of the log (default: your newest), where nobody has changed the same since.",
    ),
    "worker": (
        "worker",
        "Do the work of the installation beside other workers, until it is stopped: needs [cluster] and PostgreSQL.",
    ),
    "write": ("arranging", "Add an entry by hand: a post or case study that no source shows."),
    "test": ("trying", "Try the mail account: send one test letter to EMAIL."),
    "withdraw": (
        "editing",
        "Drop an entry, and tell the readers who have had it so, once, at the top of their next letter.",
    ),
}


class CommandsByName(click.Group):
    """Import the module of a command when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands, in alphabetical order."""
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by its name, or None."""
        if cmd_name not in MODULES:
            return None
        commands: Sequence[click.Command] = import_module(f"digest.commands.{MODULES[cmd_name][0]}").COMMANDS
        return next(command for command in commands if command.name == cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands as click does for a group whose commands are imported."""
        limit = formatter.width - 6 - max(map(len, MODULES))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=sentence).get_short_help_str(limit))
                    for name, (_, sentence) in sorted(MODULES.items())
                ]
            )
