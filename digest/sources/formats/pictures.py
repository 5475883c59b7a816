"""Choose the one picture that an entry may carry. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from digest.model import Image
from digest.sources.formats.tags import tags_of
from digest.sources.links import absolute_link
from digest.sources.sanitise import title_text
from subscribers.characters import cut
from subscribers.invisible import without_invisible

# Leave out images that are no pictures: counting pixels, share buttons, emoticons.
_NO_PICTURE = re.compile(
    r"(pixel|spacer|blank|/1x1|beacon|feedburner|feedsportal|doubleclick|gravatar|/smilies|/emoji|stats?\.)|\.svg$",
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
        sizes = attributes.get("width"), attributes.get("height")
        image = picture_of(attributes.get("src"), base, width=sizes[0], height=sizes[1])
        if image:
            # An attribute holds no markup: "<" in it is a character of its text.
            alt = " ".join(without_invisible(attributes.get("alt", "")).split())
            return replace(image, alt=cut(alt, _LONGEST_ALT))
    return None


def _pixels(value: object) -> int | None:
    digits = re.fullmatch(r"\s*(\d{1,5})(px)?\s*", str(value)) if value is not None else None
    return int(digits[1]) if digits else None
