"""Leave out the shortcodes that a publishing tool did not replace: "[gallery ids="1"]", "[vc_row]…[/vc_row]". Pure.

Also all but the first language of a text that holds several: "[:en]Carers[:cy]Gofalwyr[:]". WordPress prints them
where the plugin that knew them is gone, and forums have their own. Words in brackets stay: "[sic]".
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
_LANGUAGE = re.compile(r"\[:([a-z]{2})?\]|<!--:([a-z]{2})?-->")
_CUT_MARK = re.compile(r"(?:\[:?[a-z]{0,2}|<!--:[a-z]{0,2}-{0,2})(?:…|\.{3})?\Z")


def in_one_language(text: str) -> str:
    """Return a text that a plugin keeps in several languages in the first of them that says anything."""
    if "[:" not in text and "<!--:" not in text:
        return text
    kept, at, language, first = [], 0, "", ""
    for mark in _LANGUAGE.finditer(text):
        part, at = text[at : mark.start()], mark.end()
        first = first or (language if part.strip() else "")
        kept.append(part if language in ("", first) else "")
        language = mark[1] or mark[2] or ""
    last = text[at:] if language in ("", first or language) else ""
    return "".join([*kept, _CUT_MARK.sub("", last) if at else last])


def without_shortcodes(html: str) -> str:
    """Return HTML or text in one language and without shortcodes.

    The words between two shortcodes stay, those of a caption as a caption.
    """
    html = in_one_language(html)
    if "[" not in html:
        return html
    html = _CAPTION.sub(r"<figure><figcaption>\1</figcaption></figure>", html)
    html = _EMBEDDED.sub("", html)
    names = sorted(set(_CLOSING.findall(html)))[:_MOST_NAMES]
    if names:
        html = re.sub(rf"\[/?(?:{'|'.join(names)})(?:[\s=][^\[\]]{{0,2000}})?\]", "", html)
    return _WITH_VALUES.sub("", html)
