"""Give every command its shared parts: global options, bundled options, output on stdout and stderr, exit codes."""

from __future__ import annotations

import codecs
import errno
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.errors import DigestError, TryLater
from subscribers.errors import SubscribersError
from subscribers.invisible import one_line

if TYPE_CHECKING:
    from digest.config.settings import Settings
    from digest.desk.acts import Hand
    from digest.installation import Installation
    from digest.model import Receipt, Taxonomy
    from subscribers.model import Interests

Function = Callable[..., Any]

as_by = click.option("--by", metavar="NAME", help="Who decides (default: the name of your account).")
as_json = click.option("--json", "json_", is_flag=True, help="Answer with one JSON document.")


class Id(click.ParamType[int]):
    """Parse the number of an edition, an entry or a delivery."""

    name = "integer"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail with the form that it must have."""
        if (number := id_of(str(value))) is None:
            self.fail(f"{value!r} is not an id; it is a whole number", param, ctx)
        return number


def id_of(text: str) -> int | None:
    """Return `text` as an id, or None when it is not a whole number that a database can hold."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """Hold the options given before the command: the config file and, when `--now` is given, the instant.

    `environ` holds the variables that override the config file; None means those of this process.
    """

    config: Path
    now: datetime | None = None
    environ: Mapping[str, str] | None = None

    def settings(self) -> Settings:
        """Load the settings of the config file. Raises ConfigError, which lists every mistake."""
        from digest.config.load import load

        return load(self.config, os.environ if self.environ is None else self.environ)

    def installation(self, *, create: bool = True) -> Installation:
        """Open the installation that the config file describes, until the command ends. Raises ConfigError.

        `create`: whether a database that is not there is made. Whoever calls this in another thread closes it.
        """
        from digest.installation import Installation

        installation = Installation(self.settings(), self.now, create=create)
        if installation.settings.cluster.enabled:
            from digest.cluster.announcer import Announcer

            installation.announce = Announcer()
        if context := click.get_current_context(silent=True):
            context.call_on_close(installation.close)
        return installation

    def at(self) -> datetime:
        """Return the instant that `--now` gives, else the present one (aware, UTC)."""
        return self.now or datetime.now(UTC)


def bundled(
    name: str, kind: type[Any], *parameters: Callable[[Function], Function]
) -> Callable[[Function], Function]:
    """Return a decorator that adds `parameters` to a command, and passes their values as a single argument `name`.

    `kind` is a dataclass whose fields have the names that click gives to the parameters. Parameters keep their order.
    """

    def decorate(command: Function) -> Function:
        def bundle(*args: Any, **values: Any) -> Any:
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            return command(*args, **values)

        update_wrapper(bundle, command)
        for parameter in reversed(parameters):  # because click lists the parameter that is added last first
            parameter(bundle)
        return bundle

    return decorate


def interests_of(
    taxonomy: Taxonomy,
    policy_areas: Iterable[str],
    regions: Iterable[str],
    themes: Iterable[str],
    *,
    elsewhere: bool = True,
    carry_over: bool = True,
) -> Interests:
    """Return the interests that were typed, by slug or by name. Raises WrongUse for the first unknown value."""
    from digest.facets.known import slugs_of
    from subscribers.model import Interests

    return Interests(
        frozenset(slugs_of(taxonomy, "policy_areas", policy_areas)),
        frozenset(slugs_of(taxonomy, "regions", regions)),
        frozenset(slugs_of(taxonomy, "themes", themes)),
        elsewhere,
        carry_over,
    )


def split_values(text: str) -> list[str]:
    """Split the text of an option that takes several values at each ";"."""
    return [part.strip() for part in text.split(";") if part.strip()]


def answer(document: Any) -> None:
    """Print a JSON document to stdout; characters that its encoding may lack are escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    unicode = codecs.lookup(encoding).name.startswith("utf")
    click.echo(json.dumps(document, indent=2, ensure_ascii=not unicode))


@dataclass(slots=True)
class Story:
    """Hold how a command tells what it does. `clock`: the time that its lines carry, None for a command without one.

    `run` is the number of the run once it has begun, and `edition` of the edition whose letters it hands over;
    `quiet`: only what needs a person is told. `as_json`: each line is a JSON object (`--log json`).
    """

    clock: Callable[[], datetime] | None = None
    run: int | None = None
    edition: int | None = None
    quiet: bool = False
    as_json: bool = False

    def begin(self, clock: Callable[[], datetime] | None, *, quiet: bool = False) -> None:
        """Begin the story of a command or of a run of the daemon."""
        self.clock, self.run, self.edition, self.quiet = clock, None, None, quiet

    def about(self) -> dict[str, int | None]:
        """Return the run and the edition that a line of log is about."""
        return {"run": self.run, "edition": self.edition}

    def set_edition(self, receipt: Receipt) -> None:
        """Let the lines that follow be about an edition, by its receipt."""
        self.edition = receipt.edition

    def set_run(self, run: int) -> None:
        """Let the lines that follow carry the number of a run."""
        self.run = run

    def stamp(self) -> str:
        """Return what a line of stderr begins with: time and run for a log or a mail of cron, else nothing."""
        if self.clock is None or sys.stderr.isatty():
            return ""
        run = f"run {self.run}: " if self.run is not None else ""
        return f"{self.clock().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {run}"


story = Story()  # of this process: a command, or the run of a daemon that is under way
as_verbose = click.option("-v", "--verbose", is_flag=True, help="Print progress also when nobody is needed.")


def begin_story(options: GlobalOptions, *, verbose: bool) -> None:
    """Begin the story of a command for cron, which is silent unless on a terminal or asked to tell."""
    story.begin(options.at, quiet=not (verbose or sys.stderr.isatty() or sys.stdout.isatty()))


def tell(line: str, level: str = "INFO") -> None:
    """Print a line of progress or advice to stderr, because stdout is for the answer alone.

    `level` is that of a log, for `--log json`.
    """
    if story.as_json:
        from digest.system.json_log import json_line

        at = (story.clock or partial(datetime.now, UTC))()
        click.echo(json_line(at, level, "digest", line.strip(), story.about()), err=True)
    else:
        click.echo(story.stamp() + line, err=True)


@contextmanager
def told_once_a_day(installation: Installation) -> Iterator[None]:
    """Let a quiet story tell once a local day only why it leaves until that passes; the exit code is the same."""
    from digest.operations.waiting import is_first_today

    try:
        yield
    except TryLater as later:
        if story.quiet and not is_first_today(installation, later):
            raise click.exceptions.Exit(later.exit_code) from None
        raise


def note(line: str) -> None:
    """Tell a line that needs nobody: not in a quiet story."""
    if not story.quiet:
        tell(line)


def tell_welcome(installation: Installation) -> None:
    """Tell what people who join now get first, when entries have been released before; else tell nothing."""
    from digest.store import releases
    from digest.store.engine import reading

    with reading(installation.engine) as conn:
        if not releases.latest(conn):
            return
    if installation.settings.welcome:
        tell("their first letter reaches as far back from their joining as [letter] welcome says")
    else:
        tell(
            "they get the entries that come from now on; for a look-back in their first letter, set [letter] welcome,"
            ' such as "14 days", in config.toml before the next run'
        )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as columns of text below their heads; a column of numbers only is aligned to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [bool(cells) and all(row[n].isdigit() for row in cells) for n in range(len(head))]
    widths = [max(len(name), *(len(row[n]) for row in cells)) if cells else len(name) for n, name in enumerate(head)]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(list(head)), line(["-" * width for width in widths]), *(line(row) for row in cells)])


def who_decides(name: str | None = None) -> str:
    """Return a person's name on one line, by default that of their account; bytes that are no UTF-8 become "?"."""
    return one_line((name or getpass.getuser()).encode("utf-8", "replace").decode())


def hand_of(name: str | None = None) -> Hand:
    """Return the person who acts by a command: by the name that was given, else by that of their account."""
    from digest.desk.acts import Hand

    return Hand(who_decides(name))


def exit_code_of(error: Exception) -> int | None:
    """Return the exit code of an error raised on purpose or caused by the disk; None for a bug."""
    if isinstance(error, DigestError):
        return error.exit_code
    if isinstance(error, SubscribersError):
        return error.exit_code
    return DigestError.exit_code if _of_disk(error) or _of_server(error) else None


def message_of(error: Exception) -> str:
    """Return the message for an error that has an exit code: its lines say where it happened, and the cure."""
    if isinstance(error, OSError) and _of_disk(error):
        from digest.system.disk import cure_of, reason_of

        return f"{error.filename or 'output'}: {reason_of(error)}; {cure_of(error)}"
    if _of_server(error):
        # Not its words, because they quote values.
        code = getattr(getattr(error, "orig", None), "sqlstate", None) or "none"
        return f"database: {type(error).__name__} (SQLSTATE {code}); its transaction was undone, please report it"
    return str(error)


def _of_disk(error: Exception) -> bool:
    """Return whether a file or folder could not be used; the error names it, unless it is stdout on a full disk."""
    return isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC)


def _of_server(error: Exception) -> bool:
    """Return whether PostgreSQL or its driver refused a value or a row, which nothing above foresaw."""
    return type(getattr(error, "orig", None)).__module__.startswith("psycopg")
