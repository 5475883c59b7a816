"""Define the group of commands answers, by which an editor sees what readers answered, and decides."""

from __future__ import annotations

from dataclasses import asdict

import click

from digest.commands.base import GlobalOptions, Id, answer, as_by, as_json, hand_of, table, tell

_KINDS = {"useful": "useful", "not-for-me": "not for me, because", "tried": "we tried this"}


@click.group()
def answers() -> None:
    """List what readers answered to entries, accept an answer, or leave it aside; nobody sees whose it is."""


@answers.command("list")
@as_json
@click.pass_obj
def list_(options: GlobalOptions, json_: bool) -> None:
    """Count the answers to each entry, and list those with words, those that wait for an editor first."""
    from digest.desk.answers import list_answers

    listed = list_answers(options.installation())
    words = [*listed.waiting, *listed.decided]
    if json_:
        answer({"entries": [asdict(each) for each in listed.counts], "answers": [asdict(each) for each in words]})
        return
    if not listed.counts:
        click.echo("no reader has answered yet")
        return
    head = ("entry", "useful", "not for me", "we tried", "title")
    rows = [(each.entry, each.useful, each.not_for_me, each.tried, each.title) for each in listed.counts]
    click.echo(table(head, rows))
    for each in words:
        place = f" – {each.place}" if each.named else ""
        by = f" by {each.decided_by}" if each.decided_by else ""
        click.echo(
            f"answer {each.number} to entry {each.entry}, {each.state}{by}: {_KINDS[each.kind]}: {each.text}{place}"
        )


@answers.command()
@click.argument("number", type=Id())
@as_by
@click.pass_obj
def accept(options: GlobalOptions, number: int, by: str | None) -> None:
    """Accept an answer; "we tried this" with a named place is shown, and told once to those who had the entry."""
    from digest.desk.answers import accept_answer

    for line in accept_answer(options.installation(), hand_of(by), number):
        tell(line)


@answers.command()
@click.argument("number", type=Id())
@as_by
@click.pass_obj
def aside(options: GlobalOptions, number: int, by: str | None) -> None:
    """Leave an answer aside, so that it stands nowhere."""
    from digest.desk.answers import leave_answer_aside

    for line in leave_answer_aside(options.installation(), hand_of(by), number):
        tell(line)


COMMANDS = (answers,)
