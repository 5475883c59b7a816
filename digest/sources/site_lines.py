"""Tell the lines that a site puts around a text: labels, share lines, notes on cookies, what ends a release. Pure.

They are left out of a summary only, and only where sentences are left: a short line without a mark at its end is a
label or a heading in any language, and only a note that is a sentence itself is told by its words.
"""

from __future__ import annotations

import re

from digest.sources.blocks import Block
from digest.sources.tails import plain_line, says_read_on

_SHORT = 50  # characters of a label
_LONGEST = 120  # of one that is told by its words
_LONGEST_NOTE = 250
_SENTENCE = 40  # characters of the shortest text that counts as one
_ENDED = re.compile(r"[.!?…。।][\"'”’)\]]*\Z")
_GOES_ON = re.compile(r"[:,;–—-]\Z")
# A day, a time, a price or a change may be all that an announcement has.
_TELLS = re.compile(
    r"\d{1,2}[:.]\d\d|\d\s*[ap]\.?m\b|[£$€]\s?\d|\b(?:19|20)\d\d\b"
    r"|\b(?:cancel|postpone|update|correct|withdr|closed?\b|sold out|canslo|gohir|diweddar|cywir)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PICTURE = r"(?:photo(?:graph)?|image|picture|llun|foto|bild|imagen)(?:s|iau)?"
_NOTE = re.compile(
    r"\W*(?:"
    r"(?:sorry,? )?(?:your|this) browser (?:does not|doesn[’']t|cannot|can[’']t) (?:support|play|display|show)\b.*"
    r"|(?:please )?(?:enable|turn on|allow) javascript\b.*|javascript (?:is|must be|needs to be|seems to be)\b.*"
    r"|(?:this|our) (?:web)?site uses cookies\b.*|we use (?:\w+ )?cookies\b.*|(?:accept|manage) (?:all )?cookies\b.*"
    r"|view (?:this (?:e-?mail|message|newsletter) )?(?:online|in (?:your |a |the )?(?:web )?browser)\W*"
    r"|listen to (?:this|the) (?:article|page|post|story)\b.*"
    r"|(?:this|the) (?:page|article|post|news|release) is (?:also )?available in (?:welsh|english)\W*"
    r"|mae[’'](?:r|n) (?:dudalen|erthygl|neges)\b.{0,20} ar gael yn (?:gymraeg|saesneg)\W*"
    rf"|(?:(?:main|header|featured) )?(?:{_PICTURE}(?: (?:caption|credit))?|caption|pictured)"
    r"(?:\s*\([^()]{1,40}\)|\s(?:above|below|left|right|shows))?\s*:.+"
    rf"|(?:featured )?{_PICTURE} (?:by|courtesy of|©)\s.{{1,100}}"
    r")",
    re.IGNORECASE | re.DOTALL,
)
_END_MATTER = re.compile(
    r"\W*(?:(?:ends|the end|diwedd)\W*"
    r"|(?:notes? (?:to|for) (?:the )?editors?|nodiadau i(?:[’']r)? olygyddion)\b.*"
    r"|(?:media|press) (?:contacts?|enquir(?:y|ies))\W*(?::.*)?|for (?:media|press) (?:enquiries|queries)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_PARTED = re.compile(r"\s+[|–—•·»‹›«:-]\s+|\s*\|\s*")


def without_site_lines(blocks: list[Block]) -> list[Block]:
    """Return the blocks of a text without notes of its site, and without what stands behind its end."""
    kept = [block for block in blocks if not _is_note(block)]
    if not any(map(_is_sentence, kept)):
        return blocks
    for number, block in enumerate(kept):
        if _is_line(block) and _END_MATTER.fullmatch(block.text) and any(map(_is_sentence, kept[:number])):
            kept = kept[:number]
            break
    while len(kept) > 1 and _is_sentence(kept[-2]) and _is_short(kept[-1]) and kept[-1].kind == "text":
        kept = kept[:-1]
    return kept


def without_site(title: str, site: str) -> str:
    """Return a title without the name of its site at its end: "A hub for families | Powys Council".

    `site` is the title of the feed, which may have parts itself: "News - Powys Council".
    """
    names = {plain_line(site), *(plain_line(part) for part in _PARTED.split(site) if len(part.split()) > 1)} - {""}
    cuts = [cut for cut in _PARTED.finditer(title) if plain_line(title[cut.end() :]) in names]
    head = title[: cuts[0].start()].rstrip() if cuts else ""
    return head if len(head.split()) > 1 else title


def is_label(block: Block, rest: list[Block]) -> bool:
    """Return whether a block is a label or a heading before the sentences that follow in `rest`."""
    if not rest or not any(map(_is_sentence, rest)):
        return False
    if block.kind == "item":
        return block.is_contents()
    if not _is_line(block) or rest[0].kind not in ("text", "heading", "item"):
        return False
    goes_on = rest[0].text[:1].islower() or (rest[0].kind == "item" and not rest[0].is_contents())
    return not goes_on and (_is_short(block) or (len(block.text) <= _LONGEST and says_read_on(block.text)))


def _is_line(block: Block) -> bool:
    return block.kind in ("text", "heading")


def _is_note(block: Block) -> bool:
    return _is_line(block) and len(block.text) <= _LONGEST_NOTE and bool(_NOTE.fullmatch(block.text))


def _is_sentence(block: Block) -> bool:
    return block.kind == "text" and len(block.text) > _SENTENCE and bool(_ENDED.search(block.text))


def _is_short(block: Block) -> bool:
    text = block.text
    if _ADDRESS.fullmatch(text):
        return True
    return len(text) <= _SHORT and not (_ENDED.search(text) or _GOES_ON.search(text) or _TELLS.search(text))
