"""Tell the tail that a publishing tool adds to a text: where it was published first, links back, share lines. Pure.

A tail is told by where it stands and by what it holds (the entry's title, links back, nothing but links), and only
then by words, of which each language has many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

from digest.sources.blocks import MIDDLE, Block, Marked, Piece

_LONGEST = 320  # characters of a tail beside the title
_SHORT = 40  # of one that may be all that a text holds
_LEAST_TITLE = 5  # characters; a shorter one may be any word
_OTHER_WORDS = 14  # of a tail beside the title and the name of its site
_MOST_TAILS = 8
_ENDS = re.compile(r"(?<=[.!?…\]。।])\s+(?=\S)|(?<=[.!?…][”\"’)])\s+(?=\S)|(?<=\S)\s+(?=[©→»])|(?<=\w)\s*\|\s*")
_FIRST = re.compile(
    r"\b(?:appear|(?:first|originally|previously|also|cross-?)\W*(?:posted|published|appeared)|published|posted"
    r"|erschien|veröffentlicht|apparu|publié|paru|ymddangos\w*|cyhoedd\w*|aparece|apareci|apareix|public[óa]|publicad"
    r"|apareceu|sembra|apparso|pubblicat|verscheen|gepubliceerd|geplaatst|pochodzi|ukaza|opublik|först|først|dukk"
    r"|julkais|ilmestyi|foilsí|nochd|poblachad|gylhoedd|is (?:a post )?from)",
    re.IGNORECASE,
)
_READ_ON = (
    r"continue reading|keep reading|read (?:the )?(?:more|on|full|rest|whole|entire|original|complete|article|story)"
    r"|(?:you can )?(?:read|see|view|find) the (?:original|full|complete|whole)|find out more|learn more|view more"
    r"|(?:full story|full article|full post|see more)(?=\W*\Z)|click (?:here|through)|\(?more(?:…|\.\.\.)"
    r"|visit (?:the )?(?:page|post|website|site) for more|opens in (?:a )?new (?:tab|window)"
    r"|darllen(?:wch)? (?:mwy|fwy|rhagor|ymlaen|y cyfan)|parhau i ddarllen|dysgu mwy"
    r"|weiterlesen|weiter lesen|mehr (?:lesen|erfahren|dazu)|zum (?:artikel|beitrag)|lire (?:la suite|plus|l[’'])"
    r"|en savoir plus|la suite(?=\W*\Z)|seguir leyendo|le[ea]r más|continuar leyendo|sigue leyendo"
    r"|leggi (?:tutto|di più|ancora)|continua a leggere|ler mais|leia mais|continuar (?:a ler|lendo)"
    r"|lees (?:meer|verder)|verder lezen|czytaj (?:dalej|więcej)|läs mer|les (?:mer|videre)|læs (?:mere|videre)"
    r"|lue lisää|léigh (?:tuilleadh|níos mó)|leugh (?:tuilleadh|barrachd)"
)
_WORDS = re.compile(
    rf"(?:\W{{0,4}}(?:{_READ_ON}))(?:\b|(?<=[….])).{{0,120}}"
    r"|\W*(?:source|via|ffynhonnell|quelle|fuente|fonte|bron|źródło|lähde|källa|kilde)\s*:.{0,120}"
    r"|\W*the (?:post|article|story|entry)\b.{1,220}\b(?:appeared first|first appeared|was first)\b.{0,120}"
    r"|\W*(?:originally|first|previously) (?:published|posted|appeared|written)\b.{0,160}"
    r"|\W*th(?:is|e (?:above|following)) (?:article|post|story|piece|blog|entry|content|page|item|report|release"
    r"|version)\b.{0,200}\b(?:first|originally|previously|was|is) "
    r"(?:re)?(?:published|posted|appear|appeared|appears|produced)\b.{0,160}"
    r"|\W*this (?:entry|article|post) (?:was|has been) (?:posted|filed|published)\b.{0,200}"
    r"|\W*(?:©|\(c\)|copyright|hawlfraint)(?=\W).{0,200}"
    r"|[^.!?]{0,80}\b(?:all rights reserved|alle rechte vorbehalten|tous droits réservés|cedwir pob hawl"
    r"|todos los derechos reservados|tutti i diritti riservati|alle rechten voorbehouden)\b.{0,60}"
    r"|\W*(?:share|rhannu|rhannwch|teilen|partager|compartir|condividi|partilhar|delen|udostępnij)"
    r"(?:\s+(?:this|hyn|y|on|via|now|auf|sur|en|op|post|article|page|story)\b.{0,120}|\s*:.{0,120}|\W*)"
    r"|\W*(?:(?:tweet|twitter|facebook|linkedin|whatsapp|e-?mail|print|pinterest|pin it|bluesky|threads|mastodon"
    r"|reddit|telegram|tumblr|pocket|copy link|x|like|share|loading|more)\W*){2,}"
    r"|\W*(?:posted in|filed under|tagged(?: with)?)\b.{0,120}"
    r"|\W*(?:like this|tags?|categories|category|tagiau|permalink|leave a (?:comment|reply)|\d+ comments?"
    r"|comments?(?: \(\d+\))?|related(?: (?:posts?|articles?|stories|content|links))?|see also"
    r"|you (?:may|might) also (?:like|be interested in)|more from (?:this|the) \w+|(?:page )?last reviewed)"
    r"\s*(?::.{0,160}|\W*)"
    r"|\W*(?:thank(?:s| you) for reading|diolch am ddarllen|(?:back|return) to (?:all |the )?(?:news|blogs?|list|top)"
    r"|page last updated|was this (?:page|article|information|content) (?:helpful|useful)|is this page useful"
    r"|did you find what you were looking for|powered by (?:wordpress|drupal|squarespace|blogger)"
    r"|print(?:er)?[ -]friendly|e-?mail this\s*blog\s*this|unsubscribe|sent from my i(?:phone|pad)"
    r"|you(?:[’']re| are) receiving this (?:e-?mail|message))(?!\w).{0,160}"
    r"|.{1,220}\bwas originally published in\b.{0,200}|\W*(?:submitted by\s+/?u/\S+\s*)?\[link\]\s*\[comments\]\W*"
    r"|\W*visited \d.{0,60}|\W*bookmark the .{0,40}"
    r"|\W*(?:please )?(?:subscribe|sign up (?:to|for) (?:our|the|my)|follow (?:us|me)"
    r"|join our (?:mailing|newsletter|list)|get (?:our|the) (?:newsletter|latest)"
    r"|tanysgrifi\w+|cofrestrwch (?:ar gyfer|i dderbyn)|dilynwch ni"
    r"|(?:jetzt )?(?:den )?newsletter|abonnieren sie|folgen sie uns|abonnez-vous|inscrivez-vous|suivez-nous"
    r"|suscr[ií]\w+|síguenos|iscriviti|seguici|assine|abonneer|volg ons|zapisz się|prenumerera)\b.{0,160}",
    re.IGNORECASE | re.DOTALL,
)
_ARROW = re.compile(r".{0,100}(?:→|»|›|>>|⟶|➔|\(more\)|&rarr;)\W*\Z", re.DOTALL)
_CUT = re.compile(r"\W*[\[(]?(?:…|\.{3,}|&hellip;)[\])]?\W*")


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold what an entry shows beside its text: its title, author, date and address, and its source's name."""

    title: str = ""
    author: str = ""
    published: datetime | None = None
    link: str | None = None
    site: str = ""


NO_FRAME = Frame()


def leave_out_tails(marked: Marked, frame: Frame) -> None:
    """Take the tails off the end of a text, both as blocks and as HTML; the first block that says anything stays."""
    blocks = marked.blocks
    for _ in range(_MOST_TAILS):
        if not blocks:
            return
        last, others = blocks[-1], blocks[:-1]
        if last.kind == MIDDLE:
            return
        has_text = any(block.kind in ("text", "item", "cell", "definition") and not block.mark for block in others)
        # First the end of all the text there is, because its beginning may be the text's own.
        if not has_text and _cut_last(marked, last, frame):
            continue
        if (last.mark and has_text) or _is_tail(last, frame, alone=not has_text):
            marked.without(last.pieces)
            blocks.pop()
            continue
        if not _cut_last(marked, last, frame):
            return


def says_read_on(line: str) -> bool:
    """Return whether a line asks to read on, to share, to follow and the like."""
    return bool(_WORDS.fullmatch(line))


def _is_tail(block: Block, frame: Frame, *, alone: bool) -> bool:
    """Return whether a whole block is a tail; `alone`: it is all the text there is."""
    text, linked = block.text, block.linked()
    if _says_tail(text, frame, linked=bool(linked)):
        # A teaser may begin as a tail does: "Find out more about how the council cut waiting times".
        return not alone or len(text) <= _SHORT or _names_title(text, frame)
    if alone or len(text) > _LONGEST or block.kind in ("item", "cell", "heading"):
        return False
    only_links = len(linked) >= 0.9 * len(re.sub(r"[^\w\s]", "", text)) and bool(linked)
    links = {piece.link for piece in block.pieces if piece.link}
    leads_back = any(_is_own(link, frame) for link in links)
    return only_links and (leads_back or len(links) > 2 or bool(_ARROW.fullmatch(text)))


def _cut_last(marked: Marked, block: Block, frame: Frame) -> bool:
    """Cut a tail off the end of a block, if it has one; return whether it had."""
    text = "".join(piece.text for piece in block.pieces)
    for start in _starts(text, block, frame):
        rest = " ".join(text[start:].replace("\x1f", "").split())
        linked = any(piece.link for piece in _from(block, start))
        if not text[:start].strip(" \x1f") or not rest or not _says_tail(rest, frame, linked=linked):
            continue
        at, kept = 0, []
        for piece in block.pieces:
            end = at + len(piece.text)
            if at >= start:
                marked.without([piece])
            else:
                kept.append(piece)
                if end > start:
                    piece.text = piece.text[: start - at].rstrip()
                    marked.tokens[piece.token] = escape(piece.text, quote=False)
            at = end
        block.keep(kept)
        return True
    return False


def _starts(text: str, block: Block, frame: Frame) -> Iterator[int]:
    """Yield where a tail of a block may begin: at its last sentences, latest first, then at a last link back."""
    ends = [end.end() for end in _ENDS.finditer(text)]
    yield from reversed(ends[-6:])
    at = 0
    links = []
    for piece in block.pieces:
        if piece.link and _is_own(piece.link, frame):
            links.append(at)
        at += len(piece.text)
    yield from reversed(links[-2:])


def _from(block: Block, start: int) -> Iterator[Piece]:
    at = 0
    for piece in block.pieces:
        if at + len(piece.text) > start:
            yield piece
        at += len(piece.text)


def _says_tail(text: str, frame: Frame, *, linked: bool) -> bool:
    """Return whether the words of a last block or sentence are a tail."""
    beside = len(text) - len(frame.title)
    if not text or beside > _LONGEST:
        return False
    if _CUT.fullmatch(text) or (_WORDS.fullmatch(text) and len(text) <= _LONGEST):
        return True
    names_site = len(frame.site) > 3 and plain_line(frame.site) in plain_line(text)
    if _names_title(text, frame):
        rest = (
            plain_line(text).replace(plain_line(frame.title), " ", 1).replace(plain_line(frame.site) or "\0", " ", 1)
        )
        few = len(rest.split()) <= _OTHER_WORDS
        return bool(few and rest.strip() and _FIRST.search(rest) and (linked or names_site or len(rest.split()) <= 9))
    return bool(names_site and linked and _FIRST.search(text) and len(text.split()) <= _OTHER_WORDS)


def _names_title(text: str, frame: Frame) -> bool:
    title = plain_line(frame.title)
    return len(title) >= _LEAST_TITLE and f" {title} " in f" {plain_line(text)} "


def _is_own(link: str, frame: Frame) -> bool:
    """Return whether an address is the entry's own, or the front page of its site."""
    if not frame.link or link == "#":
        return False
    try:
        there, own = urlsplit(link), urlsplit(frame.link)
    except ValueError:
        return False
    same_host = (there.hostname or "").removeprefix("www.") == (own.hostname or "").removeprefix("www.")
    return same_host and (there.path.rstrip("/") == own.path.rstrip("/") or there.path in ("", "/"))


@lru_cache(maxsize=256)  # because titles and names of sites are compared with many lines
def plain_line(text: str) -> str:
    """Return the words of a line without case and punctuation, one space between two of them."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())
