"""Change how an entry is shown for an editor: title, line, note, open question, last day, and who does not get it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from digest.desk.acts import Hand
from digest.desk.edit import entry_of, redrafted, retag_entry
from digest.desk.entry_acts import entry_act
from digest.editions.classified import with_facets
from digest.errors import WrongUse
from digest.facets.known import gone_from
from digest.facets.rules import FIELDS
from digest.installation import Installation
from digest.letter.cards import SUMMARY, TITLE
from digest.model import NATIONAL, UNKNOWN, EntryEdit, Taxonomy
from digest.store import editions, entry_edits, releases
from digest.store.engine import writing
from subscribers.invisible import one_line

MOST_NOTE = 600  # characters; a longer one is an entry of its own
MOST_QUESTION = 200
# {field of EntryEdit that an editor types: the most characters}.
TYPED = {"title": TITLE, "summary": SUMMARY, "note": MOST_NOTE, "open_question": MOST_QUESTION}
NOT_FOR = ("policy_areas", "regions")  # facets of which `not_for` has values


def reword(installation: Installation, hand: Hand, number: int, wanted: Mapping[str, Any]) -> list[str]:
    """Change how an entry is shown: some fields of EntryEdit. Return a line for each edition that changed.

    A text "" is the source's own again. `not_for` are slugs or names of regions and policy areas. Raises WrongUse,
    and changes nothing, for a text that is too long, a value that is not known, and an entry that does not exist.
    """
    with writing(installation.engine, "reword") as conn:
        editions.serialise(conn)
        return reword_entry(conn, installation, hand, number, wanted)


def change_entry(
    installation: Installation, hand: Hand, number: int, wanted: Mapping[str, Any],
    facets: Mapping[str, Sequence[str]], kind: str,
) -> list[str]:  # fmt: skip
    """Change how an entry is shown (`wanted`) and what it is about, as one form does: all of it, or nothing.

    `facets` and `kind` are all that the entry is to have, as `retag` takes them; but what config.toml does not have
    any more stays, because the form could not show it. Return, and raise, as `reword` and `retag` do.
    """
    with writing(installation.engine, "reword") as conn:
        editions.serialise(conn)
        stored, taxonomy = with_facets(conn, installation, entry_of(conn, number)), installation.settings.taxonomy
        if "not_for" in wanted:
            edit = entry_edits.edits_of(conn, [number]).get(number, EntryEdit())
            not_for = [*wanted["not_for"], *gone_from(taxonomy, edit.not_for, *NOT_FOR)]
            # As it was where nothing has changed, because a form has another order.
            wanted = {**wanted, "not_for": edit.not_for if {*not_for} == {*edit.not_for} else not_for}
        lines = reword_entry(conn, installation, hand, number, wanted)
        changed = {}
        for facet, slugs in facets.items():
            before = getattr(stored.facets, FIELDS[facet])
            all_of_it = (*slugs, *gone_from(taxonomy, before, FIELDS[facet]))
            # Without an unknown place, because nobody can tick that.
            if {*all_of_it} != {*before} - {UNKNOWN}:
                changed[facet] = all_of_it
        if changed or kind not in ("", stored.kind):
            # Any act will do as the newest, because this transaction has checked what the person has seen.
            other_kind = kind if kind != stored.kind else ""
            lines += retag_entry(conn, installation, replace(hand, seen=None), number, changed, other_kind)
        return lines


def reword_entry(
    conn: Connection, installation: Installation, hand: Hand, number: int, wanted: Mapping[str, Any]
) -> list[str]:
    """Change how an entry is shown in the caller's transaction; return lines, and raise, as `reword` does."""
    entry = entry_of(conn, number)
    before = entry_edits.edits_of(conn, [number]).get(number, EntryEdit())
    after = replace(before, **_checked(installation.settings.taxonomy, before, wanted))
    after = replace(
        after,
        # The words of an entry by hand stay their editor's, though they are its own.
        title="" if entry.title != before.title and is_sources_own(after.title, entry.title, TITLE) else after.title,
        summary=""
        if entry.summary != before.summary and is_sources_own(after.summary, entry.summary, SUMMARY)
        else after.summary,
    )
    worded = (after.title, after.summary)
    by = before.worded_by if worded == (before.title, before.summary) else hand.by
    noted_by = before.note_by if after.note == before.note else hand.by
    after = replace(after, worded_by=by if any(worded) else "", note_by=noted_by if after.note else "")
    with entry_act(conn, installation, hand, "reword", [number]):
        entry_edits.store_edit(conn, number, after, installation.clock())
    # An open question is shown in no letter, so that it voids no approval.
    seen = replace(before, open_question="") != replace(after, open_question="")
    if entry.state == "ready" and _is_for_more(before, after):
        releases.number(conn, [number], "retagged", installation.clock(), installation.settings.welcome)
    return redrafted(conn, installation, entry) if seen else []


def _is_for_more(before: EntryEdit, after: EntryEdit) -> bool:
    """Return whether readers may get an entry now from whom it was kept, so that it is released again for them."""
    longer = bool(before.last_day) and (not after.last_day or after.last_day > before.last_day)
    return longer or not {*before.not_for} <= {*after.not_for}


def is_sources_own(text: str, own: str, most: int) -> bool:
    """Return whether a text is the source's own, as a form shows it; that is no wording: the source may mend it."""
    return text in (own, one_line(own[:most]))


def _checked(taxonomy: Taxonomy, before: EntryEdit, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of EntryEdit as they are stored. Raises WrongUse."""
    fields = dict(wanted)
    for name, most in TYPED.items():
        if name in fields:
            fields[name] = _text(name, fields[name], most)
    if "last_day" in fields:
        fields["last_day"] = _day(fields["last_day"])
    if "not_for" in fields:
        fields["not_for"] = _not_for(taxonomy, before.not_for, fields["not_for"])
    return fields


def _text(name: str, text: str, most: int) -> str:
    paragraphs = [one_line(paragraph) for paragraph in text.replace("\r", "").split("\n")]
    line = "\n".join(filter(None, paragraphs)) if name == "note" else one_line(text)
    if len(line) > most:
        what = name.replace("_", " ")
        raise WrongUse(f"the {what} has {len(line)} characters; write at most {most}; nothing was changed")
    return line


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise WrongUse(f"{text[:20]!r} is no date; write it as 2027-01-31; nothing was changed") from None


def _not_for(taxonomy: Taxonomy, before: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
    names = {term.slug: term.name for term in taxonomy.policy_areas} | taxonomy.region_names
    slugs = {key.casefold(): slug for slug, name in names.items() if slug != NATIONAL for key in (slug, name)}
    slugs |= {slug: slug for slug in gone_from(taxonomy, before, *NOT_FOR)}
    chosen = []
    for text in filter(None, map(str.strip, texts)):
        if text.casefold() not in slugs:
            raise WrongUse(f"{text[:60]!r} is no region or policy area of config.toml; nothing was changed")
        chosen.append(slugs[text.casefold()])
    return tuple(dict.fromkeys(chosen))
