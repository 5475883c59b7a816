"""Tell how a place knows what changed, and how far along it is. Pure."""

from __future__ import annotations

from digest.learning.patterns import any_of, either

_FINDS = either(
    """
    shows?, showed, shown, finds?, found, indicat\\w+, suggest\\w*, reveal\\w*, demonstrat\\w+, confirm\\w*,
    conclud\\w+, estimat\\w+
    """
)
_TELLERS = (
    r"(?:staff|families|patients|parents|residents|carers|tenants|users|participants|clients|customers|teachers|gps?"
    r"|officers)"
)
_SAID = r"(?:say|said|report|reported|told us|describe|described|fed back)"
_BETTER = either(
    """
    now, better, improv\\w+, easier, calmer, more, less, helpful, reduc\\w+, value\\w*, confiden\\w+, happier,
    safer, quicker, faster, positive\\w*
    """
)
_OTHERS = r"(?:neighbouring|other) (?:counties|county|councils?|areas?|trusts?|forces?|schools?|boroughs?)"
_MORE = (
    r"(?:all|the whole|other|more|neighbouring|two|three|four|five|six|several|every|\d+|the rest|additional|further)"
)
# Under each name the first that fits.
_LEVELS = {
    "how-they-know": {
        "evaluated": any_of(rf"""
            \b(?:evaluations?|independent (?:review|study|research)|researchers)\b[^.]{{0,80}}\b{_FINDS}\b
            \b(?:randomi[sz]ed|cost.benefit analysis|university|academic)\b[^.]{{0,80}}\b{_FINDS}\b
            \bevaluated by\b|\b(?:was|were|been) (?:independently |formally |fully )?evaluated\b
            \b(?:independent|formal|external|academic) evaluation\b
        """),
        "counted": any_of(rf"""
            \b(?:data|figures|statistics|monitoring|audits?|analysis|records?) (?:[\w-]+ ){{0,4}}{_FINDS}\b
            \b(?:measures?|measured) (?:[\w-]+ ){{0,4}}{_FINDS}\b
            \b(?:we|they|team|council) (?:measured|tracked|monitored)\b
        """),
        "told us": any_of(rf"""
            \b(?:surveys?|interviews?|questionnaires?|focus groups?)\b[^.]{{0,60}}\b{_FINDS}\b
            \b(?:positive|excellent|good|great) feedback\b
            \bfeedback [^.]{{0,60}}\b(?:positive|good|excellent|shows?|showed)\b
            \bof (?:respondents|those surveyed|people surveyed|users surveyed)\b
            \b{_TELLERS} (?:each |also |often )?{_SAID} (?:that |they |it |\w+ing )[^.]*\b{_BETTER}\b
        """),
    },
    "how-far": {
        "spread": any_of(rf"""
            \b(?:rolled out|extended|expanded|adopted|replicated) (?:it |this )?(?:to|across|by|in) {_MORE}\b
            \b(?:spread|scaled up|copied|taken up) (?:it |this )?(?:to|across|by|in) {_MORE}\b
            \b{_OTHERS}\b[^.]{{0,40}}\b(?:has|have|is|are) (?:now |since )?(?:adopted|copying|copied|using|taken)\b
            \b(?:has|have) (?:since |now )?been (?:extended|rolled out|expanded|replicated|scaled up)\b
            \b(?:has|have) (?:since |now )?been adopted (?:by|across)\b
            \bnow (?:in use|used|live|running|operating|available) (?:in|across|by) (?:all|\d+|every|most)\b
        """),
        "a year": any_of(r"""
            \bin (?:its|their|our) (?:first|\w+d|\w+th) year\b
            \b(?:has|have) (?:now )?been (?:running|operating|in place|in use|live|going) (?:for|since)\b
            \b(?:has|have) (?:run|operated) (?:for|since)\b
            \bafter (?:a|one|the first|two|three|four|five|its first) years?\b
            ^(?:\w+ ){0,2}years? (?:on|later|after)\b
        """),
        "trying": any_of(r"""
            \b(?:is|are|was|were|been|being) (?:currently |now )?(?:piloted|trialled)\b
            \bpilots? (?:ran|began|started|took place|is (?:running|under way|now))\b
            \bearly days\b|\bin its infancy\b|\bstill (?:testing|early|being tested)\b|\bat an early stage\b
            \bfirst (?:deployment|phase|few months)\b
        """),
    },
}
LEVELS = {name: tuple(levels) for name, levels in _LEVELS.items()}
_ENDED = any_of(r"\b(?:paused|stopped|ended|closed|cancelled|abandoned|finished)\b")


def level_of(name: str, text: str) -> str:
    """Return the level that a line tells: a name of LEVELS below "how-they-know" or "how-far".

    A line that begins with the level's own words has it; a line of another name, or one that tells none, has "".
    """
    levels = _LEVELS.get(name, {})
    if begins := next((level for level in levels if text.casefold().startswith(level)), ""):
        return begins
    if _ENDED.search(text):
        return ""
    return next((level for level, pattern in levels.items() if pattern.search(text)), "")
