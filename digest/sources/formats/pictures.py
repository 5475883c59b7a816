"""Choose the one picture that an entry may carry. Pure."""

from __future__ import annotations

import html as entities
import re

from digest.model import Image
from digest.sources.links import absolute_link
from digest.sources.sanitise import title_text

_IMG = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(src|alt|width|height)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
# Leave out images that are no pictures: counting pixels, share buttons, emoticons.
_NO_PICTURE = re.compile(
    r"(pixel|spacer|blank|/1x1|beacon|feedburner|feedsportal|doubleclick|gravatar|/smilies|/emoji|stats?\.)|\.svg$",
    re.IGNORECASE,
)
_SMALLEST = 50  # CSS pixels
_TRIES = 10


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
    return Image(url=url, alt=title_text(alt, 200), width=wide, height=high)


def first_picture(html: str, base: str | None) -> Image | None:
    """Return the first usable picture among the first ten <img> of `html`, or None."""
    for number, tag in enumerate(_IMG.finditer(html)):
        if number == _TRIES:
            break
        attributes = {
            name.lower(): entities.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(tag[0][:4_000])
        }
        image = picture_of(
            attributes.get("src"),
            base,
            alt=attributes.get("alt", ""),
            width=attributes.get("width"),
            height=attributes.get("height"),
        )
        if image:
            return image
    return None


def _pixels(value: object) -> int | None:
    digits = re.fullmatch(r"\s*(\d{1,5})(px)?\s*", str(value)) if value is not None else None
    return int(digits[1]) if digits else None
