"""Define the group of commands rules, by which an editor makes rules of corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import (
    GlobalOptions,
    Id,
    answer,
    as_by,
    as_json,
    bundled,
    hand_of,
    split_values,
    table,
    tell,
    who_decides,
)
from digest.errors import PersonNeeded, WrongUse, counted
from digest.model import KINDS
from subscribers.characters import cut_anywhere

if TYPE_CHECKING:
    from digest.desk.rules import Effect
    from digest.facets.rules import EditorRule, Value


@dataclass(frozen=True, slots=True)
class Where:
    """Hold the conditions that were typed; None: not typed."""

    when: str | None
    source: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Gives:
    """Hold what a rule adds and takes out as it was typed, values separated by ";", and the kind that it sets."""

    policy_areas: str | None
    regions: str | None
    themes: str | None
    not_policy_areas: str | None
    not_regions: str | None
    not_themes: str | None
    kind: str | None

    def values(self, prefix: str) -> tuple[Value, ...]:
        """Return the (facet, text) pairs of the options that begin with `prefix`, "" or "not_"."""
        pairs: list[Value] = []
        for facet, name in (("policy_area", "policy_areas"), ("region", "regions"), ("theme", "themes")):
            text = getattr(self, prefix + name)
            pairs += [(facet, value) for value in split_values(text or "")]
            if text is not None and not split_values(text):
                raise WrongUse(f"--{(prefix + name).replace('_', '-')} names nothing; write a slug or a name")
        return tuple(pairs)


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold who decides, whether past entries that wait change too, and whether the rule is added."""

    by: str | None
    also_waiting: bool
    yes: bool


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def rules(ctx: click.Context, json_: bool) -> None:
    """List the rules that editors made of corrections, and how many entries each has touched; add or remove them.

    A rule counts for entries that are gathered afterwards. An editor's own correction of an entry beats it, and so
    does what an entry declares.
    """
    if ctx.invoked_subcommand is not None:
        return
    from digest.desk import rules as desk

    listed = desk.rules_and_counts(ctx.obj.installation())
    if json_:
        answer([_document(rule) | {"touched": count} for rule, count in listed])
        return
    if not listed:
        tell("there are no rules; `digest rules suggest ENTRY` makes them of a correction (`digest retag`)")
        return
    rows = [(rule.number, rule.condition, _changes(rule), rule.by, count) for rule, count in listed]
    click.echo(table(("rule", "holds for", "changes", "by", "touched"), rows))


@rules.command()
@bundled(
    "where",
    Where,
    click.option("--when", metavar="WORDS", help="It holds for entries with these words in the title or the lead."),
    click.option("--source", metavar="NAME", help="It holds for entries of this source."),
    click.option("--address", metavar="ADDRESS", help="It holds for entries whose address begins so."),
)
@bundled(
    "gives",
    Gives,
    click.option("--policy-areas", metavar="A;B", help="Add these policy areas."),
    click.option("--regions", metavar="R;S", help="Give these regions in the place of those of the texts."),
    click.option("--themes", metavar="T;U", help="Add these themes."),
    click.option("--not-policy-areas", metavar="A;B", help="Take these policy areas out."),
    click.option("--not-regions", metavar="R;S", help="Take these regions out."),
    click.option("--not-themes", metavar="T;U", help="Take these themes out."),
    click.option("--kind", type=click.Choice(KINDS), help="Make it this kind."),
)
@bundled(
    "decision",
    Decision,
    click.option("--by", metavar="NAME", help="Who decides (default: the name of your account)."),
    click.option("--also-waiting", is_flag=True, help="Change past entries too that no frozen edition carries."),
    click.option("--yes", is_flag=True, help="Do it; without it, only show what would change."),
)
@as_json
@click.pass_obj
def add(options: GlobalOptions, where: Where, gives: Gives, decision: Decision, json_: bool) -> None:
    """Show what a rule would change of past entries; with --yes, add it.

    Of several conditions all must hold. Without --yes it changes nothing, and leaves with exit code 4.
    """
    from digest.desk import rules as desk
    from digest.facets.rules import EditorRule

    for name, text in (("when", where.when), ("source", where.source), ("address", where.address)):
        if text is not None and not text.strip():
            raise WrongUse(f"--{name} is empty; write what entries must have, or leave it out")
    installation = options.installation()
    typed = EditorRule(
        0, who_decides(decision.by), where.when or "", where.source or "", where.address or "",
        gives.values(""), gives.values("not_"), gives.kind or "",
    )  # fmt: skip
    effect = desk.effect_of(installation, desk.checked_rule(installation, typed))
    rule, told = effect.rule, ["nothing was changed: say --yes to add the rule"]
    if decision.yes:
        rule, told = desk.add(installation, hand_of(decision.by), effect, also_waiting=decision.also_waiting)
    if json_:
        answer(_document(rule) | _effect(effect))
    else:
        _show(effect)
    for line in told:
        tell(line)
    if not decision.yes:
        raise click.exceptions.Exit(PersonNeeded.exit_code)


@rules.command()
@click.argument("number", type=Id())
@as_by
@click.pass_obj
def remove(options: GlobalOptions, number: int, by: str | None) -> None:
    """Remove a rule by its number; entries that it has touched stay as they are."""
    from digest.desk import rules as desk

    tell(desk.remove(options.installation(), hand_of(by), number))


@rules.command()
@click.argument("entry", type=Id())
@click.option("--by", metavar="NAME", help="Who decides (default: the name of your account).")
@click.pass_obj
def suggest(options: GlobalOptions, entry: int, by: str | None) -> None:
    """Suggest rules that would have made your correction of an entry, as commands, with what each would change."""
    from digest.desk import rules as desk

    effects = desk.suggestions(options.installation(), entry, who_decides(by))
    if not effects:
        tell("no words of the title are rare enough for a rule; write one with `digest rules add --when`")
    for effect in effects:
        click.echo(f"{desk.as_command(effect.rule)}\n  {_in_short(effect)}")


def _show(effect: Effect) -> None:
    """Print the past entries that a rule changes, each with what it has before and after."""
    from digest.desk.rules import differences

    rows = []
    for entry, facets in effect.changes:
        title = cut_anywhere(entry.title, 50)
        rows.append((entry.id, title, "; ".join(differences(entry, facets))))
    if rows:
        click.echo(table(("id", "title", "before → after"), rows))
    tell(_in_short(effect))


def _in_short(effect: Effect) -> str:
    """Return in words for how many past entries a rule holds, and how many of them it would change."""
    changed, waiting = len(effect.changes), len(effect.waiting)
    stay = counted(effect.tagged, "tagged by an editor stays as it is", "tagged by an editor stay as they are")
    tagged = f"; {stay}" if effect.tagged else ""
    wait = f", {waiting} of them still to be mailed (--also-waiting changes these)" if waiting else ""
    holds = counted(effect.holds, "past entry", "past entries")
    return f"it holds for {holds} and would change {changed}{wait}{tagged}"


def _changes(rule: EditorRule) -> str:
    adds = [f"+{slug}" for _, slug in rule.added]
    return " ".join([*adds, *(f"-{slug}" for _, slug in rule.removed), *([f"kind {rule.kind}"] if rule.kind else [])])


def _document(rule: EditorRule) -> dict[str, Any]:
    return {
        "rule": rule.number or None, "by": rule.by, "when": rule.phrase, "source": rule.source,
        "address": rule.address, "added": [list(value) for value in rule.added],
        "removed": [list(value) for value in rule.removed], "kind": rule.kind,
    }  # fmt: skip


def _effect(effect: Effect) -> dict[str, Any]:
    from digest.desk.rules import differences

    changes = [
        {"entry": entry.id, "title": entry.title, "changes": differences(entry, facets)}
        for entry, facets in effect.changes
    ]
    return {
        "holds": effect.holds, "tagged": effect.tagged, "waiting": sorted(effect.waiting), "changes": changes,
    }  # fmt: skip


COMMANDS = (rules,)
