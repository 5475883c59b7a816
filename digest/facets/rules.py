"""Apply editors' rules to an entry: which of them hold for it, and what they change of its facets and kind. Pure.

A rule is an editor's correction that is made general. It comes after the words and places of the entry's texts and
the defaults of its source, and before what the entry itself declares.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from digest.facets.entry_text import LEAD, EntryText
from digest.facets.lexicon import stems
from digest.facets.words import BREAK, words
from digest.model import UNKNOWN, Evidence, Facets
from subscribers.facets import KnownFacets

FIELDS = {"policy_area": "policy_areas", "region": "regions", "theme": "themes"}  # the plural of each facet
BY_RULE = "rule"
_LONG = 10  # letters of a word that may tell a subject by itself
_NAME = re.compile(r"\brule (\d+) by ")
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)

Value = tuple[str, str]  # a facet, "policy_area", "region" or "theme", and a slug of it


@dataclass(frozen=True, slots=True)
class EditorRule:
    """One editor's rule: where it holds, what it adds, what it takes out, and the kind that it sets ("": none).

    It holds for an entry that fits all of `phrase` (words of the title or the lead), `source` (its name) and
    `address` (what the entry's own begins with), as far as they are not "". `number` 0: it is not stored.
    """

    number: int
    by: str
    phrase: str = ""
    source: str = ""
    address: str = ""
    added: tuple[Value, ...] = ()
    removed: tuple[Value, ...] = ()
    kind: str = ""

    @property
    def condition(self) -> str:
        """Return where it holds, as people read it."""
        source, address = self.source and f"source {self.source}", self.address and f"address {self.address}"
        return ", ".join(part for part in (self.phrase and f"'{self.phrase}'", source, address) if part)

    @property
    def name(self) -> str:
        """Return what the evidence of its values says: "rule 3 by Ann: 'front door'"."""
        return f"rule {self.number} by {self.by}: {self.condition}"

    def within(self, facets: KnownFacets) -> EditorRule:
        """Return it without the values that `facets` do not have."""
        added, removed = (
            tuple((facet, slug) for facet, slug in values if facets.slug(FIELDS[facet], slug) == slug)
            for values in (self.added, self.removed)
        )
        return replace(self, added=added, removed=removed)

    def slugs(self, facet: str, values: Iterable[Value]) -> tuple[str, ...]:
        """Return the slugs of one facet among `values`, which are its added or removed ones."""
        return tuple(slug for of, slug in values if of == facet)


class Rules:
    """The rules of an installation, ready for any number of entries (thread-safe, because nothing changes)."""

    def __init__(self, rules: Iterable[EditorRule] = ()) -> None:
        self._rules = [(rule, stemmed(rule.phrase), _without_scheme(rule.address)) for rule in rules]

    def matching(self, text: EntryText, link: str | None) -> list[EditorRule]:
        """Return the rules that hold for the entry with these texts and this address, in their order."""
        if not self._rules:
            return []
        address, head = _without_scheme(link or ""), ""
        holding = []
        for rule, phrase, prefix in self._rules:
            if (rule.source and rule.source != text.publisher) or not address.startswith(prefix):
                continue
            head = head or head_words(text)
            if phrase in head:
                holding.append(rule)
        return holding


NO_RULES = Rules()


def stemmed(phrase: str) -> str:
    """Return a phrase as it is looked for in `head_words`, "" for one without a word."""
    cut = stems(words(phrase))
    while cut and cut[-1] in (BREAK, ","):
        cut.pop()
    while cut and cut[0] in (BREAK, ","):
        del cut[0]
    return f" {' '.join(cut)} " if cut else ""


def head_words(text: EntryText) -> str:
    """Return the words of title and lead as stems, each between spaces; punctuation between them stays."""
    body = words(text.body)
    lead = body[: bisect_right(body, LEAD, key=attrgetter("end"))]
    return f" {' '.join((*stems(words(text.title)), BREAK, *stems(lead)))} "


def title_phrases(title: str) -> list[str]:
    """Return the phrases of a title that a rule may look for: of three or two words, and long words."""
    cut = words(title)
    runs = [cut[start : start + size] for size in (3, 2, 1) for start in range(len(cut) - size + 1)]
    return [
        title[run[0].start : run[-1].end]
        for run in runs
        if not {BREAK, ","} & {word.key for word in run}
        # Short words at its ends, such as "of" and "the", tell nothing of a subject.
        and min(len(run[0].key), len(run[-1].key)) >= (4 if len(run) > 1 else _LONG)
    ]


def kind_ruled(rules: Sequence[EditorRule]) -> str:
    """Return the kind that the last of some rules to set one sets, or ""."""
    return next((rule.kind for rule in reversed(rules) if rule.kind), "")


def number_of(evidence: Evidence) -> int | None:
    """Return the number of the rule that an evidence names, or None."""
    name = _NAME.search(evidence.detail) if evidence.by == BY_RULE else None
    return int(name[1]) if name else None


def declared_facets(facets: Facets) -> frozenset[str]:
    """Return the facets that an entry itself declares: no rule changes them."""
    return frozenset(
        evidence.facet
        for evidence in facets.evidence
        # The defaults of a source are by "source" too, and are for all of its entries.
        if evidence.by == "source" and not evidence.detail.startswith("every entry of ")
    )


def ruled(facets: Facets, rules: Iterable[EditorRule], kind: str) -> Facets:
    """Return facets as rules change them, in turn, so that a later rule beats an earlier one.

    `kind` is the entry's kind without them, "" for one that the entry declares, which no rule changes. Values that
    rules add come first. A region that a rule adds takes the place of those of texts and source, because the first
    answer to where an entry is from decides. Where no region stays, it is UNKNOWN.
    """
    declared = declared_facets(facets)
    for rule in rules:
        for facet in FIELDS:
            if facet not in declared:
                facets = _changed(facets, facet, rule)
        if kind and rule.kind and rule.kind != (facets.kind or kind):
            others = (evidence for evidence in facets.evidence if evidence.facet != "kind")
            facets = replace(facets, evidence=(*others, Evidence("kind", rule.kind, BY_RULE, rule.name)))
    return facets


def _changed(facets: Facets, facet: str, rule: EditorRule) -> Facets:
    """Return facets with what one rule adds to one facet and takes out of it."""
    has: tuple[str, ...] = getattr(facets, FIELDS[facet])
    adds, named = rule.slugs(facet, rule.added), rule.slugs(facet, rule.removed)
    takes = {*named}
    if facet == "region" and adds:
        of_rules = {each.slug for each in facets.evidence if (each.facet, each.by) == (facet, BY_RULE)}
        takes |= {*has} - of_rules - {*adds}
    new, gone = [slug for slug in adds if slug not in has], [slug for slug in has if slug in takes]
    if not new and not gone:
        return facets
    stays = (*new, *(slug for slug in has if slug not in takes))
    kept = [each for each in facets.evidence if each.facet != facet or each.slug not in (*new, *gone)]
    added = [Evidence(facet, slug, BY_RULE, rule.name) for slug in new]
    added += [Evidence(facet, slug, BY_RULE, f"taken out by {rule.name}") for slug in gone if slug in named]
    values = {each: getattr(facets, field) for each, field in FIELDS.items()} | {facet: stays}
    # No place of the texts, because it may lie in a region that is no longer the entry's.
    place = facets.place if facet != "region" or has == (UNKNOWN,) else ""
    regions = values["region"] or (UNKNOWN,)
    return Facets(values["policy_area"], regions, values["theme"], (*kept, *added), place)


def _without_scheme(address: str) -> str:
    """Return an address to compare the beginning of: a whole host ends in "/", so that no longer host fits it."""
    bare = _SCHEME.sub("", address.strip()).casefold()
    return f"{bare}/" if bare and "/" not in bare else bare
