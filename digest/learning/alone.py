"""Tell whether a sentence can be understood without those around it. Pure."""

from __future__ import annotations

import re

from digest.learning.patterns import any_of, either

# "This project" is the one that the title names; "this" alone is something that was told before.
_WORK = either(
    """
    work, project, programme, service, scheme, initiative, pilot, trial, partnership, approach, model,
    system, success, (?:financial |academic )?year, month, week, spring, summer, autumn, winter
    """
)
_JOINING = either("and, but, so, also, however, then, yet, therefore, furthermore, moreover, in addition")
_NEEDED = either("essential, crucial, important, vital, critical, imperative, necessary, difficult, hard, impossible")
_IT = (  # "it takes time" leans on nothing
    rf"it\b(?! (?:takes?|took|needs?|depends)\b| (?:is|was|proved) (?:\w+ )?{_NEEDED}\b"
    r"| (?:is|was|became) (?:\w+ ){0,3}(?:clear|apparent|obvious) that\b| (?:could|can|may) be \w+ed\b)"
)
_LEANS = re.compile(
    rf"(?:{_JOINING},? )*(?:they|this|these|those|that|such|{_IT}|he|she|his|her|their|its)\b(?! {_WORK}\b)",
    re.IGNORECASE,
)
_POINTS = any_of(r"""
    \b(?:as follows|the following|as (?:above|below)|the above|below[:.]|one such|a similar)\b
    \b(?:shown|listed|described|outlined|set out|mentioned) (?:above|below|earlier|in (?:figure|table))\b
    \b(?:see|in) (?:the )?(?:figure|fig\.?|table|picture|image|screenshot)\b
    \b(?:for example|for instance)\b|\b(?:do|does|did|doing) (?:just |exactly )?(?:that|this|so)\b
    \b(?:of|for|with|to|from|by|about|in|on) that[.,;]
    \bfirst(?:ly| of all)\b(?!.*\bsecond)
    \b(?:this|our) (?:\w+ ){0,3}(?:episode|blog|article|post|case stud(?:y|ies)|example|guide|report)s?\b
""")
# Said and not written, or pointing back from within: "the staff of this ward".
_NEAR = any_of(rf"""
    \bthese\b(?! days)|\bthis\b(?! {_WORK}\b| way\b| time\b| you\b)
    ^(?:Well|Yes|Yeah|OK|Right|Now),
    \b(?:you know|sort of|kind of|I mean|and stuff|stuff like|as we say|as I said)\b
    \b(?:I|I[’'](?:m|ve|d|ll)|me|my)\b
""", flags=0)  # fmt: skip  # because "I" is a person and "i" a number
_PAIRS = (("“", "”"), ("(", ")"), ("[", "]"))


def stands_alone(text: str) -> bool:
    """Return whether a sentence is whole, and leans on no other sentence and on no picture or list."""
    is_cut = text.endswith((":", "…", "...")) or text.startswith(("*", "†", "‡", "("))
    is_whole = all(text.count(opening) == text.count(closing) for opening, closing in _PAIRS)
    return is_whole and not is_cut and not any(p.search(text) for p in (_POINTS, _NEAR)) and not _LEANS.match(text)
