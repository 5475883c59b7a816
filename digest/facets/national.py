"""Tell whether an entry is about the whole country, because its texts or its publisher say so. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.facets.entry_text import EntryText
from digest.facets.places.gazetteer import Mention
from digest.model import NATIONAL

_LEAD = 1_000  # characters of the body, because later words tell of the background
_WHOLE = re.compile(
    r"\b(?:nation-?wide|nationally(?! (?:recogni|renown|acclaim|accredit|signific))|country-?wide"
    r"|all four nations|the nation['’]s"
    r"|(?:across|throughout|around|over|of) the (?:whole )?country|up and down the country|whole country"
    r"|the country['’]s|every (?:council|local authority|region|nhs trust|police force)"
    r"|national (?!parks?\b|forest\b|trust\b|lottery\b|grid\b|express\b|theatre\b|gallery\b|museum\b|average\b"
    r"|insurance\b|curriculum\b|award\b|awards\b|prize\b|recognition\b|honours?\b)"
    r"|the government(?! digital)"
    r"|(?<!local )government (?:announce[sd]?|says|publishe[sd]|confirms|launches|pledges|unveils|response|backs)"
    r"|(?:in|of|across) this country|government['’]s|(?:government|cabinet) (?:policy|funding|guidance|plans|grants?"
    r"|strategy|review|ministers?|departments?)|secretar(?:y|ies) of state|ministers|prime minister|select committee"
    r"|home office|home secretary)\b",
    re.IGNORECASE,
)
_BODIES = re.compile(
    r"\b(?:MPs?|Lords|Whitehall|(?<!Youth )Parliament|Chancellor|HM Treasury|Treasury|the (?:Autumn |Spring )?Budget"
    r"|(?:White|Green) Paper|Spending Review|King['’]s Speech|Supreme Court|Upper Tribunal|House of (?:Commons|Lords)"
    r"|Department (?:for|of) [A-Z]\w+|Cabinet Office|Ministry of [A-Z]\w+|Education Committee|Public Accounts"
    r"|English (?!(?:language|lessons?|class|classes|speak|for|as|is|was|and maths|literature|breakfast|heritage|test"
    r"|words?|courses?|teachers?|GCSE|setter|bull)\b)[a-z]\w+|English and Welsh|Ofgem|Ofwat|Ofcom|Charity Commission"
    r"|Sentencing Council|NHSE|DHSC|DfE|MHCLG|DLUHC|DWP|DCMS|Defra|HMRC|UKHSA)\b"
)
# Bodies that make a title national. Further on they only rate or advise somebody: "rated outstanding by Ofsted".
_WATCHDOGS = re.compile(
    r"\b(?:NICE|Ofsted|CQC|ICO|LGA|ONS|NAO|HMICFRS|Local Government Association|National Audit Office"
    r"|National Institute)\b"
)
# "The UK's first" is a place in the UK.
_SUPERLATIVE = re.compile(
    r"['’]s? (?:\w+ )?(?:first|largest|biggest|oldest|smallest|best|only|most|longest|highest|lowest|top|newest)\b"
    r"|\b(?:first|largest|biggest|oldest|smallest|best|only|most|longest|top|leading) (?:[\w-]+ ){0,5}in (?:the )?$",
    re.IGNORECASE,
)
_PUBLISHERS = re.compile(
    r"\b(?:GOV\.UK|Parliament|NHS England|Ofsted|Office for National Statistics|National Audit Office|Home Office"
    r"|Department (?:for|of) [A-Z]\w+|Care Quality Commission|Cabinet Office|Ministry of [A-Z]\w+)\b"
)
_HOSTS = re.compile(
    r"(?:^|\.)(?:www\.gov\.uk|blog\.gov\.uk|service\.gov\.uk|parliament\.uk|england\.nhs\.uk|digital\.nhs\.uk"
    r"|nice\.org\.uk|ons\.gov\.uk|nao\.org\.uk|cqc\.org\.uk|ico\.org\.uk)$|^gov\.uk$"
)


def nation_mention(words: str, mentions: Sequence[Mention]) -> Mention | None:
    """Return where the lead of a text names the United Kingdom, Britain or England, or None.

    `mentions` are the places that the text `words` names. "The UK's first" does not count.
    """
    for mention in mentions:
        if _is_nation(mention) and mention.start < _LEAD and not _is_praise(words, mention.start):
            return mention
    return None


def nation_named(words: str, mentions: Sequence[Mention]) -> str:
    """Return the name of the nation that the lead of a text names, or ""; as `nation_mention`."""
    mention = nation_mention(words, mentions)
    return mention.name if mention else ""


def national_words(text: EntryText) -> str:
    """Return the words of title or lead that speak of the whole country or of its government, or ""."""
    for words in (text.title, text.body[:_LEAD]):
        if match := _WHOLE.search(words) or _BODIES.search(words):
            return match.group().strip()
    match = _WATCHDOGS.search(text.title)
    return match.group() if match else ""


def is_national_publisher(text: EntryText) -> bool:
    """Return whether the publisher speaks for the nation: by its name, or by the host of the link."""
    return bool(_PUBLISHERS.search(text.publisher) or _HOSTS.search(text.host))


def _is_nation(mention: Mention) -> bool:
    return mention.kind == "nation" and mention.regions == (NATIONAL,) and mention.strong


def _is_praise(words: str, start: int) -> bool:
    """Return whether the nation at `start` is only compared with: "the UK's first", "the oldest in England"."""
    return bool(_SUPERLATIVE.search(words[max(0, start - 60) : start]) or _follows(words[start : start + 60]))


def _follows(words: str) -> bool:
    """Return whether a superlative follows a nation's name: "Britain's first"."""
    match = _SUPERLATIVE.search(words)
    return match is not None and words[: match.start()].count(" ") < 2
