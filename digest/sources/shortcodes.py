"""Leave out the shortcodes that a publishing tool did not replace: "[gallery ids="1"]", "[vc_row]…[/vc_row]". Pure.

WordPress prints them where the plugin that knew them is gone, and forums have their own. Words in brackets stay:
"[sic]", "[name withheld]".
"""

from __future__ import annotations

import re

_MOST_NAMES = 40
_CAPTION = re.compile(r"\[(?:wp_)?caption\b[^\[\]]{0,1000}\]([^\[\]]{0,2000})\[/(?:wp_)?caption\]")
# These stand for something else than words, and so does an address between two of them.
_EMBEDDED = re.compile(
    r"\[(embed|youtube|vimeo|video|audio|playlist|gallery|soundcloud|googlemaps|iframe|contact-form(?:-7)?|gravityform)"
    r"(?:[\s=][^\[\]<>]{0,1000})?/?\](?:[^\[\]<>]{0,1000}\[/\1\])?"
)
_CLOSING = re.compile(r"\[/([A-Za-z][\w-]{0,40})\]")
_QUOTE = r"(?:[\"'“”″‘’]|&(?:quot|apos|#\d+|#[xX][0-9a-fA-F]+|[lr][ds]quo|Prime);)"
_WITH_VALUES = re.compile(rf"\[[a-z][\w-]{{1,40}}\s+[\w-]{{1,40}}={_QUOTE}[^\[\]]{{0,2000}}\]")


def without_shortcodes(html: str) -> str:
    """Return HTML or text without shortcodes; the words between two of them stay, those of a caption as a caption."""
    if "[" not in html:
        return html
    html = _CAPTION.sub(r"<figure><figcaption>\1</figcaption></figure>", html)
    html = _EMBEDDED.sub("", html)
    names = sorted(set(_CLOSING.findall(html)))[:_MOST_NAMES]
    if names:
        html = re.sub(rf"\[/?(?:{'|'.join(names)})(?:[\s=][^\[\]]{{0,2000}})?\]", "", html)
    return _WITH_VALUES.sub("", html)
