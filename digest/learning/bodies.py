"""Tell whether a sentence names the body whose story is told, or those with whom it did the work. Pure."""

from __future__ import annotations

import re

from digest.learning.patterns import any_of, either

_BODY = either(
    """
    Council, Trust, Police, Partnership, Board, CCG, ICB, Authority, University, Hospitals?, Association, Homes,
    Alliance, Foundation, Constabulary, Service, Collaborative, Federation, Practice, School, Academy, College,
    Centre, Charity, Network, Infirmary, Surgery, Company, Society, LLP, CIC, Ltd, Agency
    """
)
_NO_NAME = either("The, A, Our, Each, Their, Its, This, Every, Local, Other")
_NAMED = re.compile(
    rf"\b(?!{_NO_NAME} )(?:[A-Z][\w’'&-]+(?:,? (?:and|of|the|on|upon|in|for|with|under|&))* ){{1,7}}{_BODY}\b"
)
_IS_A_BODY = re.compile(
    r"\bis (?:an?|the) (?:[\w’'-]+ ){0,4}(?:organisation|charity|partnership|council|trust|authority|association"
    r"|hospital|social enterprise|school|practice|federation)\b"
)
_DONE_BY = any_of(r"""
    \b(?:delivered|developed|led|run|funded|designed|carried out|set up) (?:\w+ )?(?:by|between|with|in partnership)\b
""")
_NAMES_SOMEBODY = re.compile(r" (?:by|with|between) (?:the )?[A-Z]")
_LEAD = 60  # characters within which a sentence names its own subject


def names_body(text: str) -> bool:
    """Return whether a sentence is about a council, a trust, a charity or the like."""
    named = _NAMED.search(text)
    return (named is not None and named.start() <= _LEAD) or _IS_A_BODY.search(text) is not None


def names_partners(text: str) -> bool:
    """Return whether a sentence tells by whom the work was done."""
    return _DONE_BY.search(text) is not None and _NAMES_SOMEBODY.search(text) is not None
