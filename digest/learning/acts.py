"""Tell whether a sentence says that somebody did something, or does it to this day. Pure."""

from __future__ import annotations

import re

from digest.learning.patterns import AGENT, BY_NOW, any_of, either
from digest.learning.told import is_own, is_told

_DONE = either(
    """
    introduced, set up, created, developed, launched, established, brought, built, trained, hired, recruited,
    appointed, piloted, tested, designed, redesigned, co-designed, co-produced, worked, agreed, signed, moved,
    merged, opened, ran, held, commissioned, invested, funded, paid for, adopted, implemented, put, rolled out,
    shared, linked, mapped, used, began(?! to (?:look|think|see|explore|consider)| by (?:look|ask|think)| with),
    started(?! to (?:look|think|see|explore|consider)| by (?:look|ask|think)| with), formed, joined,
    convened, engaged, consulted, published, produced, provided, delivered, offered, gave, made, changed, replaced,
    installed, migrated, automated, streamlined, simplified, combined, pooled, integrated, embedded, adapted,
    expanded, extended, undertook,
    carried out, conducted, collected, analysed, identified(?! that), reviewed, wrote, drew up, drafted,
    asked(?! to\\b), invited, visited, met, spent, secured, bought, purchased, partnered, collaborated, teamed up,
    organised, hosted, facilitated, supported, seconded, employed, placed, co-located, relocated, transferred,
    switched, upgraded, deployed, configured, connected, applied, removed, abolished, scrapped, chose, prioritised,
    tackled, addressed, lent, clubbed, turned, took, set, allocated, distributed, awarded, overhauled, reorganised,
    restructured, rewrote, prototyped, trialled, surveyed, interviewed, refurbished, digitised, transformed,
    standardised, digitalised, assembled, gathered, mobilised, equipped, enrolled, co-created,
    matched, screened, contacted, called(?! (?-i:[A-Z“‘"'])), rang, sent, posted, approached, encouraged,
    decided to (?:build|create|set|introduce|test|pilot|share|merge|train|stop|open|publish|use|work|develop),
    decided to (?:design|ask|bring|move|invest|make|give|put|run|offer|try)
    """
)
# These verbs say little by themselves, and the idle ones nothing.
_WEAK = frozenset(("worked", "used", "identified", "made", "took", "set", "gave", "held", "visited"))
_IDLE = frozenset(("spent", "met", "began", "started"))
# "We tested this": what it was is told in another sentence.
_UNNAMED = r"(?!\s+(?:this|that|these|those|it|them)(?:\s+(?:to|with|as|out|into|in|on|and|by|for|up)\b|[.,;]))"
_WAS_DONE = either(
    """
    introduced, set up, created, developed, launched, established, built, trained, recruited, appointed, piloted,
    tested, designed, redesigned, co-designed, co-produced, signed, moved, merged, opened, commissioned, invested,
    implemented, put in place, rolled out, formed, convened, installed, automated, pooled, embedded, co-located,
    relocated, deployed, organised, seconded, replaced, brought together, trialled, invited, consulted, adopted,
    agreed, drawn up, written, upgraded, undertaken, carried out, purchased, assembled
    """
)
_MADE = either("developed, created, written, designed, built, funded, established, formed")  # by whom, and no act
_DOES = either(
    """
    asks?, adds?, works?, shares?, holds?, meets?, runs?, uses?, sends?, joins?, visits?, rings?, offers?, gives?,
    provides?, trains?, calls?, brings?, sits?, checks?, publish(?:es)?, pays?, keeps?, decides?, does, do, begins?,
    combines?, employs?, hosts?, funds?, leads?
    """
)
_ASIDE = r"(?:(?!\b(?:that|which|who|because|when|where|while|as|if|think|what|how|although)\b)[^.;]){0,90}?"
_WE = r"(?:we(?:[’']ve)?|the (?:council|team|trust|partnership))"
_LEAD = r"(?:[^.;]{0,70}?,\s+|[^.;]{0,70}?\band\s+(?!we\b|they\b))?(?:and\s+|so\s+)?"
_ACT = re.compile(
    rf"^(?:{_LEAD}{AGENT}|{_ASIDE}\b{_WE}|[^.;]{{0,120}}, so {_WE}){BY_NOW}\s+"
    rf"(?:(?:has|have|had){BY_NOW}\s+)?{_DONE}\b{_UNNAMED}",
    re.IGNORECASE,
)
# A place that stands for its council: "Cornwall introduced one number".
_PLACE_ACT = re.compile(
    r"^(?:In response, |As a result, |In (?:\w+ )?\d{4},? )?"
    r"(?!Th|Wh|He |She |It |You |I |Each|An|Some|No|Every|Parliament|Government|Ministers)"
    r"[A-Z][a-z]+(?: [A-Z][a-z]+)? (?:has |have |then |first |also )*"
    r"(?:introduced|implemented|launched|set up|developed|created|established|piloted|commissioned|adopted|redesigned"
    r"|brought together|put in place|rolled out|built|trained)\b"
)
_DAILY = re.compile(rf"^{AGENT} {_DOES}\b", re.IGNORECASE)
_BARE_ACT = re.compile(rf"{_DONE}\b", re.IGNORECASE)
_PRACTICE = re.compile(rf"^[A-Z][^.;:]{{2,110}}? now (?:also |each |all )?{_DOES}\b")
_PASSIVE = re.compile(
    r"^(?:(?!\b(?:which|that|who|whose|if|when|where|because|what|(?:this|it)(?= (?:was|has|had)))\b)[^.;:]){3,90}?"
    r"\b(?:was|were|has been|have been|had been)"
    rf"(?:\s+\w+ly|\s+also|\s+then|\s+first)?\s+(?!{_MADE}(?: and \w+)? by\b){_WAS_DONE}\b",
    re.IGNORECASE,
)
# The part before the first comma is then only the time or the reason of the part behind it.
_CLAUSE = re.compile(
    r"(?:but |and |so )?(?:since(?! (?:\w+ )?\d{4}| then)|before|after|when|while|whilst|although|though|as|once"
    r"|because|if|where|until|unless)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?:what|how|why|whether|which|who)\b", re.IGNORECASE)
# "A number of projects have been launched" names none of them.
_MANY = any_of(
    r"\b(?:a (?:wide )?(?:number|range|variety)|lots|many) of (?:\w+ )?(?:projects|initiatives|schemes|activities)\b"
)
# The history of a body, and no part of this work.
_FOUNDED = any_of(r"\b(?:was|were) (?:established|formed|founded) (?:in|on) (?:\w+ )?(?:19|20)\d\d\b")


def act_of(text: str) -> str:
    """Return "act" for a sentence in which somebody did or does something, "passive" where it was done; else "".

    "weak" and "idle" are acts whose verbs say little, or nothing without a heading that says more. The rest of a
    sentence may be a wish: "we set up a hub so that staff could meet" tells of a hub.
    """
    if _ASKS.match(text) or not is_own(text):
        return ""
    if _CLAUSE.match(text):
        text = text.partition(", ")[2]
    act = _ACT.search(text) or _PRACTICE.search(text) or _PLACE_ACT.search(text)
    told = act or (None if _MANY.search(text) else _PASSIVE.search(text))
    if told is None or not is_told(text[: told.end()]) or text.endswith("?") or _FOUNDED.search(text):
        return ""
    if act is None:
        return "passive"
    verb = act[0].split()[-1].casefold()
    return "idle" if verb in _IDLE else "weak" if verb in _WEAK else "act"


def is_daily(text: str) -> bool:
    """Return whether a sentence tells what somebody does; a part of the work only where a heading says so."""
    return _DAILY.search(text) is not None and is_told(text)


def begins_with_act(text: str) -> bool:
    """Return whether an item of a list begins with what was done: "Trained sixty staff"."""
    return _BARE_ACT.match(text) is not None and is_told(text)
