"""Compile an edition into a letter: blocks of ready bytes with gaps.

Styles are moved inline once for each edition and language.

The html of the whole edition (shell, every heading, every entry) is rendered once with markers between its parts,
premailer moves its styles inline in one call, and the result is cut at the markers. A cut is correct as long as each
template and style rule depends on its own part only; `digest.letter.assemble` tests that, and has each digest
compiled by itself where it does not hold.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from digest.errors import ConfigError
from digest.letter import catalogue
from digest.letter import views as part_views
from digest.letter.bidi import isolated, side, spoken
from digest.letter.blocks import (
    CORRECTIONS,
    READER_TOKENS,
    Appearance,
    Block,
    BlockKey,
    Blocks,
    EditionFacts,
    Gap,
    Layouts,
    PartKey,
    Piece,
    Strip,
)
from digest.letter.book import Book, View
from digest.letter.inert import PERCENT
from digest.letter.inliner import inline_styles
from digest.letter.mime import quoted_printable
from digest.letter.templates import environment, render
from digest.letter.text_part import in_quotes, wrapped, wrapped_text
from digest.letter.views import unguard
from digest.model import Digest, Entry

HTML = "letter.html.j2"
TEXT = "letter.txt.j2"
Inline = Callable[[str], str]

_TOKEN = re.compile(r"%%([a-z_]+)%%")
# A comment, or a tag with its quoted attributes.
_MARKUP = re.compile(r"<!--.*?-->|<[A-Za-z/!](?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)
_SHELL = frozenset(READER_TOKENS + part_views.DIGEST_TOKENS)
_EVERY = _SHELL | frozenset(part_views.PART_TOKENS)
_OF_CORRECTION = frozenset(part_views.CORRECTION_TOKENS)  # because it is filled before the reader's gaps are


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """Hold an edition compiled for one language and appearance, ready to be assembled for any reader.

    `html` and `text` map a part's key to its block. `env` and `inline` are kept to render a whole letter for
    comparison, `memory` because readers of the same digest share its layout, `strips` (html, text) because digests
    share most parts, `sizes` the bytes of blocks (`digest.letter.clip`). `apart` means that each digest is compiled
    by itself: slow, and right for templates that depend on a part's neighbours.
    """

    edition: EditionFacts
    book: Book
    html: Blocks
    text: Blocks
    env: Environment
    inline: Inline
    apart: bool = False
    memory: Layouts = field(default_factory=Layouts)
    strips: dict[PartKey, tuple[Strip, Strip]] = field(default_factory=dict)
    sizes: dict[BlockKey, tuple[int, int]] = field(default_factory=dict)


def compile_letter(
    edition: EditionFacts,
    entries: Sequence[Entry],
    appearance: Appearance,
    language: str = "",
    *,
    inline: Inline = inline_styles,
) -> Letter:
    """Return the letter of an edition in a language ("": the site's); one call of `inline`.

    A language without words falls back to the site's, then to English. ConfigError names file and line when a
    template is missing, mistaken or uses an unknown variable, and each mistake in the words.
    """
    site, brand, folders = appearance.site, appearance.brand, appearance.templates
    env = environment(folders)
    env.filters |= {"wrap": _wrap, "line": in_quotes, "isolate": _isolate, "spoken": spoken, "side": side}
    words = catalogue.words_for(folders, language, site, brand, appearance.taxonomy.regions)
    by_id = {entry.id: entry for entry in entries}
    theirs = edition.step, edition.for_all, edition.question
    book = Book(site, appearance.taxonomy, by_id, words, brand, *theirs)
    # The markers contain a hash of the content, because then nobody can foresee them and write one into an entry.
    secret = hashlib.blake2b(repr((edition, entries)).encode("utf-8", "replace"), digest_size=8).hexdigest()
    keys = part_views.every_key(book, corrects=edition.corrects)
    html = _render(env, HTML, edition, book, *_blank(book, keys, secret, html=True))
    text = _render(env, TEXT, edition, book, *_blank(book, keys, secret, html=False))
    return Letter(
        edition,
        book,
        _blocks(HTML, inline(_whole(html, secret, keys)) + "\n", secret, keys, _html_pieces),
        _blocks(TEXT, text, secret, keys, _text_pieces),
        env,
        inline,
    )


def compile_digest(letter: Letter, digest: Digest, shell: Mapping[str, str]) -> tuple[Block, Block]:
    """Return (html, text) of one digest as a block each, inlined as a whole: only its readers' own gaps are left.

    `shell` are the words of the letter's frame that the digest's readers share.
    """
    tokens = {name: f"%%{name}%%" for name in READER_TOKENS}
    token = f"%%{CORRECTIONS}%%" if letter.edition.corrects else ""
    values = {name: _guarded(value) for name, value in shell.items()} | tokens
    html, text = _render_parts(letter, digest, values, _guarded, token)
    allowed = _SHELL | {CORRECTIONS}
    return _html_pieces(HTML, letter.inline(html) + "\n", allowed), _text_pieces(TEXT, text, allowed)


def render_whole(letter: Letter, digest: Digest, values: Mapping[str, str]) -> tuple[str, str]:
    """Return (html, text) of one reader's letter, rendered and inlined as a whole, which is slow.

    `values` are the words and links of the letter's frame, as `assemble` fills them. It has no corrections.
    """
    html, text = _render_parts(letter, digest, values, str)
    return unguard(letter.inline(html) + "\n"), unguard(text)


def _render_parts(
    letter: Letter,
    digest: Digest,
    values: Mapping[str, str],
    guard: Callable[[str], str],
    opening: str = "",
) -> tuple[str, str]:
    """Return (html, text) of one digest, styles not yet inlined; `guard` is applied to each part's own words.

    `opening` stands before the first part.
    """
    book, edition = letter.book, letter.edition
    keys = [
        (key, {n: guard(v) for n, v in part_views.part_words(book, source).items()})
        for key, source in part_views.digest_parts(digest, book)
    ]
    views = [part_views.part(key, words, book) | _no_markers() for key, words in keys]
    lines = [
        part_views.part(key, {n: wrapped(v) for n, v in words.items()}, book) | _no_markers() for key, words in keys
    ]
    views[0]["open"] = lines[0]["open"] = opening
    text = {name: wrapped(value) for name, value in values.items()}
    return (
        _render(letter.env, HTML, edition, book, views, values),
        _render(letter.env, TEXT, edition, book, lines, text),
    )


def _guarded(text: str) -> str:
    """Return text in which "%%" cannot be taken for a token; `unguard` gives it back."""
    return text.replace("%%", PERCENT * 2)


def _render(
    env: Environment,
    name: str,
    edition: EditionFacts,
    book: Book,
    views: Sequence[View],
    values: Mapping[str, str],
) -> str:
    return render(
        env,
        name,
        {
            **part_views.shell_views(edition, book),
            "parts": views,
            "reader": {token: values[token] for token in READER_TOKENS},
            "digest": {token: values[token] for token in part_views.DIGEST_TOKENS},
        },
    )


def _no_markers() -> View:
    return {"open": "", "close": ""}


def _blank(book: Book, keys: Sequence[BlockKey], secret: str, *, html: bool) -> tuple[list[View], dict[str, str]]:
    """Return every part between its markers, and a token for every word that is filled later."""
    raw: Callable[[str], str] = Markup if html else str
    tokens = {name: raw(f"%%{name}%%") for name in _EVERY}
    views = []
    for number, key in enumerate(keys):
        markers = {side: raw(_marker(f"{secret} {side} {number}", html)) for side in ("open", "close")}
        views.append(part_views.part(key, tokens, book) | markers)
    return views, tokens


def _marker(name: str, html: bool) -> str:
    return f"<!--{name}-->" if html else f"\x1e{name}\x1f"


def _whole(html: str, secret: str, keys: Sequence[BlockKey]) -> str:
    """Return a page that has all its parts. ConfigError if it is empty, or was cut off before them."""
    if not html.strip():
        raise ConfigError([f"{HTML}: is empty; write it, or remove the file: then the shipped one is used"])
    if (written := html.count(f"<!--{secret} open ")) != len(keys):
        raise ConfigError([_not_once(HTML, len(keys), written)])
    return html


def _not_once(name: str, given: int, written: int) -> str:
    return f"{name}: {given} parts were given, {written} written; write each once"


def _blocks(
    name: str,
    page: str,
    secret: str,
    keys: Sequence[BlockKey],
    cut: Callable[[str, str, frozenset[str]], Block],
) -> Mapping[BlockKey, Block]:
    """Return the blocks of a rendered page, cut at its markers. ConfigError unless each part stands there once.

    `cut` turns the text of a block into pieces, given the tokens that are allowed in it.
    """
    head, *rest = re.split(rf"(?:<!--|\x1e){secret} (open|close) (\d+)(?:-->|\x1f)", page)
    foot = rest[-1] if rest else ""
    blocks: dict[BlockKey, Block] = {"head": cut(name, head, _SHELL)}
    for at in range(0, len(rest), 6):
        side, number, body, end, same, between = rest[at : at + 6]
        last = at + 6 >= len(rest)
        if (side, end) != ("open", "close") or number != same or (between and not last):
            raise ConfigError(
                [f"{name}: write {{{{ part.open }}}}, the part and {{{{ part.close }}}} with nothing between parts"]
            )
        key = keys[int(number)]
        blocks[key] = cut(name, body, _OF_CORRECTION if key == "correction" else _EVERY)
    if len(blocks) != len(keys) + 1:
        raise ConfigError([_not_once(name, len(keys), len(blocks) - 1)])
    blocks["foot"] = cut(name, foot, _SHELL)
    return blocks


def _text_pieces(name: str, body: str, allowed: frozenset[str]) -> Block:
    return _pieces(name, body, allowed, [])


def _html_pieces(name: str, body: str, allowed: frozenset[str]) -> Block:
    return _pieces(name, body, allowed, [match.span() for match in _MARKUP.finditer(body)])


def _pieces(name: str, body: str, allowed: frozenset[str], tags: Sequence[tuple[int, int]]) -> Block:
    """Return a block's bytes and gaps; `tags` are the spans of tags, where a value stands inside an attribute."""
    html = name == HTML
    pieces: list[Piece] = []
    begin = 0
    for match in _TOKEN.finditer(body):
        if match.group(1) not in allowed:
            raise ConfigError([f"{name}: {match.group()} cannot be filled here; use {', '.join(sorted(allowed))}"])
        inside = next((tag for tag in tags if tag[0] < match.start() < tag[1]), None)
        if inside and body.startswith("<!--", inside[0]):
            raise ConfigError([f"{name}: {match.group()} stands in a comment; move it out"])
        context = "plain" if not html else "attribute" if inside else "text"
        pieces += [quoted_printable.encode(unguard(body[begin : match.start()])), Gap(match.group(1), context)]
        begin = match.end()
    pieces.append(quoted_printable.encode(unguard(body[begin:])))
    return tuple(piece for piece in pieces if piece)


@pass_context
def _wrap(context: Context, text: str, first: str = "", rest: str = "") -> str:
    """Return `text` in lines of at most 72 columns, the first begun by `first`, the others by `rest` (a filter)."""
    # A word that is filled later is wrapped then.
    return (
        text if _TOKEN.fullmatch(text) or "\n" in text else wrapped_text(text, first, rest, context["letter"]["dir"])
    )


@pass_context
def _isolate(context: Context, text: str) -> str:
    """Return a name or title as it stands inside a line of the letter (a filter)."""
    return isolated(text, context["letter"]["dir"])
