"""Choose the one picture that an entry may carry. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from digest.model import Image
from digest.sources.formats.tags import tags_of
from digest.sources.links import absolute_link
from digest.sources.placeholders import is_placeholder
from digest.sources.sanitise import title_text
from digest.sources.title_tags import holds_markup
from subscribers.characters import cut
from subscribers.invisible import without_invisible

# Leave out images that are no pictures (counting pixels, share buttons, emoticons, stand-ins), and kinds that many
# mail programs do not show.
_NO_PICTURE = re.compile(
    r"(pixel|spacer|blank|/1x1|beacon|feedburner|feedsportal|doubleclick|gravatar|/smilies|/emoji|stats?\.|placeholder"
    r"|spinner|/(?:file-)?icons?/)|\.(?:svg|avif|hei[cf]|tiff?|bmp)$",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|\Z)", re.I
)
# Where a picture stands that a script shows later; src is then empty or a stand-in.
_LATER = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-full-url")
# The name of a file, or a word that a tool puts where nobody described the picture.
_NO_WORDS = re.compile(
    r"\S+\.(?:jpe?g|png|gif|webp|svg|avif)|(?:img|dsc[nf]?|pxl|screenshot|image)[-_ ]?\d\S*|\S+_\S+|\w+(?:-\w+){4,}"
    r"|(?:featured |header |main )?(?:image|picture|photo|img|banner|thumbnail|logo)",
    re.IGNORECASE,
)
_SMALLEST = 50  # CSS pixels
_TRIES = 10
_LONGEST_ALT = 200


def picture_of(
    src: str | None, base: str | None, *, alt: str = "", width: object = None, height: object = None
) -> Image | None:
    """Return an https image as a value, or None if the address or the size rule it out."""
    url = absolute_link(src, base)
    if url is None or not url.startswith("https://") or _NO_PICTURE.search(url.partition("?")[0]):
        return None
    wide, high = _pixels(width), _pixels(height)
    if any(side is not None and side < _SMALLEST for side in (wide, high)):
        return None
    return Image(url=url, alt=title_text(alt, _LONGEST_ALT), width=wide, height=high)


def first_picture(html: str, base: str | None) -> Image | None:
    """Return the first usable picture among the first ten <img> of `html`, or None."""
    for attributes in tags_of(html, ("img",), _TRIES):
        if _UNSEEN.search(attributes.get("style", "")):
            continue
        sizes = attributes.get("width"), attributes.get("height")
        for address in _addresses(attributes):
            if image := picture_of(address, base, width=sizes[0], height=sizes[1]):
                return replace(image, alt=_words_of(attributes.get("alt", "")))
    return None


def _addresses(attributes: dict[str, str]) -> list[str]:
    """Return where a picture may be: src, then what a script would show, then the first that is offered."""
    offered = attributes.get("srcset") or attributes.get("data-srcset") or ""
    return [attributes.get("src", ""), *filter(None, map(attributes.get, _LATER)), offered.split(" ")[0]]


def _words_of(alt: str) -> str:
    """Return what is said of a picture; "" for the name of a file and for what a tool prints for no words."""
    # An attribute holds no markup: "<" in it is a character of its text, unless it was escaped twice.
    if holds_markup(alt) or "&" in alt:
        alt = title_text(alt, _LONGEST_ALT)
    words = " ".join(without_invisible(alt).split())
    return "" if is_placeholder(words) or _NO_WORDS.fullmatch(words) else cut(words, _LONGEST_ALT)


def _pixels(value: object) -> int | None:
    digits = re.fullmatch(r"\s*(\d{1,5})(px)?\s*", str(value)) if value is not None else None
    return int(digits[1]) if digits else None
