"""Define the command test: try the mail account, or mail the letter that a reader would get to any address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, bundled, tell, who_decides
from digest.commands.preview import PreviewEdition, PreviewReader, as_reader, chosen_reader, of_edition
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse

if TYPE_CHECKING:
    from digest.installation import Installation
    from digest.store.notices import Notice


@dataclass(frozen=True, slots=True)
class TrialLetterOptions:
    """Hold the options of `test` that say whether it is a letter of an edition, and by whom it is sent."""

    letter: bool
    by: str | None


@click.command("test")
@click.argument("email")
@bundled(
    "trial",
    TrialLetterOptions,
    click.option(
        "--letter",
        is_flag=True,
        help="Send the letter that a reader would get, marked TEST; further options say whose, and of which edition.",
    ),
    click.option("--by", metavar="NAME", help="Who sends it (default: the name of your account)."),
)
@as_reader
@of_edition
@as_json
@click.pass_obj
def try_account(
    options: GlobalOptions, email: str, trial: TrialLetterOptions, reader: PreviewReader, which: PreviewEdition,
    json_: bool,
) -> None:  # fmt: skip
    """Try the mail account: send one test letter to EMAIL. It counts in no receipt.

    With --letter, it is the letter that a reader would get of an edition, marked TEST, without anything of the
    reader's own in it: its links to change or end a subscription do nothing.

    Leaves with exit code 1 when it was refused or a person must mend something first (then it is not sent later), 4
    when its answer was lost, and 75 when it waits (the next run sends it) or the address has had too many in an hour:
    three, or with --letter ten.
    """
    from digest.notices.hand_over import give_notice

    if not trial.letter and (_any(reader) or _any(which) or trial.by):
        raise WrongUse("these options say whose letter it is and who sends it: give them with --letter")
    installation = options.installation()
    more: dict[str, Any] = {}
    if trial.letter:
        from digest.desk.acts import Hand
        from digest.desk.test_letter import send_test_letter

        chosen, hand = chosen_reader(installation, reader, which), Hand(who_decides(trial.by))
        notice, edition = send_test_letter(installation, hand, email, chosen, which.edition)
        more = {"edition": edition.id or None, "cadence": edition.cadence, "slot": edition.slot}
        tell(f"of the {edition.cadence} edition of {edition.slot}")
    else:
        notice = give_notice(installation, "test", email)
    _report(installation, notice, json_, more)


def _any(chosen: PreviewReader | PreviewEdition) -> bool:
    """Return whether an option of a bundle is given."""
    return any(getattr(chosen, name) not in (None, ()) for name in chosen.__slots__)


def _report(installation: Installation, notice: Notice, json_: bool, more: dict[str, Any]) -> None:
    """Print what became of a test letter, and the cure; leave with an exit code unless it was accepted."""
    from digest.ledger.cures import cause_of

    where = installation.settings.transport.where
    if json_:
        answer({"notice": notice.number, "state": notice.state, "reason": notice.reason, "transport": where} | more)
    else:
        click.echo(f"test letter {notice.number}: {notice.state}" + (f": {notice.reason}" if notice.reason else ""))
    if notice.state == "accepted":
        mailed = installation.settings.transport.kind != "file"
        look = "look in its headers for spf=pass, dkim=pass and dmarc=pass, and among spam"
        tell(f"taken by {where}; " + (look if mailed else "it is a file, because this transport mails nobody"))
        return
    cure = {
        "pending": "it waits, and the next run tries again",
        "uncertain": "look whether it came; it is not sent again",
    }
    tell(f"{where}: {cure.get(notice.state) or f'{cause_of(notice.reason).cure}; then try again'}")
    codes = {"pending": TryLater.exit_code, "uncertain": PersonNeeded.exit_code}
    raise click.exceptions.Exit(codes.get(notice.state, DigestError.exit_code))


COMMANDS = (try_account,)
