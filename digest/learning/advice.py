"""Tell what a sentence says to those who would do the same: what they wanted, what must stay, whom to ask. Pure."""

from __future__ import annotations

from digest.learning.patterns import AGENT, BY_NOW, any_of, either

_WANTED = either(
    """
    wanted, aimed, set out, hoped, sought, intended, wished, were looking, was looking, needed to find,
    recognised (?:a|the|that) [^.]*?need
    """
)
_WORK = either("approach, project, programme, service, initiative, pilot, team, scheme, model, research, partnership")
_AIM = either("aims?, goals?, objectives?, ambitions?, purposes?, visions?, intentions?")
_WISH = any_of(rf"""
    (?<!that )(?<!information )\b(?!they\b){AGENT}{BY_NOW} {_WANTED}\b(?! to (?:share|tell|thank|say|celebrate)\b)
    \b(?:the|our|its|their|main|key|overall|primary) (?:\w+ )?{_AIM} (?:of [^.]{{1,60}})?(?:was|were)\b
    \b(?:the|our|its|their|main|key|overall|primary) (?:\w+ )?{_AIM} (?:of [^.]{{1,60}})?(?:is|are) (?:to|the|that)\b
    \b(?:the|our|its|their|main|key|overall|primary) (?:\w+ )?(?:aim|goal|objective)s? (?:is|are)\b
    \b{_WORK} (?:aims|aimed|seeks|sought|was designed|is designed|hopes|hoped) to\b
    \bwe hoped? (?:that|to)\b
    \bwith the (?:aim|goal|intention|ambition|objective) of\b
    \baimed to\b|\b(?:was|were) (?:designed|intended) to\b|\bthere was a desire\b
""")
# Before a wish, these make it a thing said by the way.
_BESIDE = any_of(r"\b(?:although|though|because|while|whilst|as|when|if|who|which|that|where|whether|what)\b")

_KEY = either("key, essential, crucial, critical, vital")
_STRONG = any_of(rf"""
    \b{_KEY} (?:to|for) (?:the |its |our |this |their )?(?:success|making|getting)\b
    \bmade it (?:work|possible|portable|succeed)\b
    \b(?:{_KEY}|main) (?:ingredients?|elements?|factors?)\b
    \bsuccess factors?\b|\bworth borrowing\b|\bthe parts to reuse\b|\bingredients?\b
    \b(?:others (?:will )?(?:need|want)|you(?:.ll| will| would)? need|what others need)\b
    \b(?:was|were) (?:only )?made possible (?:by|through)\b|\bwould not have been possible without\b
    ^it (?:takes|needs) (?:an?|the|time|trust|patience|people)\b(?! (?:day|week|month|year|while|minute|hour))
    ^to (?:try|do|use|adapt|repeat|copy) (?:it|this|the same)\b[^.]{{0,30}}[,:](?! (?:we|they|the|our|it|a)\b)
""")
_ADVICE = any_of(r"""
    \b(?:needs?|must|have to|has to|ensure|make sure|should|do not|don.t|never|always)\b
    \b(?:important|essential|key to|is key|are key|crucial|vital|critical|fundamental|necessary)\b
    \b(?:invaluable|imperative|paramount|it took|it depends on)\b
""")

_PLACES = either(
    """
    areas?, councils?, places?, schools?, hospitals?, authority, authorities, organisations?, trusts?, forces?,
    services, settings, teams, contexts, departments, regions
    """
)
_ELSEWHERE = rf"(?:elsewhere|other (?:\w+ )?{_PLACES})"
_COULD = r"(?:can|could|may|might)"
_TAKE_UP = either("use, adopt, adapt, copy, do, try, replicate, take, repeat, learn, benefit")
_ADAPTED = either("adapted, tailored, scaled, replicated, transferred, adjusted, applied, used, rolled out, repeated")
_ADAPTABLE = any_of(rf"""
    \b{_COULD} (?:\w+ly |also |then )?be (?:\w+ly )?{_ADAPTED}\b[^.]{{0,60}}\b{_ELSEWHERE}\b
    \b{_ELSEWHERE}\b[^.]{{0,40}}\b{_COULD} (?:\w+ )?{_TAKE_UP}\b
    \b(?:each|every) {_PLACES} (?:can|could|may) (?:choose|decide|set|use)\b
    \bany {_PLACES}\b[^.]{{0,60}}\b(?:can|could) (?:do|use|try)\b
    \bcould be used wherever\b|\bdepend(?:s|ing) on local\b|\bone size\b
    \badapt(?:ed|able)? (?:it |this |them )?(?:locally|to (?:the |their |your |its )?(?:local|own|place))\b
    \b(?:easily|highly|readily) (?:transferable|replicable|scalable)\b
    \b(?:can|could) be (?:adapted|tailored|replicated|scaled)\b
""")

_PERSON = r"(?:the |our )?[A-Z][a-z]+ [A-Z][a-z]"
_ASK = any_of(
    rf"""
    [\w.+-]+@[\w-]+\.[\w.-]+
    \b(?:[Cc]ontact|[Ee]-?mail|[Gg]et in touch with):? {_PERSON}
    (?:^|[,.:] |[Pp]lease )(?:[Ss]peak|[Tt]alk) to {_PERSON}
    \b[Ff]or (?:more|further) (?:information|details)\b[^.]{{0,80}}\b(?:contact|e-?mail|call|get in touch)\b
    \b(?:[Ii]f you|[Pp]lease|to find out more|want to)\b[^.]{{0,250}}\b[Gg]et in touch\b
    \b(?:[Dd]o|[Pp]lease) get in touch\b|^Get in touch\b|\b[Gg]et in touch with (?:us|me|our)\b
    \bwould (?:like|love|be happy|be pleased|be glad) to (?:hear from|talk to|speak (?:to|with)) (?:you|others|any)
    \b(?:are|is) happy to (?:share|talk|speak)\b
    """,
    flags=0,  # because a person's name is known by its capitals
)


def is_wish(text: str) -> bool:
    """Return whether a sentence tells what those whose story it is wanted."""
    wish = _WISH.search(text)
    return wish is not None and _BESIDE.search(text[: wish.start()].rpartition(",")[2]) is None


def is_advice(text: str, *, strong: bool) -> bool:
    """Return whether a sentence tells what is needed; `strong`: in words that say so without a heading."""
    return _STRONG.search(text) is not None or (not strong and _ADVICE.search(text) is not None)


def is_adaptable(text: str) -> bool:
    """Return whether a sentence tells that another place may use or change it."""
    return _ADAPTABLE.search(text) is not None


def tells_whom_to_ask(text: str) -> bool:
    """Return whether a sentence names a contact, or asks to be contacted."""
    return _ASK.search(text) is not None
