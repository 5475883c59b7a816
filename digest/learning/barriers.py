"""Tell whether a sentence says what was in the way, and which barriers it names. Pure."""

from __future__ import annotations

import re

from digest.learning.patterns import any_of, either
from digest.learning.told import is_own
from digest.model import BARRIERS

_ONE_SYSTEM = (
    r"no (?:one|single|shared|common|clear|joined.up|consistent|formal|central|easy) "
    r"(?:system|record|view|process|way|place|approach|point|plan|owner\w*|picture|source)"
)
_HINDRANCE = any_of(rf"""
    \b(?:barriers?|obstacles?|struggl\w+|reluctan\w+|resist(?:ed|ance|ant)|hamper\w*|hinder\w*|prevented|frustrat\w+)\b
    \b(?:held back|stumbling block|bottleneck|sceptic\w*|mistrust|distrust|suspicio\w+|siloe?d?s?)\b
    \b(?:fragmented|disjointed|incompatible|lack(?:ed|ing)?(?: of)?|shortage|insufficient|not enough)\b
    \btoo (?:few|little|slow|late|long|many|much|complex|busy)\b
    \b(?:could not|couldn.t|was not able|were not able|unable to|not allowed|not permitted|not possible|impossible)\b
    \b(?:did not|didn.t) (?:trust|share|talk|know|have)\b
    \b(?:had no|there was no|there were no|was no|were no|{_ONE_SYSTEM})\b
    \b(?:difficult(?:y|ies)?|hard(?:er)? to|time.consuming|cumbersome|duplicat\w+|inconsisten\w+)\b
    \b(?:outdated|out of date|manual(?:ly)?|paper.based|re-?key\w*|on paper|by hand|by fax)\b
    \b(?:fear(?:s|ed)?|worr(?:y|ied|ies)|nervous|anxious|delays?|inefficient|patchy|unclear)\b
""")
# These tell of trouble of any kind, and say what was in the way only beside the words of a barrier.
_VAGUE = any_of(r"""
    \b(?:challeng(?:e|es|ing)|problems?|complicated|complex|slow|gaps?|concern(?:s|ed)?|poor|limited|weak)\b
    \b(?:confus\w+|pressures?)\b
""")
_WORRIED = either(
    """
    staff, partners, people, residents, they, professionals, users, managers, officers, parents, families, carers,
    practitioners, schools, gps, teachers, we
    """
)
_WORKERS = either(
    """
    staff, workers, officers, teams?, partners, agencies, services, nurses, doctors, gps, schools, councils?,
    police, professionals, managers, practitioners, clinicians, advisers
    """
)
_COULD_NOT = r"(?:could not|none could|couldn.t|were not able to|was not able to|unable to|not allowed to)"
_PROBLEMS = r"(?:challenges?|problems?|hurdles?|issues?|difficulty|difficulties|barriers?)"
# These say it also without a heading.
_STRONG = any_of(rf"""
    \b(?:barriers?|obstacles?|struggl(?:es?|ed|ing)|reluctan\w+|resistance|resisted|hampered|hindered|held back)\b
    \b(?:stumbling block|sceptic\w*|mistrust|distrust|lack(?:ed|ing)? of|lacked|shortage of)\b
    \b(?:fragmented|silos?|siloed|incompatible|cumbersome|laborious|inflexible|time.consuming|{_ONE_SYSTEM})\b
    \b{_COULD_NOT} (?:share|see|access|talk|exchange|link|find|recruit|afford|get|identify|use|speak|agree|tell)\b
    \b(?:biggest|main|key|greatest|major|first|initial|another|significant) {_PROBLEMS}\b
    \b(?:expressed|raised|had) (?:\w+ )?concerns?\b
    \b(?:faced|facing) (?:\w+ ){{0,3}}(?:challenges?|problems?|pressures?|demands?|shortages?)\b
    \bconcerns? (?:about|over|around) [^.]{{3,60}}\b(?:meant|prevented|stopped|delayed)\b
    \b{_WORRIED} were (?:\w+ )?(?:concerned|worried|nervous|anxious|wary) (?:about|that|of)\b
    \b(?:have|had|has) to [^.]{{3,60}}\b(?:manually|by hand|again and again|twice)\b
    \bfunding (?:for [^.]{{1,40}} )?(?:ended|ran out|stopped|was cut|came to an end)\b
    \b(?:found it|was|were|proved|been) (?:very |extremely |often |also )?(?:difficult|hard|challenging)\b
    \b(?:was|were|proved) impossible\b
    \b(?:did not|didn.t) trust\b
""")
# These say it also without a barrier that is known by its words: the work itself could not go on.
_AT_WORK = any_of(rf"""
    \b{_WORKERS}\b[^.;]{{0,30}}\b{_COULD_NOT} (?:share|see|access|exchange|link)\b
    \b{_ONE_SYSTEM}\b
""")
# A barrier that has gone, or one that may come.
_GONE = any_of(r"""
    \b(?:no|never|not|without)(?: an?| any| the)? (?:real |great |serious |major )?(?:lack|shortage|want)\b
    \b(?:no|never|not)(?: an?| any| the)? (?:real |serious |major )?(?:barriers?|obstacles?|problems?|hurdles?)\b
    \b(?:no|without)(?: any)? (?:resistance|reluctance|difficult(?:y|ies)|issues?)\b
    \b(?:myths?|wrongly|rumou?rs?|never did|did not happen|unfounded)\b
    \bfeared\b.*\bbut\b
    \b(?:overc[oa]me|overcoming|remov\w+|break(?:ing)? down|broken? down|reduc\w+|tackl\w+|address\w*)\b
    \bwithout (?:any |a |these )?(?:barriers?|problems?|difficult\w+|delays?|issues?)\b
    \b(?:avoid\w*|solv\w+|resolv\w+|eliminat\w+|no longer|fewer|less)\b
    ^if\b|\b(?:may|might|will|should|when you|you can)\b
    \bwould (?:have )?be(?:en)? (?:an? |the |very |too )?(?:barrier|problem|difficult|hard|challeng\w+|impossible)
    \b(?:identif|understand|explor|discuss|map|help|support|learn)\w* (?:\S+ ){0,4}(?:barrier|obstacle|challenge)s?\b
    \bbarriers? to (?:employment|work|education|health|housing|participation|physical activity|independence)\b
    \b(?:rather than|instead of) \w+ing\b|\bbrings? together\b|\bso that\b|\bcan (?:now )?be done\b
""")
# The trouble that people live through is the reason of the work, and no barrier to it.
_LIVES = either(
    """
    people, patients, residents, children, families, adults, individuals, women, men, victims, prisoners, carers,
    tenants, households, communities
    """
)
_OF_LIVES = any_of(
    rf"^(?:[\w-]+ ){{0,4}}{_LIVES}\b[^.]{{0,60}}\b"
    r"(?:experienc\w+|fac(?:e|es|ed|ing)|suffer\w*|liv(?:e|ed|ing) with|at risk)\b"
)

_BARRIER_WORDS: dict[str, str] = {
    "culture": """
        cultur\\w+, mindsets?, attitudes?, resist(?:ed|ance|ant), reluctan\\w+, in silos,
        silo (?:working|mentality|culture), ways? of working, working practices, risk.averse, sceptic\\w*, habits?,
        unwilling\\w*, defensive\\w*, jargon, used to (?:doing|working), comfort zone,
        different (?:priorities|languages?|cultures?), differing priorities
    """,
    "trust": """
        trust(?:ed|ing)?(?! board), mistrust\\w*, distrust\\w*, suspicio\\w+, confidence, fear(?:s|ed|ful)?, afraid,
        stigma\\w*, wary, anxious, anxiet\\w+, nervous\\w*, blame, worr(?:y|ied|ies) (?:about|that),
        concerns (?:over|about|around) (?:data|privacy|shar\\w+|security|safety), felt (?:inspected|judged)
    """,
    "law": """
        legal\\w*, legislat\\w+, gdpr, data protection, consent, information governance, laws?, regulat\\w+,
        statutory, confidential\\w*, privacy, permissions? to (?:share|use|see|access), not (?:allowed|permitted),
        liabilit\\w+, lawful\\w*, procurement rules, (?:data|information).sharing agreements?
    """,
    "technology": """
        (?:it|computer|legacy|case management|different|separate|multiple|record) (?:systems?|platforms?),
        (?:information|recording|digital|management|data|heritage) (?:systems?|platforms?), platforms?,
        (?:its?|their|our|the|own|no one|several|many|single|shared|existing) systems?, software, technolog\\w+,
        databases?, incompatible, interoperab\\w+, paper.based, spreadsheets?, manual(?:ly)?, broadband,
        connectivity, data quality,
        data\\b[^.]*?\\b(?:siloed|silos|fragmented|inconsistent|spread across|scattered|formats?|files),
        wi-?fi, hardware, devices?, technical, re-?key\\w*, online, internet, screens?, logins?, browsers?,
        fax(?:es)?, sign in, websites?, paper (?:forms?|records?|files?|letters?),
        (?:the|existing) process(?:es)? (?:is|was|were|are), lack of integration, analytical processes, timely data
    """,
    "money": """
        funding, funds, funded, budgets?, costly, money, austerity, afford\\w*, expens\\w+, investment, grants?,
        savings, (?:high|extra|additional|rising|the) costs?, cost (?:of|pressures), spending cuts, cuts to,
        financial (?:pressures?|constraints?|barriers?|resources|challenges?)
    """,
    "capacity": """
        capacity, capabilit\\w+,
        (?:staff(?:ing)?|workforce|skills?) (?:shortages?|turnover|time|levels|numbers|gaps?),
        (?:lack of|no|little|limited|enough|of|the) time, time.consuming, time constraints?, workloads?,
        recruit\\w*, vacanc\\w+, skills, expertise, trained staff, (?:lack of|no|little|not enough) training,
        (?:operational|workforce|service|rising|increas\\w+|growing) (?:pressures?|demands?),
        untrained, overstretched, stretched, understaffed, under-?resourced, resources, knowledge, turnover,
        shortages?, busy, overwhelmed, caseloads?, retention, pressures? on, laborious
    """,
    "leadership": """
        leader\\w*, senior, buy.in, ownership, commitment, champions?, political\\w*, accountab\\w+, moved on,
        executives?, (?<!information )(?<!data )governance, sponsor\\w*, clear (?:vision|direction),
        no (?:vision|direction)
    """,
}
_BARRIER = {name: re.compile(rf"\b{either(_BARRIER_WORDS[name])}\b", re.IGNORECASE) for name in BARRIERS}
MOST_BARRIERS = 3


def barriers_of(text: str) -> tuple[str, ...]:
    """Return up to three barriers that a sentence names, those with most words first."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _BARRIER.items()}
    ranked = sorted((name for name in BARRIERS if counts[name]), key=lambda name: -counts[name])
    return tuple(ranked[:MOST_BARRIERS])


def is_hindrance(text: str, *, strong: bool) -> bool:
    """Return whether a sentence tells what is in the way; `strong`: in words that say so without a heading."""
    if _GONE.search(text) or _OF_LIVES.search(text) or not is_own(text):
        return False
    if not strong:
        return bool(_HINDRANCE.search(text) or (_VAGUE.search(text) and barriers_of(text)))
    return _AT_WORK.search(text) is not None or (_STRONG.search(text) is not None and barriers_of(text) != ())
