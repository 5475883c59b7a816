"""Define the command `subscribers why-left`: what readers said when they left, without who they were."""

from __future__ import annotations

import click

from digest.commands.base import GlobalOptions, answer, as_json, table

_WORDS = {
    "too-many": "too many letters",
    "not-for-me": "too little of it was for them",
    "elsewhere": "they get the same from elsewhere",
    "other-work": "their work has changed",
    "never-asked": "they never asked for letters",
    "other": "another reason",
}


@click.command("why-left")
@as_json
@click.pass_obj
def why_left(options: GlobalOptions, json_: bool) -> None:
    """Count why readers left, where they liked to say it, and show their own words; no names."""
    from digest.store.engine import reading
    from subscribers.leaving import REASONS_TO_LEAVE, count_reasons, own_words

    installation = options.installation()
    with reading(installation.engine) as conn:
        counts, words = count_reasons(conn), own_words(conn)
    if json_:
        # Of the day alone, because the minute would tell in the list of subscribers who it was.
        own = [{"day": each.at.date().isoformat(), "reason": each.reason, "text": each.text} for each in words]
        answer({"reasons": {reason: counts[reason] for reason in REASONS_TO_LEAVE}, "words": own})
        return
    rows = [(counts[reason], _WORDS[reason]) for reason in REASONS_TO_LEAVE if counts[reason]]
    click.echo(table(("readers", "why they left"), rows) if rows else "nobody has said why they left")
    for each in words:
        click.echo(f"{each.at:%Y-%m-%d} {_WORDS[each.reason]}: {each.text}")
