"""Draw the icon that a browser shows beside a page's title: lines of a letter, in the colour of the brand."""

from __future__ import annotations

from digest.letter.brand import Brand
from digest.letter.colours import ink_on

ICON_TYPE = "image/svg+xml"
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="4" fill="{ground}"/>'
    '<path d="M8 10h16M8 16h16M8 22h9" stroke="{ink}" stroke-width="3" stroke-linecap="round"/></svg>'
)


def icon_of(brand: Brand) -> bytes:
    """Return the icon as SVG, in UTF-8."""
    return _ICON.format(ground=brand.light.accent, ink=ink_on(brand.light.accent)).encode()
