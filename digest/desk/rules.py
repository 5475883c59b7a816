"""Make rules of an editor's corrections: show first what one would change of past entries, then add it, or remove it.

A rule counts for entries that are classified afterwards. Past entries keep what they have, but for those that wait to
be mailed where the editor says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from digest.desk.acts import Hand, record
from digest.desk.edit import entry_of, redrafted
from digest.desk.entry_acts import entry_act
from digest.editions.classified import careful_classifier, source_named, with_facets, with_whole_text
from digest.errors import WrongUse, counted
from digest.facets.entry_text import EntryText, entry_text
from digest.facets.known import slugs_of
from digest.facets.rules import FIELDS, EditorRule, Rules, Value, ruled, stemmed, title_phrases
from digest.installation import Installation
from digest.model import UNKNOWN, Entry, Facets, Sighting, Taxonomy
from digest.store import editions, entries, entry_texts, releases, rules
from digest.store.engine import reading, writing
from subscribers.database import chunks
from subscribers.invisible import one_line

_LONGEST = 200  # characters of a phrase or an address
_FEW = 10  # past entries, of which more than half say nothing yet
_SUGGESTIONS = 3


@dataclass(slots=True)
class Effect:
    """Hold what a rule would do to past entries: the number it `holds` for, and how it changes some of them.

    `changes` are (entry, its facets afterwards). `tagged` counts those that keep what an editor has given them;
    `waiting` are the ids of the changed ones that no frozen edition carries.
    """

    rule: EditorRule
    holds: int = 0
    tagged: int = 0
    changes: list[tuple[Entry, Facets]] = field(default_factory=list)
    waiting: frozenset[int] = frozenset()


def rules_and_counts(installation: Installation) -> list[tuple[EditorRule, int]]:
    """Return every rule, the oldest first, with the number of entries that it has touched."""
    with reading(installation.engine) as conn:
        touched = rules.count_touched(conn)
        return [(rule, touched[rule.number]) for rule in rules.every_rule(conn)]


def checked_rule(installation: Installation, typed: EditorRule) -> EditorRule:
    """Return a rule as it is stored, of one as it was typed: with values by slug or name.

    Raises WrongUse for a condition or a consequence that is missing or not known, and for a rule that is there.
    """
    taxonomy = installation.settings.taxonomy
    rule = replace(
        typed, phrase=one_line(typed.phrase), address=one_line(typed.address),
        added=_values(taxonomy, typed.added), removed=_values(taxonomy, typed.removed),
    )  # fmt: skip
    if typed.phrase and not stemmed(rule.phrase):
        raise WrongUse(f"the phrase {typed.phrase!r} has no word; write words of a title, or of the start of a text")
    if max(len(rule.phrase), len(rule.address)) > _LONGEST:
        raise WrongUse(f"a phrase or an address has at most {_LONGEST} characters; write its first words")
    if rule.source:
        installation.settings.check_source(rule.source)
    if not rule.condition:
        raise WrongUse('say where the rule holds: --when "words of a title", --source NAME or --address https://…')
    if not (rule.added or rule.removed or rule.kind):
        raise WrongUse("say what the rule changes: --policy-areas, --regions, --themes, --kind, or --not-regions …")
    if both := {*rule.added} & {*rule.removed}:
        raise WrongUse(f"the rule gives {min(both)[1]!r} and takes it out; say one of them")
    with reading(installation.engine) as conn:
        for other in rules.every_rule(conn):
            if replace(other, number=0, by=rule.by) == rule:
                raise WrongUse(f"rule {other.number} says that already; see `digest rules`")
    return rule


def effects_of(installation: Installation, candidates: Sequence[EditorRule]) -> list[Effect]:
    """Return what each of some rules would change of past entries; changes nothing.

    Past entries are all but dropped ones. A rule that holds for more than half of them is left out.
    """
    effects = {rule: Effect(rule) for rule in candidates}
    index, looked_at = Rules(effects), 0
    with reading(installation.engine) as conn:
        tagged = entries.retagged(conn)
        for stored, text in _past_entries(conn):
            looked_at += 1
            holding = index.matching(text, stored.url)
            entry = with_facets(conn, installation, stored) if holding else stored
            for rule in holding:
                effect = effects[rule]
                effect.holds += 1
                after = ruled(entry.facets, [rule], entry.kind)
                if entry.id in tagged:
                    effect.tagged += 1
                elif differences(entry, after):
                    effect.changes.append((entry, after))
        for effect in effects.values():
            # Without a baseline, because an entry of it gets its facets by the rules of the day it is released.
            changed = [entry.id for entry, _ in effect.changes if entry.state != "baseline"]
            effect.waiting = frozenset(entry_texts.may_classify(conn, changed, lock=False))
    return [effect for effect in effects.values() if looked_at < _FEW or 2 * effect.holds <= looked_at]


def effect_of(installation: Installation, rule: EditorRule) -> Effect:
    """Return what a rule would change of past entries. Raises WrongUse when it holds for more than half of them."""
    effects = effects_of(installation, [rule])
    if not effects:
        raise WrongUse(
            f"{rule.condition} holds for more than half of all past entries, and a rule is for some; write a longer"
            " phrase, or give the source its policy_areas, regions or themes in config.toml"
        )
    return effects[0]


def add(
    installation: Installation, hand: Hand, effect: Effect, *, also_waiting: bool = False
) -> tuple[EditorRule, list[str]]:
    """Store a rule; return it with its number, and lines for a person.

    `also_waiting`: the past entries that it changes and that no frozen edition carries are changed as `retag` does,
    but stay the classifier's: what changes later of them, or of the rules, changes their facets.
    """
    with writing(installation.engine, "add rule") as conn:
        editions.serialise(conn)
        rule = replace(effect.rule, number=rules.add_rule(conn, effect.rule, installation.clock()))
        free = sorted(entry_texts.may_classify(conn, effect.waiting)) if also_waiting else []
        lines: list[str] = []
        for number in free:
            entry = entry_of(conn, number)
            with entry_act(conn, installation, Hand(hand.by), "apply rule", [number]):
                entries.classify(conn, number, ruled(entry.facets, [rule], entry.kind))
            if entry.state == "ready":
                now, welcome = installation.clock(), installation.settings.welcome
                releases.number(conn, [number], "retagged", now, welcome)
            lines += redrafted(conn, installation, entry)
        record(conn, installation, hand, "add rule", rule_name(rule.number), ({}, _as_values(rule)))
    told = [f"{counted(len(free), 'entry', 'entries')} that waited changed too"] if free else []
    return rule, [f"rule {rule.number} counts from the next gather on", *told, *dict.fromkeys(lines)]


def remove(installation: Installation, hand: Hand, number: int) -> str:
    """Remove a rule; return a line for a person. Raises WrongUse when there is no such rule."""
    with writing(installation.engine, "remove rule") as conn:
        touched = rules.count_touched(conn)[number]
        before = next((_as_values(rule) for rule in rules.every_rule(conn) if rule.number == number), {})
        if not rules.remove_rule(conn, number):
            raise WrongUse(f"there is no rule {number}; see `digest rules`")
        record(conn, installation, hand, "remove rule", rule_name(number), (before, {}))
    keep = f"; what it has given to {counted(touched, 'entry', 'entries')} stays" if touched else ""
    return f"rule {number} was removed{keep}"


def add_again(installation: Installation, hand: Hand, values: Mapping[str, Any]) -> list[str]:
    """Add a rule that was removed, as the log holds it; it gets a new number. Return lines for a person."""
    pairs = {key: tuple((facet, slug) for facet, slug in values[key]) for key in ("added", "removed")}
    rule = EditorRule(
        0, values["by"], values["phrase"], values["source"], values["address"], pairs["added"], pairs["removed"],
        values["kind"],
    )  # fmt: skip
    return add(installation, hand, Effect(rule))[1]


def suggestions(installation: Installation, number: int, by: str) -> list[Effect]:
    """Return rules that would have made an editor's correction of an entry, each with its effect, the widest first.

    Raises WrongUse for an entry that does not exist, that no editor has corrected, or whose correction changes
    nothing that texts and rules give.
    """
    with reading(installation.engine) as conn:
        entry = entry_of(conn, number)
        if number not in entries.retagged(conn):
            raise WrongUse(f"no editor has corrected entry {number}: `digest retag {number}` comes first")
        text = entry_texts.texts_of(conn, [number]).get(number, "")
        sighting = with_whole_text(entries.sighting(conn, number), text)
    given = careful_classifier(installation).classify(sighting, source_named(installation, entry.source))
    # An editor who corrects one facet leaves the others with the evidence that they had.
    kept = {evidence.facet for evidence in entry.facets.evidence if evidence.by != "editor"}
    added = tuple(value for value in _missing(entry.facets, given) if value[0] not in kept)
    removed = tuple(value for value in _missing(given, entry.facets) if value[0] not in kept)
    if "region" in dict(added):
        removed = tuple(value for value in removed if value[0] != "region")  # because they make room by themselves
    if not (added or removed):
        raise WrongUse(f"entry {number} gets by its texts and the rules what an editor gave it: no rule is needed")
    candidates = [EditorRule(0, by, phrase, added=added, removed=removed) for phrase in title_phrases(entry.title)]
    if folder := _folder(entry.url or ""):
        candidates.append(EditorRule(0, by, address=folder, added=added, removed=removed))
    effects = effects_of(installation, candidates)
    return sorted(effects, key=lambda effect: (-len(effect.changes), -len(effect.rule.phrase)))[:_SUGGESTIONS]


def as_command(rule: EditorRule) -> str:
    """Return the command that adds a rule."""
    options = [("when", rule.phrase), ("source", rule.source), ("address", rule.address)]
    for prefix, values in (("", rule.added), ("not-", rule.removed)):
        for facet, plural in FIELDS.items():
            options.append((prefix + plural.replace("_", "-"), ";".join(rule.slugs(facet, values))))
    options += [("kind", rule.kind), ("by", rule.by)]
    return "digest rules add " + " ".join(f"--{name} {shlex.quote(text)}" for name, text in options if text)


def differences(entry: Entry, after: Facets) -> list[str]:
    """Return what is changed of an entry that gets these facets: "themes: trust → trust, leadership"."""
    pairs = [
        (plural.replace("_", " "), getattr(entry.facets, plural), getattr(after, plural))
        for plural in FIELDS.values()
    ]
    pairs.append(("kind", (entry.kind,), (after.kind or entry.kind,)))
    return [
        f"{name}: {', '.join(before) or 'none'} → {', '.join(now) or 'none'}"
        for name, before, now in pairs
        if before != now
    ]


def rule_name(number: int) -> str:
    """Return the name of a rule in the log."""
    return f"rule {number}"


def _as_values(rule: EditorRule) -> dict[str, object]:
    return {
        "phrase": rule.phrase, "source": rule.source, "address": rule.address, "kind": rule.kind, "by": rule.by,
        "added": [list(value) for value in rule.added], "removed": [list(value) for value in rule.removed],
    }  # fmt: skip


def _values(taxonomy: Taxonomy, typed: Iterable[Value]) -> tuple[Value, ...]:
    values = ((facet, slug) for facet, text in typed for slug in slugs_of(taxonomy, FIELDS[facet], [text]))
    return tuple(dict.fromkeys(values))


def _missing(these: Facets, those: Facets) -> Iterator[Value]:
    """Yield the values of `these` facets that `those` lack; nobody can give or take out an unknown place."""
    for facet, plural in FIELDS.items():
        lacking = (slug for slug in getattr(these, plural) if slug not in getattr(those, plural))
        yield from ((facet, slug) for slug in lacking if slug != UNKNOWN)


def _folder(url: str) -> str:
    """Return the address of the folder that a page stands in, "" for one at the front of its site."""
    folder = url.split("?")[0].rstrip("/").rpartition("/")[0]
    return f"{folder}/" if folder.count("/") > 2 else ""


def _past_entries(conn: Connection) -> Iterator[tuple[Entry, EntryText]]:
    """Yield the entries but dropped ones, the newest first, each with the texts that it is classified by."""
    for chunk in chunks(entry for entry in entries.listing(conn) if entry.state != "dropped"):
        numbers = [entry.id for entry in chunk]
        bodies, texts = entries.bodies(conn, numbers), entry_texts.texts_of(conn, numbers)
        for entry in chunk:
            sighting = Sighting(None, entry.url, entry.title, summary=entry.summary, html=bodies[entry.id])
            whole = with_whole_text(sighting, texts[entry.id]) if entry.id in texts else sighting
            yield entry, entry_text(whole, entry.source)
