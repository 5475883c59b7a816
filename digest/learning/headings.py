"""Tell which ingredients a heading of a case study announces. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from digest.learning.patterns import either

CLOSED = "closed"  # the section is of something else, and gives no ingredient
LATER = "later"  # the section is of plans
PARTNERS = "partners"  # the section names those who did it
ADVICE = "advice"  # the section speaks to those who would do the same

_MOST_WORDS, _MOST_LETTERS = 12, 100
_AROUND = re.compile(r"\A[\W\d_]+|\W+\Z")  # numbers, bullets and pictures before a heading, and marks after it

# Headings that have these words and no others.
_WHOLE: tuple[tuple[str, str], ...] = (
    (
        CLOSED,
        """
        references?, notes, footnotes, acknowledge?ments?, about us, about the authors?, related, read more,
        read next, share, tags, comments?, further reading, resources, download\\w*, links, bibliography, cookies,
        newsletter, sign up, glossary, see also, (?:an? )?examples? (?:from|in|of)\\b.*, .*\\belsewhere,
        (?:similar|other|more) (?:projects?|schemes?|work|case studies|examples?)\\b.*,
        (?:in )?other (?:places|areas|councils|countries)\\b.*
        """,
    ),
    (
        "who-to-ask",
        """
        contacts?, contact (?:us|details|information), (?:for )?(?:further|more) (?:information|details),
        find out more, get in touch, who to (?:ask|contact), key (?:people|contacts?), want to know more
        """,
    ),
    (
        LATER,
        """
        next steps?, (?:the )?future\\b.*, what(?:.s| is) next, looking (?:ahead|forward), going forward,
        where next, plans?, .*\\bnext steps, what happens next
        """,
    ),
    ("may-change", "what (?:others|you|other places) (?:could|can|may) (?:adapt|change), what (?:may|can) change"),
    (
        PARTNERS,
        "(?:our |the |delivery )?partners?, partner organisations, (?:who|organisations) (?:was |is |were )?involved",
    ),
    (ADVICE, "(?:the )?keys? to success, to do the same, reflections"),
    (
        "place",
        """
        (?:the )?(?:background|context|introduction|overview|summary|setting), about .*, where, who,
        executive summary, at a glance, synopsis
        """,
    ),
)
# Headings that have these words among others. The first that fits names the section.
_AMONG: tuple[tuple[str, str], ...] = (
    (LATER, "sustained, sustaining, sustainability, scaling up, rolling out, roll-?out, spreading"),
    (
        ADVICE,
        """
        lessons?, learning, learn(?:t|ed), tips, advice, recommendations?, success factors, critical success\\w*,
        replicab\\w+, transferab\\w+, ingredients?, worth borrowing, enablers?, take-?aways?,
        what (?:worked|works|made it work|helped|you could take|others could|other\\w* need),
        how (?:could|can|might) (?:others|you|other)
        """,
    ),
    ("how-they-know", "evaluation, evidence, evaluated, monitoring, measur\\w+, methodology, how (?:we|they) know"),
    (
        "changed",
        """
        impacts?, outcomes?, results?, benefits?, achievements?, difference, successes, what changed, improvements?,
        outputs?, what(?:.s| is| has) changed, what (?:we|they) achieved
        """,
    ),
    (
        "in-the-way",
        """
        challenges?, barriers?, problems?, obstacles?, difficult(?:y|ies), issues?, hurdles?, in the way,
        constraints?, what (?:didn.t|did not) work, what (?:we|they|the \\w+) faced, need for change,
        case for change, why change, risks?
        """,
    ),
    (
        "wanted",
        """
        aims?, objectives?, goals?, purpose, ambitions?, vision, what (?:we|they) wanted, intended outcomes?,
        rationale, why (?:we|they) did it
        """,
    ),
    (
        "did",
        """
        what (?:i|we|they|you|was|has been|the \\w+) (?:did|done|have done), solutions?, approach\\w*,
        interventions?, response, actions?, activit\\w+, implementation, delivery, innovation, method,
        how it was done, what is it, how (?:it|we|they|the \\w+) (?:work\\w*|did|was|were|has|have|delivered),
        the (?:project|initiative|programme|model|service|scheme|pilot|process)
        """,
    ),
)
_SECTIONS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        *((name, either(words)) for name, words in _WHOLE),
        *((name, rf".*\b{either(words)}\b.*") for name, words in _AMONG),
    )
)


@lru_cache(maxsize=64)  # because each sentence of a section asks again
def section_of(heading: str) -> str:
    """Return the ingredient that a heading announces, or another kind of section above; "" when it announces none."""
    title = _AROUND.sub("", heading)
    if not title or len(title) > _MOST_LETTERS or len(title.split()) > _MOST_WORDS:
        return ""
    return next((name for name, pattern in _SECTIONS if pattern.fullmatch(title)), "")
