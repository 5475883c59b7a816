"""Tell the markup in a plain text from an element that the text names ("When to use <details>"). Pure.

A feed seldom tells which it is. Markup has attributes, or encloses words closely, as in "A plan <b>for</b> carers"; a
name stands by itself between spaces, or is no element of HTML ("Vec<T>", "I <3 parks").
"""

from __future__ import annotations

import re

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>?"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][\w.:-]*)(?P<rest>(?:[\s/](?:[^<>\"']|\"[^\"]*\"|'[^']*'|[\"'])*)?)(?P<shut>>?)",
    re.DOTALL,
)
_NAMES = """
    a abbr acronym address article aside b bdi bdo big blink blockquote body caption center cite code col
    colgroup data dd del details dfn dialog dir div dl dt em fieldset figcaption figure font footer form h1 h2
    h3 h4 h5 h6 header hgroup hr html i ins kbd label legend li main mark marquee menu meter nav nobr ol
    optgroup output p pre progress q rp rt ruby s samp section small span strike strong sub summary sup table
    tbody td tfoot th thead time tr tt u ul var
"""
_ACTIVE_NAMES = """
    applet audio base button canvas datalist embed frame frameset head iframe img input link map math meta noembed
    noframes noscript object option picture plaintext script select source style svg template textarea title track
    video xmp
"""
_VOID = frozenset({"br", "wbr", "hr", "img"})
_ACTIVE = frozenset(_ACTIVE_NAMES.split())
_KNOWN = frozenset(_NAMES.split()) | _ACTIVE | _VOID
# A whole page, of which every tag is markup.
_PAGE = re.compile(r"<!doctype\s|<(?:html|body)\s[^<>]*=|</(?:html|body)>", re.IGNORECASE)
_WORD_TAG = re.compile(r"(?:o|st1|w|v|m):\w+", re.IGNORECASE)  # of word processors
# Elements inside a word or between two words that have their own space.
_CLOSE_NAMES = """
    a abbr b bdi bdo big cite code del em font i ins kbd label mark q s small span strong sub sup u wbr
"""
_CLOSE = frozenset(_CLOSE_NAMES.split())


def without_tags(text: str) -> str:
    """Return a text without its markup, a space in its place, and without the words of scripts and the like."""
    if "<" not in text:
        return text
    tags = list(_TAG.finditer(text))
    is_page = bool(_PAGE.search(text))
    kept, at, number = [], 0, 0
    while number < len(tags):
        tag = tags[number]
        number += 1
        name = (tag["name"] or "").lower()
        if tag.start() < at or not ((is_page and name in _KNOWN) or _is_markup(tag, tags, number - 1, text)):
            continue
        kept.append(text[at : tag.start()])
        at = tag.end()
        if name in _ACTIVE - _VOID and not tag["end"] and tag["shut"]:
            partner = _partner(tag, tags, number - 1)
            at = partner.end() if partner else at
        kept.append("" if name in _CLOSE else " ")
    return "".join([*kept, text[at:]])


def holds_markup(text: str) -> bool:
    """Return whether a text that is said to be plain holds markup."""
    if "<" not in text:
        return False
    tags = list(_TAG.finditer(text))
    return any(_is_markup(tag, tags, number, text) for number, tag in enumerate(tags))


def _is_markup(tag: re.Match[str], tags: list[re.Match[str]], number: int, text: str) -> bool:
    name = (tag["name"] or "").lower()
    if not name:
        return True  # a comment or a declaration
    if "=" in tag["rest"] and (tag["shut"] or name in _KNOWN):
        return True
    if not tag["shut"]:
        return False
    if _WORD_TAG.fullmatch(name) or (name in _VOID and name != "hr"):
        return True
    if name not in _KNOWN:
        return False
    before, after = text[: tag.start()][-1:], text[tag.end() :][:1]
    if tag["end"]:
        return bool(before.strip()) and before not in "([“‘\"'"
    if after.strip() and (after.isalnum() or after in "<“‘\"'£&("):
        return True
    partner = _partner(tag, tags, number)
    return partner is not None and (not after or not _is_apart(text[tag.end() : partner.start()]))


def _is_apart(between: str) -> bool:
    """Return whether what stands between two tags has space on both sides, so that both are named."""
    return not between or (between[0].isspace() and between[-1].isspace()) or not between.strip()


def _partner(tag: re.Match[str], tags: list[re.Match[str]], number: int) -> re.Match[str] | None:
    """Return the tag that ends an element."""
    for other in tags[number + 1 : number + 50]:
        if other["end"] and (other["name"] or "").lower() == tag["name"].lower():
            return other
    return None
