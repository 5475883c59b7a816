"""Tell whether a sentence says that something became other than it was: not a wish, and not a number alone. Pure."""

from __future__ import annotations

from digest.learning.patterns import NUMBER, any_of, either
from digest.learning.told import is_own

_FELL = "fell, fallen, dropped, decreased, declined, reduced, halved, shrunk, shrank, shortened, cut, lowered"
_ROSE = "rose, risen, increased, improved, doubled, trebled, tripled, quadrupled, grew, grown, gained, strengthened"
_WENT = either(f"{_FELL}, eliminated, eradicated, {_ROSE}, soared, boosted")
_TURN = either("reductions?, increases?, improvements?, drops?, falls?, decreases?, rises?, savings?, uplift, growth")
_PEOPLE = either(
    """
    people, residents, patients, families, staff, schools?, children, tenants, councils?, parents, carers, teams?,
    clinicians, officers, professionals, customers, users, gps?, nurses
    """
)
_SHOWED = either(
    """
    saw, seen, achieved, reported, showed, shown, experienced, delivered, produced, recorded, there was, there were,
    there has been, there have been, led to, leading to, resulted in, resulting in, contributed to, brought about
    """
)
# "Those who no longer need a bed" tells of people, and of no change.
_NO_LONGER = r"^(?:(?!\b(?:when|who|that|why|which|where|because|if|whose)\b)[^.]){0,120}?\bno longer\b"
_ALSO = r"(?: \w+ly| also| now| since| already)?"
_CHANGE = any_of(rf"""
    \b(?:has|have|had){_ALSO} (?:been )?(?:{_WENT}|saved|led to|resulted in|enabled|freed)\b
    \b(?:was|were) (?:\w+ly )?(?:{_WENT}|saved)\b
    \b(?:{_WENT}|went (?:down|up)|came down|went(?= from)) (?:\w+ly )?(?:by|from|to|in|at|over|almost|nearly)\b
    \b{_WENT} (?:its|their|the|his|her|our)\b
    \b{_SHOWED}\b[^.]{{0,60}}\b{_TURN}\b
    \b(?:is|are|were|was) (?:now |down |up )+(?:by |from )?
    \b(?:saved|saving) (?:an? |the |up to |[\w ]{{0,20}})?(?:estimated )?(?:£|\d)
    £[\d,.]+ ?(?:k|m|bn|million|billion)? (?:\w+ ){{0,2}}saved\b
    {_NO_LONGER}
    \bas a (?:direct )?(?:result|consequence)\b
    \b(?:has|have) (?:meant (?:that|fewer|more|a)|transformed|enabled|made (?:a|it)|become|given)\b
    \b(?:this|which|that|it) (?:has )?(?:led to|resulted in|meant)\b
    \b{_PEOPLE} (?:\w+ )?(?:now|no longer)\b
    \bnow (?:able to|has|have|gets?|takes?|receives?|wait|spend|uses?|feel|know)\b
    \bwere better off\b
    \bdown (?:from|by)\b|\bup from\b
    \b\d+(?:%| per ?cent) (?:faster|quicker|fewer|more|less|higher|lower)\b
    \bgained (?:better|greater|more)\b
    \bfewer\b[^.]{{0,60}}\b(?:were|are|have|had|than)\b
""")
# Below a heading such as "Impact", what is so now is a change too.
_EFFECT = any_of(rf"""
    \b(?:reduces|improves|enables|(?<!-)enabled(?! for)|allows|allowed|helps(?! us)|helped(?! us)|saves|frees)\b
    \b(?:avoids|speeds up)\b
    ^(?:an? )?\d+(?:\.\d+)?(?:%| per ?cent) (?:reduction|increase|improvement|drop|fall|decrease|rise) in\b
    \b{_WENT}(?=[.,;!]| and\b)
    \b(?:makes it (?:easier|possible)|gives|ensures|increases|cuts)\b
    \b(?:is|are) (?:already |now )?(?:helping|saving|reducing|improving)\b
""")
_ABOUT = r"(?:over |around |about |more than |nearly |almost |at least |an average of |up to |£)*"
_HOW_MUCH = any_of(rf"""
    \bfrom [^.]{{0,30}}\b{NUMBER}\b[^.]{{0,40}}\bto\b[^.]{{0,20}}\b{NUMBER}\b
    \bby {_ABOUT}(?:{NUMBER}|an? (?:third|quarter|half|fifth|sixth|eighth|tenth)|half|two.thirds)\b
    \b{NUMBER} in (?:a hundred|{NUMBER})\b
    \d+(?:\.\d+)?(?:%| per ?cent)
    £\d
    \b(?:halved|doubled|trebled|tripled)\b
""")
_RESULT = any_of(rf"""
    \b(?:(?:has|have) seen|there (?:has|have) been) (?:an? |the )?(?:[\w-]+ ){{0,3}}{_TURN} (?:in|of)\b
    {_NO_LONGER}
    \bnow (?:spend|wait|take|get)s?\b[^.]*\b(?:less|fewer|more|instead of|rather than)\b
    \bnow\b[^.]*, (?:reducing|eliminating|cutting|saving|improving|freeing)\b
    \bas a (?:direct )?(?:result|consequence)\b|\b(?:led to|resulted in|meant that)\b|\bnow (?:able to|wait)\b
""")
# Means that shrink and need that grows are no change for people.
_NEED = either(
    """
    demand, pressures?, costs?, need, population, caseloads?, prices?, rents?, homelessness, poverty, deprivation,
    waiting (?:lists?|times?), inequalit\\w+, complex\\w*, referrals, workloads?
    """
)
_MEANS = any_of(rf"""
    \b(?:funding|budgets?|grants?|income|resources|staff numbers|capacity)\b[^.]{{0,40}}\b{_WENT}\b
    \b(?:spending power|government)\b[^.]{{0,40}}\b{_WENT}\b
    \b(?:funding|budgets?|grants?|government)\b[^.]{{0,40}}\bcuts\b
    \b{_NEED}\b[^.]{{0,40}}\b(?:rose|risen|increased|increasing|grew|grown|doubled|soared)\b
    \b(?:increas\w+|rising|growing|rise in|growth in) (?:in )?(?:the )?(?:number of |level of )?{_NEED}\b
""")
_TROUBLE = either(
    """
    frustrat\\w+, confus\\w+, problems?, delays?, concerns?, difficult\\w*, errors?, mistakes, duplicat\\w+,
    inconsisten\\w+, pressures?, stress, complaints, inefficien\\w+, lost, unable, gaps?, poor\\w*, long waits?,
    longer
    """
)
# Needs grow as often as good things do, so a rise counts only where it says of what or through what.
_RISE = any_of(r"\b(?:rose|risen|increase[sd]?|increasing|grew|grown|growth|jumped|soared|doubled|trebled|tripled)\b")
_THROUGH = any_of(r"""
    \b(?:led to|leading to|resulted in|resulting in|as a (?:direct )?result|thanks to|because of|following the)\b
    ^since\b|\b(?:has|have|had) (?:also )?(?:enabled|helped|increased|doubled) (?:the|our|their|its)\b
    \b(?:we|service|programme|project|scheme|team|pilot) (?:has |have |had )?(?:also )?(?:increased|doubled|seen)\b
    \bafter the (?:service|programme|project|scheme|pilot|trial|change)\b|\b(?:registrations?|sign-?ups?|membership)\b
    \b(?:attendance|satisfaction|take.?up|participation|confidence|footfall|recycling|employment|trust|awareness)\b
""")
_CAUSED = either("led to, leading to, resulted in, resulting in, meant, this left, caused, as a result")
_WORSE = any_of(rf"\b{_CAUSED}\b[^.]{{0,60}}(?<!less )(?<!fewer )(?<!reduced )(?<!no )\b{_TROUBLE}\b")
_ACROSS = any_of(r"\bacross (?:England|Wales|Scotland|Britain|the (?:UK|country|nation|world))\b")


def is_change(text: str) -> bool:
    """Return whether a sentence tells that something here became other, and no worse, for people or in figures."""
    is_none = any(pattern.search(text) for pattern in (_MEANS, _WORSE, _ACROSS))
    return not is_none and is_own(text) and _CHANGE.search(text) is not None


def is_effect(text: str) -> bool:
    """Return whether a sentence tells what something does for people now; a change only where a heading says so."""
    return _EFFECT.search(text) is not None and is_own(text)


def says_how_much(text: str) -> bool:
    """Return whether a sentence gives a number before and after, or by how much."""
    return _HOW_MUCH.search(text) is not None


def is_rise(text: str) -> bool:
    """Return whether a sentence tells that something grew, and not through what."""
    return _RISE.search(text) is not None and _THROUGH.search(text) is None


def is_result(text: str) -> bool:
    """Return whether a sentence names itself the result of what was told before."""
    return _RESULT.search(text) is not None
