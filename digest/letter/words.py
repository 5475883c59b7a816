"""Write the sentences of a letter in one language from its catalogue (see digest.letter.catalogue).

All of it is plain text; the templates escape it. Everything that differs between languages stands in the catalogue:
the forms by count, the names of months, and how the name of a region changes inside a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.letter.bidi import isolated
from digest.letter.inert import visible
from digest.letter.particles import value_of
from digest.model import CASE_STUDY, NATIONAL, REGIONS, UNKNOWN, Correction, Digest, Reason, Taxonomy, Term, Tried
from subscribers.model import Interests

_SHORTEST_PREHEADER = 20  # characters
_LONGEST_TITLE = 80  # characters, of a corrected entry
GAP = re.compile(r"\{([a-z_]+)\}")
# Languages written from right to left; all others are written from left to right.
_RTL = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi"})


def direction(language: str) -> str:
    """Return "rtl" or "ltr" for a language tag ("ar-GB")."""
    return "rtl" if primary(language) in _RTL else "ltr"


def primary(language: str) -> str:
    """Return the language of a tag without its region: "cy" for "cy-GB"."""
    return language.lower().replace("_", "-").partition("-")[0]


def counts(digest: Digest) -> tuple[int, int]:
    """Return how many entries stand in a digest's own areas and how many come from elsewhere."""
    near = elsewhere = 0
    for section in digest.sections:
        count = sum([len(group.placed) for group in section.groups])
        if section.key == "elsewhere":
            elsewhere += count
        else:
            near += count
    return near, elsewhere


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Hold one language's words.

    `sentences` are those with one form, by name; `forms` those with a form for each count or slug; `plurals` the
    form's name for each count that does not take "other"; `months` the twelve names.
    """

    language: str
    sentences: Mapping[str, str]
    forms: Mapping[str, Mapping[str, str]]
    plurals: Mapping[int, str]
    months: tuple[str, ...]

    @property
    def fixed(self) -> dict[str, str]:
        """Return the sentences without gaps, which templates write as {{ words.… }}."""
        return {name: text for name, text in self.sentences.items() if not GAP.search(text)}

    def say(self, name: str, /, **values: object) -> str:
        """Return the sentence `name` with its {gaps} filled in one pass, so that gaps in a value stay as they are."""
        return self._filled(self.sentences[name], values)

    def form(self, name: str, slug: str, /, **values: object) -> str:
        """Return the form of `name` for a slug, or its form "other", with its {gaps} filled."""
        forms = self.forms[name]
        return self._filled(forms[slug] if slug in forms else forms["other"], values)

    def _filled(self, text: str, values: Mapping[str, object]) -> str:
        """Return a sentence with its {gaps} filled, each value in its own direction."""
        if "{" not in text:
            return text
        around = direction(self.language)
        return GAP.sub(lambda gap: isolated(value_of(gap[1], values), around), text)

    def count(self, name: str, count: int, /, **values: object) -> str:
        """Return the form of `name` that goes with a count, which fills {count}."""
        return self.form(name, self.plurals.get(count, "other"), count=count, **values)

    def listed(self, names: Sequence[str]) -> str:
        """Return names as a list in words: "a", "a and b", "a, b and c"."""
        shown = [isolated(name, direction(self.language)) for name in names]
        return self.sentences["list_join"].join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)

    def day(self, moment: datetime | date | None, zone: str) -> str:
        """Return a day of the calendar in `zone`, "12 October 2026"; "" for None and for a day out of range."""
        if moment is None:
            return ""
        if isinstance(moment, datetime):
            try:
                moment = moment.astimezone(ZoneInfo(zone)).date()
            except OverflowError:  # the moment is next to the first or last day that Python can write
                return ""
        return self.say("day", day=moment.day, month=self.months[moment.month - 1], year=moment.year)

    def name(self, taxonomy: Taxonomy, slug: str) -> str:
        """Return a policy area's or theme's name in this language, or else in the site's."""
        return _names(self, taxonomy).get(slug) or visible(taxonomy.name(slug))

    def translated(self, taxonomy: Taxonomy, slug: str) -> str:
        """Return the name that config gives a policy area or theme in this language, or ""."""
        for term in (*taxonomy.policy_areas, *taxonomy.themes):
            if term.slug == slug:
                return visible(dict(term.names).get(self.language, ""))
        return ""

    def region(self, slug: str, sentence: str = "region") -> str:
        """Return a region's name ("Wales"), or the phrase of `sentence` with it ("in_region": "in Wales")."""
        name = self.forms["region"].get(slug) or REGIONS.get(slug, slug)
        if sentence == "region":
            return name
        inside = self.form("the_region", slug, region=name)
        return self.form(sentence, slug, region=name, the_region=inside) if sentence != "the_region" else inside

    def kind(self, slug: str) -> str:
        """Return what readers call a kind of entry."""
        return self.sentences["case_study" if slug == CASE_STUDY else "post"]

    def place(self, name: str, regions: Iterable[str]) -> str:
        """Return the place and regions that an entry is about: "Cornwall, South West", "Wales", "National", or ""."""
        names = [self.region(slug) for slug in regions if slug != UNKNOWN]
        region_names = {*names, *(REGIONS.get(slug, slug) for slug in regions)}
        national = names == [self.region(NATIONAL)]
        if len(names) > 3:
            names = [self.count("more_regions", len(names) - 1, name=names[0])]
        if name and name not in region_names:
            names = [name] if national else [name, *names]
        return ", ".join(names)

    def reason(self, why: Reason, taxonomy: Taxonomy, place: str = "") -> str:
        """Return the sentence that tells a reader why an entry, or those of a group, are in their letter.

        `place` is that of an entry from elsewhere, or "".
        """
        if why.code == "elsewhere-barrier":
            return self._barrier_reason(why, taxonomy, place)
        every = self.sentences["every_theme" if why.code == "elsewhere-theme" else "every_area"]
        facet = self.name(taxonomy, why.slug) if why.slug else every
        if why.region == UNKNOWN:
            return self.say("reason_unplaced", what=facet)
        if why.code == "area":
            return self.say("reason_area", what=facet, from_region=self.region(why.region, "from_region"))
        return self.say("reason_elsewhere", what=facet, in_region=self.region(why.region, "in_region"))

    def _barrier_reason(self, why: Reason, taxonomy: Taxonomy, place: str) -> str:
        """Return the sentence that tells what was in the way, where, and in what else, so far as that is known."""
        barrier = self.form("barrier", why.slug)
        shared = self.say("shared_area", area=self.name(taxonomy, why.area)) if why.area else self.say("shared")
        if place in ("", self.region(why.region), REGIONS.get(why.region)):
            place = "" if why.region == UNKNOWN else self.region(why.region, "the_region")
        name = "reason_barrier" if place else "reason_barrier_unplaced"
        line = self.say(name, barrier=barrier, shared=shared, where=place)
        return line[:1].upper() + line[1:]

    def exception(self, why: Reason) -> str:
        """Return what the reason of an entry says that its group's does not: "; comes from Wales"."""
        return f"; {self.region(why.region, 'from_region')}"

    def correction_lead(self, correction: Correction) -> str:
        """Return the words before the text of a correction: "Correction to “A shared list”:"."""
        title = visible(correction.title, _LONGEST_TITLE) or self.sentences["no_title"]
        return self.say("withdrawn" if correction.withdrawn else "corrected", title=title)

    def tried_lead(self, tried: Tried) -> str:
        """Return the words before what a place did: "Fife Council tried “A shared list”:"."""
        title = visible(tried.title, _LONGEST_TITLE) or self.sentences["no_title"]
        return self.say("tried", place=visible(tried.place, _LONGEST_TITLE), title=title)

    def more(self, count: int) -> str:
        """Return the sentence that counts the entries that did not fit."""
        return self.count("more", count)

    def more_link(self, count: int) -> str:
        """Return the words of the link to the entries that did not fit."""
        return self.count("more_link", count)

    def from_month(self, slot: str) -> str:
        """Return the label of an entry that is carried over from the edition of a slot; "" without a slot."""
        return self.say("from_month", month=self.months[int(slot[5:7]) - 1]) if slot else ""

    def intro(self, name: str, shown: tuple[int, int]) -> str:
        """Return the opening sentence: the reader's name, and the count of entries near and from elsewhere."""
        greeting = isolated(visible(name, 60), direction(self.language))
        here = self.sentences["here_named"].replace("{name}", greeting) if greeting else self.sentences["here"]
        return _opening(self, shown).replace("{here}", here)

    def preheader(self, digest: Digest, taxonomy: Taxonomy) -> str:
        """Return the line that an inbox shows after the subject: "Housing, Transport and 2 from elsewhere"."""
        near = tuple([g.slug for s in digest.sections if s.key == "areas" for g in s.groups])
        return _preheader(self, taxonomy, near, counts(digest))

    def interests(self, follows: Interests, taxonomy: Taxonomy) -> str:
        """Return a reader's interests in words: "Housing and Transport, in Wales and the South West"."""
        names = _phrases(self, taxonomy)
        areas, regions, themes = (
            [name for slug, name in facet.items() if slug in slugs] if slugs else []
            for facet, slugs in zip(names, (follows.policy_areas, follows.regions, follows.themes), strict=True)
        )
        where = self.sentences["only_national" if follows.regions else "every_region"]
        if regions:
            where = self.say("in_regions", regions=self.listed(regions))
        return self.say(
            "interests",
            areas=self.listed(areas) if areas else self.sentences["every_area"],
            regions=where,
            themes=self.count("with_themes", len(themes), themes=self.listed(themes)) if themes else "",
        )

    def why_letter(self, cadence: str, follows: str) -> str:
        """Return the footer's sentences: why the reader gets these letters, and how often at most."""
        asked = self.say("asked_following", interests=follows) if follows else self.sentences["asked"]
        return f"{asked} {self.say('comes', often=self.form('often', cadence))}"


def with_regions(words: Words, regions: Sequence[Term], own: Mapping[str, object]) -> Words:
    """Return words that name an organisation's own regions in the place of the shipped ones.

    `own` are the words of config.toml, which come before the names of `regions`.
    """
    if not regions:
        return words
    forms = dict(words.forms)
    for sentence in ("region", "the_region", "in_region", "from_region"):
        given = own.get(sentence)
        kept = {NATIONAL, "other", *(given if isinstance(given, dict) else ())}
        forms[sentence] = {slug: form for slug, form in forms[sentence].items() if slug in kept}
    names = {term.slug: visible(dict(term.names).get(words.language, term.name)) for term in regions}
    given = own.get("region")
    forms["region"] = {**forms["region"], **names, **(given if isinstance(given, dict) else {})}
    return replace(words, forms=forms)


@lru_cache(maxsize=64)
def _names(words: Words, taxonomy: Taxonomy) -> dict[str, str]:
    """Return the name of each policy area and theme of a taxonomy, by slug."""
    slugs = [term.slug for term in (*taxonomy.policy_areas, *taxonomy.themes)]
    return {slug: words.translated(taxonomy, slug) or visible(taxonomy.name(slug)) for slug in slugs}


@lru_cache(maxsize=64)
def _phrases(words: Words, taxonomy: Taxonomy) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return what a reader's interests call each policy area, region and theme, by slug, in the order of listing."""
    return (
        {term.slug: words.name(taxonomy, term.slug) for term in taxonomy.policy_areas},
        {slug: words.region(slug, "the_region") for slug in taxonomy.region_names if slug != NATIONAL},
        {term.slug: words.name(taxonomy, term.slug) for term in taxonomy.themes},
    )


@lru_cache(maxsize=4096)
def _preheader(words: Words, taxonomy: Taxonomy, near: tuple[str, ...], shown: tuple[int, int]) -> str:
    names = [words.name(taxonomy, slug) if slug else words.sentences["other_news"] for slug in near]
    far = shown[1]
    most = 4 if far else 5
    if len(names) > most:
        names = [*names[:4], words.count("more_areas", len(names) - 4)]
    if far:
        names.append(words.count("from_elsewhere", far))
    line = words.listed(names)
    line = line[:1].upper() + line[1:]
    # A short line gets the opening sentence too, because an inbox fills the room with the letter's next words.
    return line if len(line) >= _SHORTEST_PREHEADER else f"{line}. {words.intro('', shown)}"


@lru_cache(maxsize=1024)
def _opening(words: Words, shown: tuple[int, int]) -> str:
    """Return the opening sentence with the gap {here}, which differs by reader."""
    near, far = shown
    which = "intro_both" if near and far else "intro_near" if near else "intro_far"
    return words.count(which, near + far, total=near + far, here="{here}", near=near, far=far)
