"""Count the points of policy areas and themes in the texts of an entry, and choose the values that have enough. Pure.

The title, the categories, the link and the lead of the text decide. The rest of the text confirms what they have, and
gives a value by itself only where they give none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from digest.facets.lexicon import Hits, Lexicon
from digest.model import Term

# The points of a phrase are its weight times the factor of the text it stands in.
_TITLE, _CATEGORY, _OPENING, _LEAD, _LINK = 3, 2, 2, 1, 1
_DECIDES = 3  # the least weight with which a phrase gives a value; lighter phrases only add to one
_NAMED = 3  # the least weight of a category that is the name of a value
_REPEATS = 3  # times that a phrase counts, because a phrase repeated a hundred times is still one subject
_ENOUGH = 6  # points

# Where no phrase decides: one value by different hints, each of at least this weight, that have this many points.
_HINT, _HINTS, _ENOUGH_OF_HINTS = 2, 2, 8
# The rest of a text gives a value when a phrase of this weight stands there so often. Two values at most, because a
# long text mentions many.
_CLEAR, _OFTEN, _MOST_OF_REST = 4, 2, 2


@dataclass(frozen=True, slots=True)
class TextHits:
    """The phrases in the texts of an entry, for every facet.

    `opening` is the start of the `lead`; `rest` is what follows it. `categories` are triples: a category, its
    phrases, and the (facet, slug) pairs of the values that it names.
    """

    title: Hits
    opening: Hits
    lead: Hits
    rest: Hits
    link: Hits
    categories: tuple[tuple[str, Hits, frozenset[tuple[str, str]]], ...]

    def whole(self) -> TextHits:
        """Return the same with all of the text as its lead."""
        return replace(self, lead=self.lead + self.rest, rest=Hits())


@dataclass(slots=True)
class Tally:
    """The points of one facet value, and the phrases that earned them. `by` is as in Evidence.

    `points` are those of title, categories, link and lead, `rest` those of the rest of the text. `decides`: a phrase
    of the former gives the value; `heads`: that phrase stands in the title or a category. `clear`: a phrase of the
    rest gives it.
    """

    by: str
    points: int = 0
    rest: int = 0
    decides: bool = False
    heads: bool = False
    clear: bool = False
    hints: set[str] = field(default_factory=set)
    phrases: dict[str, tuple[int, int]] = field(default_factory=dict)  # phrase: (points, times)

    def add(self, phrase: str, points: int, times: int, weight: int) -> None:
        """Add the points of a phrase of the title, a category, the link or the lead."""
        self._note(phrase, points, times)
        self.points += points
        self.decides |= weight >= _DECIDES
        if weight >= _HINT:
            self.hints.add(phrase)

    def add_rest(self, phrase: str, points: int, times: int, weight: int) -> None:
        """Add the points of a phrase of the rest of the text."""
        self._note(phrase, points, times)
        self.rest += points
        self.clear |= weight >= _CLEAR and times >= _OFTEN

    def _note(self, phrase: str, points: int, times: int) -> None:
        before = self.phrases.get(phrase, (0, 0))
        self.phrases[phrase] = (before[0] + points, before[1] + times)

    def detail(self) -> str:
        """Return the four strongest phrases: "domestic abuse ×2, refuge"."""
        ranked = sorted(self.phrases.items(), key=lambda item: -item[1][0])[:4]
        return ", ".join(f"{phrase} ×{times}" if times > 1 else phrase for phrase, (_, times) in ranked)


Tallies = dict[str, Tally]  # by the slug of a value


def tallies_of(facet: str, texts: TextHits, lexicon: Lexicon) -> Tallies:
    """Return the tally of each value of `facet`, "policy_area" or "theme", that the texts have a phrase for."""
    tallies: Tallies = {}
    # Phrases of the opening have been counted in the lead, so that they only get more points.
    heads, opening = (texts.title, _TITLE, 1), (texts.opening, _OPENING - _LEAD, 0)
    for hits, factor, counts in (heads, (texts.lead, _LEAD, 1), opening, (texts.link, _LINK, 1)):
        for slug, weight, phrase, times in _values(facet, hits, lexicon):
            points = factor * _points(weight, times)
            tallies.setdefault(slug, Tally("words")).add(phrase, points, counts * times, weight)
    for category, hits, names in texts.categories:
        weights = {slug: _NAMED for named, slug in names if named == facet}
        for slug, weight, _, _ in _values(facet, hits, lexicon):
            weights[slug] = max(weights.get(slug, 0), weight)
        for slug, weight in weights.items():
            tally = tallies.setdefault(slug, Tally("category"))
            tally.add(f"category “{category}”", weight * _CATEGORY, 1, weight)
            tally.heads |= weight >= _DECIDES
    for slug, weight, _, _ in _values(facet, texts.title, lexicon):
        tallies[slug].heads |= weight >= _DECIDES
    for slug, weight, phrase, times in _values(facet, texts.rest, lexicon):
        tallies.setdefault(slug, Tally("words")).add_rest(phrase, _points(weight, times), times, weight)
    return tallies


def _values(facet: str, hits: Hits, lexicon: Lexicon) -> Iterator[tuple[str, int, str, int]]:
    """Yield the values of a facet that phrases speak for: slug, weight, phrase as written, times."""
    for phrase, times in hits.items():
        for of, slug, weight in lexicon.values(phrase):
            if of == facet:
                yield slug, weight, lexicon.written(phrase), times


def _points(weight: int, times: int) -> int:
    """Return the points of a phrase that is met so often; one of weight 1 counts once."""
    return weight * (min(times, _REPEATS) if weight > 1 else 1)


def strongest(tallies: Tallies, terms: Sequence[Term], most: int, share: float) -> tuple[str, ...]:
    """Return the slugs of at most `most` values that have enough points, strongest first.

    A value that only the text has needs a `share` of the points of the strongest, or it is only mentioned. Ties are
    in the order of `terms`. A background value stands only where it is alone.
    """
    order = {term.slug: index for index, term in enumerate(terms)}
    background = {term.slug for term in terms if term.background}
    others = {slug: tally for slug, tally in tallies.items() if slug not in background}

    def ranked(points: dict[str, int]) -> list[str]:
        return sorted(points, key=lambda slug: (-points[slug], order[slug]))

    def decided(among: Tallies) -> list[str]:
        points = {slug: tally.points for slug, tally in among.items() if tally.decides}
        least = share * max(points.values(), default=0)
        return [slug for slug in ranked(points) if _has_enough(among[slug], least)]

    return tuple(
        decided(others)[:most]
        or ranked({slug: tally.rest for slug, tally in others.items() if tally.clear})[:_MOST_OF_REST]
        or decided(tallies)
        or ranked({slug: tally.points for slug, tally in tallies.items() if _has_hints(tally)})[:1]
    )


def _has_hints(tally: Tally) -> bool:
    """Return whether different hints agree on a value."""
    return len(tally.hints) >= _HINTS and tally.points >= _ENOUGH_OF_HINTS


def _has_enough(tally: Tally, least: float) -> bool:
    """Return whether a value has enough points, and where only the text has it, the `least` of its facet.

    The rest of the text adds at most as many points as the value has, so that it makes no strong value of a weak one.
    """
    enough = tally.points + min(tally.rest, tally.points) >= _ENOUGH
    return enough and (tally.heads or tally.points >= least)
