"""Every fixed word and sentence of a letter, in English. Plain text; the template escapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digest.letter.clean import cut, visible
from digest.model import CASE_STUDY, NATIONAL, REGIONS, Digest, Reason, Taxonomy
from subscribers.model import Interests

SUBJECT = 78
TITLE_IN_SUBJECT = 62

# What templates write as {{ words.… }}; sentences that need values are functions below.
FIXED = {
    "digest": "digest",
    "change": "Change what you follow",
    "unsubscribe": "Unsubscribe",
    "pause": "Pause these letters",
    "browser": "Read this letter in a browser",
    "note": "From the editor",
    "areas": "In your areas",
    "elsewhere": "From elsewhere",
    "elsewhere_why": (
        "Case studies from other places, on what you follow. Read them for the ingredients rather than "
        "the recipe: what each place had, who took part, and what they would do differently."
    ),
    "unsorted": "Also new",
    "why_letter": "Why you get this letter",
    "contact": "Questions or corrections:",
    "sent_to": "Sent to",
    "sent_by": "Sent by",
}
CADENCE = {"daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}
OFTEN = {"daily": "at most once a day", "weekly": "at most once a week", "monthly": "at most once a month"}
_WITH_ARTICLE = frozenset(slug for slug in REGIONS if slug.split("-")[0] in ("east", "north", "south", "west"))
# Scripts written from right to left, by language; the rest are written from left to right.
_RTL = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi"})


def direction(language: str) -> str:
    """Return "rtl" or "ltr" for a language tag ("ar-GB")."""
    return "rtl" if language.lower().split("-")[0] in _RTL else "ltr"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words: "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def day(moment: datetime | date | None, zone: str) -> str:
    """Return a day as readers of `zone` know it, "12 October 2026"; "" for None and the impossible."""
    if moment is None:
        return ""
    if isinstance(moment, datetime):
        try:
            moment = moment.astimezone(ZoneInfo(zone)).date()
        except OverflowError:  # the first and last days of the calendar have no neighbours
            return ""
    return f"{moment.day} {moment:%B %Y}"


def region(slug: str) -> str:
    """Return a region's name inside a sentence: "the South West", "Wales"."""
    name = REGIONS.get(slug, slug)
    return f"the {name}" if slug in _WITH_ARTICLE else name


def kind(slug: str) -> str:
    """Return what readers call a kind of entry."""
    return "Case study" if slug == CASE_STUDY else "Post"


def place(name: str, regions: Iterable[str]) -> str:
    """Return where an entry is about: "Cornwall, South West", "Wales", "National"."""
    names = [REGIONS.get(slug, slug) for slug in regions]
    if len(names) > 3:
        names = [f"{names[0]} and {len(names) - 1} more regions"]
    if name and name not in names:
        names = [name] if names == [REGIONS[NATIONAL]] else [name, *names]
    return ", ".join(names)


def reason(why: Reason, taxonomy: Taxonomy) -> str:
    """Return the one sentence that tells a reader why an entry is in their letter."""
    everything = "every theme" if why.code == "elsewhere-theme" else "every policy area"
    follow = f"Why: you follow {visible(taxonomy.name(why.slug)) if why.slug else everything}"
    if why.code == "area":
        where = "is of national interest" if why.region == NATIONAL else f"comes from {region(why.region)}"
        return f"{follow}, and this {where}."
    where = "nationally" if why.region == NATIONAL else f"in {region(why.region)}"
    return f"{follow}; this is how it was done {where}."


def more(count: int) -> str:
    """Return the sentence that counts what did not fit."""
    return f"{count} more {'entry' if count == 1 else 'entries'} matched what you follow."


def more_link(count: int) -> str:
    """Return the words of the link to what did not fit."""
    return "See the other one" if count == 1 else f"See the other {count}"


def counts(digest: Digest) -> tuple[int, int]:
    """Return how many entries stand in a digest's own areas and how many come from elsewhere."""
    elsewhere = sum(len(g.placed) for s in digest.sections if s.key == "elsewhere" for g in s.groups)
    return len(digest.placed) - elsewhere, elsewhere


def intro(name: str, shown: tuple[int, int]) -> str:
    """Return the opening sentence: who is meant, and how many entries there are of each sort."""
    near, far = shown
    total = near + far
    greeting = visible(name, 60)
    opening = f"{greeting}, here" if greeting else "Here"
    found = "is one new entry" if total == 1 else f"are {total} new entries"
    if near and far:
        return f"{opening} {found} for you: {near} in your areas and {far} from elsewhere."
    return f"{opening} {found} for you, {'in your areas' if near else 'from elsewhere'}."


def subject(title: str, others: int) -> str:
    """Return a subject of at most 78 characters that names the top entry and counts the others shown."""
    rest = f", and {others} more" if others else ""
    return cut(visible(title) or "New entries for you", min(TITLE_IN_SUBJECT, SUBJECT - len(rest))) + rest


def preheader(digest: Digest, taxonomy: Taxonomy) -> str:
    """Return the line an inbox shows after the subject: "Housing, Transport and 2 from elsewhere"."""
    near = [g.slug for s in digest.sections if s.key == "areas" for g in s.groups]
    names = [visible(taxonomy.name(slug)) if slug else "other news" for slug in near]
    far = counts(digest)[1]
    if far:
        names = names[:4] + ([f"{len(names) - 4} more policy areas"] if len(names) > 4 else [])
        names.append(f"{far} from elsewhere")
    elif len(names) > 5:
        names = [*names[:4], f"{len(names) - 4} more policy areas"]
    line = listed(names)
    return line[:1].upper() + line[1:]


def interests(follows: Interests, taxonomy: Taxonomy) -> str:
    """Return what a reader follows in words: "Housing and Transport, in Wales and the South West"."""
    areas = [visible(t.name) for t in taxonomy.policy_areas if t.slug in follows.policy_areas]
    regions = [region(slug) for slug in REGIONS if slug in follows.regions and slug != NATIONAL]
    themes = [visible(t.name) for t in taxonomy.themes if t.slug in follows.themes]
    what = listed(areas) or "every policy area"
    where = f"in {listed(regions)}" if regions else "in every region"
    if follows.regions and not regions:
        where = "of national interest"
    with_themes = f", and the themes {listed(themes)}" if len(themes) > 1 else ""
    if len(themes) == 1:
        with_themes = f", and the theme {themes[0]}"
    return f"{what}, {where}{with_themes}"


def why_letter(cadence: str, follows: str) -> str:
    """Return the footer's sentence: why this letter came and how often one may."""
    asked = f"You asked for this letter{f' and follow {follows}' if follows else ''}."
    often = OFTEN.get(cadence, "now and then")
    return f"{asked} It comes {often}, and only when there is something new for you."
