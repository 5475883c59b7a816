"""Draw a page of readers: the frame around it, its styles in the colours of the brand, and its content policy."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from starlette.responses import HTMLResponse, Response

from digest.letter.brand import Brand, Colours
from digest.letter.colours import ink_on
from digest.letter.words import direction
from digest.readers.words import page_languages
from digest.system.pages import render_page, stylesheet
from digest.web.readers.page import ReaderAnswer, ReaderPages

_CACHED = "public, max-age=300"


def response_of(pages: ReaderPages, answer: ReaderAnswer, path: str, *, foreign: bool = False) -> Response:
    """Return the response of an answer that is no redirect; `foreign`: the sites of [join] may show it in a frame.

    `path` is the address of the page below its root, to which the links of its language lead.
    """
    headers = dict(answer.headers)
    if answer.indexed:
        headers |= {"X-Robots-Tag": "all", "Cache-Control": _CACHED, "Vary": "Accept-Language, Origin"}
    if not answer.template:
        return Response(answer.body, answer.status, headers, answer.media_type)
    site = pages.settings.site
    words = answer.words or pages.words()
    css = page_styles(pages.settings.brand)
    headers.setdefault("Content-Security-Policy", policy_of(css, _framing(pages) if foreign else "'none'"))
    shared = {
        "site": site.name,
        "brand": pages.settings.brand,
        "root": pages.root,
        "path": pages.root + path,
        "css": css,
        "words": words,
        "say": words.say,
        "count": words.count,
        "form": words.form,
        "language": words.language,
        "direction": direction(words.language),
        "languages": page_languages(pages.settings),
        "editors": pages.editors,
        "indexed": answer.indexed,
        "public": public_links(pages),
        "legal": legal_links(pages),
    }
    return HTMLResponse(render_page(answer.template, {**shared, **answer.values}), answer.status, headers)


def public_links(pages: ReaderPages) -> list[tuple[str, str]]:
    """Return the ways between the public pages that this installation has, as (path, name of the words)."""
    links = [("/", "home_link"), *([("/join", "join_link")] if pages.offers_join else [])]
    return [*links, ("/archive", "archive_nav"), ("/search", "archive_search_nav")] if pages.archived else links


def legal_links(_pages: ReaderPages) -> list[tuple[str, str]]:
    """Return the ways at the foot of every page, as (path, name of the words)."""
    return [("/privacy", "privacy_link"), ("/accessibility", "access_link")]


@lru_cache(maxsize=8)
def page_styles(brand: Brand) -> str:
    """Return the stylesheet of the pages, with the colours of the brand for light and dark screens."""
    light, dark = (_properties(colours) for colours in (brand.light, brand.dark))
    head = (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        "@media print { :root { color-scheme: light; --background: #fff; --sheet: #fff; --panel: #fff; --text: #000;"
        " --heading: #000; --soft: #333; --link: #000; --accent: #000; --on-accent: #fff; --rule: #999; } }\n"
    )
    return head + stylesheet("page.css")


@lru_cache(maxsize=8)
def policy_of(css: str, framing: str = "'none'") -> str:
    """Return the content policy of a page: its own stylesheet, and nothing else of anybody.

    `framing` are the sites that may show it in a frame.
    """
    sheet = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{sheet}'; img-src 'self'; form-action 'self'; base-uri 'none';"
        f" object-src 'none'; frame-ancestors {framing}"
    )


def _framing(pages: ReaderPages) -> str:
    return " ".join(["'self'", *pages.settings.join.origins])


def _properties(colours: Colours) -> str:
    names = ("accent", "link", "heading", "text", "soft", "background", "sheet", "panel", "rule")
    pairs = [f"--{name}: {getattr(colours, name)};" for name in names]
    return " ".join([*pairs, f"--on-accent: {ink_on(colours.accent)};"])
