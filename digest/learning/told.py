"""Tell whether a sentence tells what was done or became so: no wish, no plan, no condition, no denial. Pure."""

from __future__ import annotations

from digest.learning.patterns import any_of

_UNREAL = any_of(r"""
    \b(?:would|could|can|might|may|should|shall|will|won.t|must|cannot)\b
    \b(?:hop(?:e[sd]?|ing)|aim(?:s|ed|ing)?|plan(?:s|ned|ning)? (?:to|is|for)|intend(?:s|ed)?|intention)\b
    \b(?:propos(?:e[sd]?|al)|expect(?:s|ed|ing)?|anticipat\w+|potential(?:ly)?|likely|target(?:s|ed)?|ambition)\b
    \b(?:forecast|predict\w*|seek(?:s|ing)?|want(?:s|ed)? to|wish\w*|set out to|going to|(?:is|are|was|were) to)\b
    \b(?:try(?:ing)? to|tried to|attempt\w*|due to (?:start|launch|open|begin|be)|yet to)\b
    (?<!the )\bneed(?:s|ed)? (?:to|for)\b
    \b(?:so that|in order to|looking (?:to|at|forward)|consider(?:s|ed|ing)|explor(?:e|ing)|working towards)\b
    \b(?:designed to|intended to)\b
    ^(?:if|whether|when you|once you|unless|imagine|ensure|make sure|do|don.t|consider|use|think|start|ask|find)\b
    ^(?:read|see|click|contact|please)\b
    ^to\b(?![^.;]{3,70}, (?:we|they|the)\b)
    \?[\"”’]?$
""")
_DENIED = any_of(r"""
    \b(?:not|never|neither|nor|hardly|barely|without success|failed to|unable|little or no)\b
    n[’']t\b
    \bno (?:evidence|change|difference|effect|impact|significant|statistically|improvement|reduction|increase)\b
    \b(?:fail(?:ed|s|ure)|refus(?:ed|al)|declined to|stopped short)\b
    \b(?:nobody|no one|no-one) (?:believe[sd]?|thought|thinks|says?|said|expect\w*)\b
    \b(?:wrongly|falsely|rumou?rs?|myths?|hoax\w*|alleg\w+|supposed\w*|so-called)\b
    \b(?:critics|opponents|rivals?|sceptics|cynics)\b
    , but (?:this|that|it|only) (?:was|is|fell|rose|came)? ?(?:because|due to|down to)\b
""")


def is_told(text: str) -> bool:
    """Return whether nothing in a sentence, or in its part up to a verb, makes it a wish, a plan or a denial."""
    return not _UNREAL.search(text) and not _DENIED.search(text)
