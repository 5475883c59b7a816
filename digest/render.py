"""The verb render: an edition becomes a letter, and a letter becomes one reader's own.

Preview and send both come through here, so what an editor sees is what a reader gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from digest.letter.assemble import assemble, extremes, proven, verify
from digest.letter.compile import Inline, Letter, compile_letter, inline_styles
from digest.letter.values import Assembled, EditionFacts, ReaderFacts
from digest.model import SHIPPED, Brand, Digest, Entry, Site, Taxonomy
from subscribers.model import Subscriber


def render_letter(
    site: Site,
    taxonomy: Taxonomy,
    edition: EditionFacts,
    entries: Sequence[Entry],
    templates: Sequence[Path],
    *,
    brand: Brand = SHIPPED,
    language: str = "",
    inline: Inline = inline_styles,
) -> Letter:
    """Return an edition's letter in a language, compiled once for all its readers. ConfigError for a bad template."""
    return compile_letter(site, taxonomy, edition, entries, templates, brand=brand, language=language, inline=inline)


def render_digest(letter: Letter, digest: Digest, reader: ReaderFacts) -> Assembled:
    """Return one reader's letter. DigestError when the digest places an entry the letter does not hold."""
    return assemble(letter, digest, reader)


def check_digests(letter: Letter, digests: Sequence[Digest], reader: ReaderFacts) -> None:
    """Raise DigestError unless these digests, assembled, equal the letter rendered whole."""
    for digest in digests:
        verify(letter, digest, reader)


def safe_letter(letter: Letter, digest: Digest, reader: ReaderFacts, *, trials: bool = False) -> tuple[Letter, str]:
    """Return a letter that is right for this digest, and with `trials` for made-up ones at the extremes.

    The same letter and "", or one that compiles each digest by itself and what in its templates asks for that.
    ConfigError when no such letter is right; see `assemble.proven`.
    """
    return proven(letter, [digest, *(extremes(letter) if trials else ())], reader)


def reader_facts(
    letter: Letter,
    subscriber: Subscriber,
    *,
    unsubscribe_url: str,
    preferences_url: str,
    pause_url: str,
    browser_url: str,
    more_url: str = "",
) -> ReaderFacts:
    """Return what a letter says of one subscriber; the caller makes the links (absolute, printable ASCII)."""
    return ReaderFacts(
        name=subscriber.name,
        email=subscriber.email,
        unsubscribe_url=unsubscribe_url,
        preferences_url=preferences_url,
        pause_url=pause_url,
        browser_url=browser_url,
        interests=letter.book.words.interests(subscriber.interests, letter.book.taxonomy),
        more_url=more_url,
    )
