"""Tell from the attributes of an element what its words are: not shown, a byline, a caption, a note, a tail. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN, META, CAPTION, NOTE, TAIL, TITLE = "hidden", "meta", "caption", "note", "tail", "title"

_HIDING_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.IGNORECASE)
# Class names of common site generators, style sheets and publishing tools, each a whole name.
_CLASSES = (
    (
        HIDDEN,
        r"\w*-?(?:sr-only|screen-?reader(?:-text|-only|s-only)?|visually-?hidden|hidden-visually|show-for-sr"
        r"|element-invisible|assistive-text|a11y-hidden|accessible-hidden|off-?screen)"
        r"|(?:skip|jump)(?:-?to)?-?(?:link|main|content|nav\w*)s?|pre-?header(?:-text|text)?|mcnPreviewText|is-hidden",
    ),
    (NOTE, r"footnotes?(?:-?(?:ref|link|anchor|backref|return))?|modern-footnotes\S*|fn-?(?:ref|link|note)"
           r"|easy-footnote|reference|cite_ref\S*|citation-?ref|noteref|sdfootnoteanc|mso-?footnote\S*|msofootnotereference"
           r"|footnote(?:s|-?list|-?content|-?text)|endnotes?|reflist|simple-footnote\S*"),
    (CAPTION, r"wp-caption(?:-text|-dd)?|caption(?:-text)?|image-caption|photo-credit|image-credit|credit"),
    (TITLE, r"field--?name-title|(?:entry|post|node|article|page)-?_*title"),
    (
        META,
        r"field--?name-(?:uid|created|changed|author|post-date)|field-?_*label|submitted|(?:entry|post|node|article)-?_*"
        r"(?:meta|info|date|author|byline|submitted|footer)|byline|posted-on|post-date|wp-block-post-(?:date|author\S*)"
        r"|date-display-single|published-date|author-name|reading-time|read-time|breadcrumbs?",
    ),
    (
        TAIL,
        r"field--?name-(?:field-)?(?:tags?|categor(?:y|ies)|taxonomy\S*|links?|comments?\S*)|sharedaddy|sd-sharing\S*"
        r"|jp-relatedposts|share(?:-\w+|this|d-links)?|addtoany\S*|addthis\S*|social-?(?:share|links|icons|media)\S*"
        r"|a2a_kit|(?:post|entry|cat|tag)-?(?:tags|links|categories)|tags|related(?:-?(?:posts|content|articles|links))?"
        r"|yarpp\S*|newsletter(?:-\w+)?|mc4wp\S*|subscribe(?:-\w+)?|read-?more(?:-\w+)?|more-link|node-readmore"
        r"|feedflare|author-?(?:bio|box)|nav-(?:links|previous|next)|post-navigation|pagination",
    ),
)  # fmt: skip
_MARKS = tuple((mark, re.compile(rf"(?:{names})\Z", re.IGNORECASE)) for mark, names in _CLASSES)
# Names that hide on some screens only, where others that show stand beside them ("d-none d-md-block").
_HIDES_ALONE = frozenset({"hidden", "hide", "d-none", "u-hidden"})
_SHOWS = re.compile(r"(?:d-\w+-|\w+:)(?:block|flex|inline\S*|grid|table\S*)")


@lru_cache(maxsize=4096)  # because the elements of a site have few classes
def mark_of(name: str, value: str) -> str | None:
    """Return the mark that an attribute "class", "hidden" or "style" sets on its element, or None."""
    if name == "hidden":
        return None if value.lower() == "until-found" else HIDDEN
    if name == "style":
        return HIDDEN if _HIDING_STYLE.search(value[:2_000]) else None
    names = value[:500].split()
    if not _HIDES_ALONE.isdisjoint(names) and not any(_SHOWS.fullmatch(each) for each in names):
        return HIDDEN
    return next((mark for mark, pattern in _MARKS if any(pattern.match(each) for each in names)), None)
