"""The command line: `digest [--config PATH] [--now ISO8601] COMMAND`. Heavy rooms are entered only by commands."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from digest import __version__
from digest.commands import editing, editions, gathering, people, serving, setup, upkeep
from digest.commands.base import GlobalOptions, exit_code_of, message_of
from digest.system import stopping


class _Instant(click.ParamType[datetime]):
    """An ISO 8601 instant; without an offset it is UTC."""

    name = "ISO8601"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware datetime or fail with an example."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an instant; write it like 2027-10-29T08:00+01:00", param, ctx)
        if not 1970 <= instant.year <= 2200:
            self.fail(f"{value!r} is not between 1970 and 2200; write it like 2027-10-29T08:00+01:00", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), envvar="DIGEST_CONFIG", default=Path("config.toml"),
    show_default=True, help="The operator's one file.",
)  # fmt: skip
@click.option("--now", type=_Instant(), default=None, help="Act as if it were this instant.")
@click.version_option(__version__, prog_name="digest")
@click.pass_context
def digest(ctx: click.Context, config: Path, now: datetime | None) -> None:
    """Gather posts and case studies; send each reader one personal learning digest.

    Answers go to stdout, the story to stderr. Exit codes: 0 done or nothing to do, 1 failed, 2 wrong use or
    configuration, 4 a person is needed, 75 try again later.
    """
    ctx.obj = GlobalOptions(config, now)


for _room in (setup, gathering, editions, editing, people, serving, upkeep):
    for _command in _room.COMMANDS:
        digest.add_command(_command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    stopping.listen()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; what went wrong is told on stderr. A bug passes through."""
    try:
        # Not standalone: our own errors decide the exit code, and click's usage errors keep theirs (2).
        code = digest.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("digest: stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        known = exit_code_of(error)
        if known is None:
            raise
        for line in message_of(error).splitlines() or [type(error).__name__]:
            click.echo(f"digest: {line}", err=True)
        return known
    return code if isinstance(code, int) else 0
