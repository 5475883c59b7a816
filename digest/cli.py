"""Run the command line: `digest [--config PATH] [--now ISO8601] [--log json] COMMAND`.

A command is imported when it is asked for, and imports the rooms that it needs when it runs, so that `digest --help`
starts quickly.
"""

from __future__ import annotations

import gc
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from digest import __version__
from digest.commands.base import GlobalOptions, exit_code_of, message_of, story, tell
from digest.commands.by_name import CommandsByName
from digest.errors import DigestError
from digest.system import garbage, stopping, streams


class _Instant(click.ParamType[datetime]):
    """Parse an ISO 8601 instant; without an offset it is in UTC."""

    name = "ISO8601"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware datetime, or fail with an example of the form."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an instant; write it like 2027-10-29T08:00+01:00", param, ctx)
        if not 1970 <= instant.year <= 2200:
            self.fail(f"{value!r} is not between 1970 and 2200; write it like 2027-10-29T08:00+01:00", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@click.group(cls=CommandsByName, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), envvar="DIGEST_CONFIG", default=Path("config.toml"),
    show_default=True, help="The operator's one file.",
)  # fmt: skip
@click.option("--now", type=_Instant(), default=None, help="Act as if it were this instant.")
@click.option(
    "--log", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How stderr tells what happens: as lines for people, or each line as a JSON object.",
)  # fmt: skip
@click.version_option(__version__, prog_name="digest")
@click.pass_context
def digest(ctx: click.Context, config: Path, now: datetime | None, log: str) -> None:
    """Gather posts and case studies; send each reader one personal learning digest.

    Answers go to stdout, progress and advice to stderr. Exit codes: 0 done or nothing to do, 1 failed, 2 wrong use or
    configuration, 4 a person is needed, 75 try again later.
    """
    ctx.obj = GlobalOptions(config, now)
    if log == "json":
        from digest.system.json_log import use_json

        story.as_json = True
        use_json(story.about)


def main() -> None:
    """Run the command that was typed and exit with its exit code."""
    garbage.collect_seldom()
    streams.guard_streams()
    stopping.listen()
    code = run_command(sys.argv[1:])
    gc.freeze()  # because Python would look through all objects once more before the process ends
    sys.exit(code)


def run_command(arguments: list[str]) -> int:
    """Run a command and return its exit code. Expected errors are printed on stderr; a bug is raised.

    With `--log json` a bug is a line of the log, and exit code 1.
    """
    story.begin(None)
    try:
        return _run(arguments)
    except Exception as error:
        if not story.as_json:
            raise
        logging.getLogger("digest").critical("a mistake of this program, please report it", exc_info=error)
        return DigestError.exit_code
    finally:
        if story.as_json:
            from digest.system.json_log import use_text

            story.as_json = False
            use_text()


def _run(arguments: list[str]) -> int:
    try:
        # Not standalone, because our own errors decide the exit code; click's usage errors keep theirs (2).
        code = digest.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        tell("digest: stopped")
        return 130
    except click.ClickException as error:
        if story.as_json:
            tell(error.format_message(), "ERROR")
        else:
            error.show()
        return error.exit_code
    except Exception as error:
        exit_code = exit_code_of(error)
        if exit_code is None:
            raise
        for line in message_of(error).splitlines() or [type(error).__name__]:
            tell(f"digest: {line}", "ERROR")
        return exit_code
    return code if isinstance(code, int) else 0
