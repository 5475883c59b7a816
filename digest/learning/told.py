"""Tell whether a sentence tells what was done or became so: no wish, plan or denial, and no other place. Pure."""

from __future__ import annotations

from digest.learning.patterns import any_of

_UNREAL = any_of(r"""
    \b(?:would|could|can|might|may|should|shall|will|won.t|must|cannot)\b
    \b(?:hop(?:e[sd]?|ing)|aim(?:s|ed|ing)?|plan(?:s|ned|ning)? (?:to|is|for)|intend(?:s|ed)?|intention)\b
    \b(?:propos(?:e[sd]?|al)|expect(?:s|ed|ing)?|anticipat\w+|potential(?:ly)?|likely|target(?:s|ed)?|ambition)\b
    (?<!than )\bprojected\b
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

# Told of other places, of all of them, or of research: no part of this story.
_OF_OTHERS = any_of(r"""
    \b(?:elsewhere|nationally|nationwide|worldwide|globally|national (?:average|figures|data)|according to)\b
    \b(?:research|studies|evidence|literature) (?:\w+ )?(?:shows?|suggests?|found|has|have|from|by|in)\b
    (?<!as )\bin (?:other|many|most|some) (?:\w+ )?(?:areas|countries|places|councils)\b
    ^(?:many|most|some|several|all|few|other|local) (?:\w+ ){0,2}(?:councils|authorities|trusts|forces|areas|places)\b
    ^(?:[^,]{0,60}, )?(?:the )?(?:\w+ )?(?:government(?! digital| of)|parliament|ministers?|ministry)\b
    ^(?:[^,]{0,60}, )?(?:councils|local (?:government|authorities)|charities|hospitals|trusts|police forces)\b
    ^(?:\w+ ){0,2}(?:research|audit|study|report|survey|review)\b[^.]* (?:found|identified|shows?|showed)\b
    ^(?:\S+ ){0,5}(?:research|report|data|figures) (?:\w+ )?(?:published|by|from) .* (?:found|stated|reveals|showed)\b
    ^(?:[^,]{0,60}, )?the (?:NHS|sector|public sector|police service)\b(?![’']s)|\bwidespread\b
    ^(?:[^,]{0,60}, )?(?:the )?(?:department (?:of|for)|home office|treasury|NHS England|european)\b
""")
_LONG_AGO = any_of(r"""
    ^(?:back in|in the past|in those days|previously|historically|traditionally|originally|formerly)\b
    ^(?:until (?:recently|then|now)|for (?:many )?(?:years|decades)|before (?:this|that|then)|prior to)\b
""")

# Of the page, its publisher's offers or a prize.
_ADVERT = any_of(r"""
    \b(?:cookies?|newsletter|subscribe|sign up|webinar|apply now|terms and conditions|privacy policy|download)\b
    \b(?:award|prize|shortlisted|highly commended|find out more|read more|our (?:clients|website|consultants))\b
""")


def is_own(text: str) -> bool:
    """Return whether nothing in a sentence makes it one of others, of long before or of the page."""
    return not any(pattern.search(text) for pattern in (_OF_OTHERS, _LONG_AGO, _ADVERT))


def is_told(text: str) -> bool:
    """Return whether nothing in a sentence, or in its part up to a verb, makes it a wish, a plan or a denial."""
    return not _UNREAL.search(text) and not _DENIED.search(text)
