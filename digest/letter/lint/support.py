"""Compare a letter with Can I email's data for the mail programs that an operator names.

Inline styles and markup must work in those programs, or be explained in `ALLOWED`, because some programs (among them
some Gmail apps) remove every style element. A feature that only a style element uses is an improvement where it
works; a program without it is a note. Data: data/caniemail.json (see build.py).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from digest.letter.lint.css import pixels
from digest.letter.lint.features import Use, uses
from digest.letter.lint.finding import ERROR, NOTE, LintFinding
from digest.letter.lint.page import LetterPage

# Names for single platforms, which an operator may use besides Can I email's families ("gmail", "thunderbird", …).
_PLATFORMS = {
    "outlook-windows": "outlook/windows",
    "outlook-com": "outlook/outlook-com",
    "outlook-macos": "outlook/macos",
    "outlook-ios": "outlook/ios",
    "outlook-android": "outlook/android",
}
DEFAULT_CLIENTS = ("gmail", "outlook-windows", "apple-mail", "yahoo", "samsung-email")

# Features that the letter uses although a program does not support them, and why that does no harm.
# The key is feature, client ("" for any) and tag ("" for any).
ALLOWED: Mapping[tuple[str, str, str], str] = {
    (
        "html-meta-color-scheme",
        "",
        "meta",
    ): "where it is ignored, the letter is shown light or inverted; it reads in both",
    ("html-aria-label", "yahoo", "div"): "names the letter for screen readers; without it they read the h1",
    ("html-aria-hidden", "yahoo", "div"): "stands on the preheader's filler only, which display:none hides as well",
    ("css-max-height", "outlook-windows", "div"): "a second lock on the preheader, which mso-hide:all hides there",
    ("css-overflow", "outlook-windows", "div"): "a second lock on the preheader, which mso-hide:all hides there",
    ("css-display-none", "gmail", "div"): "one of four Gmails shows the preheader, a quiet line above the letter",
    ("css-max-width", "outlook-windows", "img"): "Word takes the picture's size from its width and height attributes",
    ("css-word-break", "yahoo", ""): "breaks one over-long word; Yahoo lets it run into the margin",
    ("css-height", "yahoo", "img"): "Yahoo reads min-height:auto, which says nothing: the size stands in attributes",
    (
        "css-line-height",
        "outlook-windows",
        "img",
    ): "for the words in a picture's place; an exact height would crop it",
    ("css-height", "yahoo", "td"): "Yahoo reads min-height: a band of six pixels keeps its six pixels",
    (
        "css-padding",
        "outlook-windows",
        "div",
    ): "room above and below the sheet; without it the sheet begins at the edge",
    (
        "css-padding",
        "outlook-windows",
        "span",
    ): "room in the coloured tag; Word draws the colour close around its words",
    (
        "css-padding",
        "outlook-windows",
        "a",
    ): "a larger target for fingers, or a button that mso-padding-alt gives its room",
    ("css-display", "outlook-windows", "a"): "a larger target for fingers; on the desktop the words are the target",
}

_Support = Mapping[str, Mapping[str, str]]


@cache
def support_table() -> _Support:
    """Return support by feature and platform ("gmail/ios"): "n" none, "a" partial; an absent platform has support."""
    text = (files("digest.letter") / "data" / "caniemail.json").read_text(encoding="utf-8")
    raw: Mapping[str, Mapping[str, Any]] = json.loads(text)["features"]
    return {
        slug: {platform: level for level in ("n", "a") for platform in row.get(level, "").split()}
        for slug, row in raw.items()
    }


@cache
def known_clients() -> tuple[str, ...]:
    """Return every name that is allowed in `clients`, sorted."""
    families = {platform.partition("/")[0] for row in support_table().values() for platform in row}
    return tuple(sorted({*families, *_PLATFORMS}))


def check(page: LetterPage, clients: Iterable[str]) -> Iterator[LintFinding]:
    """Yield the features that a named client does not support: an error inline, a note in a style element."""
    # A finding for each feature, client and tag: its first use, and how many uses there are.
    unsupported: dict[tuple[str, str, bool, str], tuple[Use, list[str]]] = {}
    count: Counter[tuple[str, str, bool, str]] = Counter()
    named = list(clients)
    for use in uses(page):
        for client in named:
            missing = [platform for platform, level in _limited(use.slug, client) if _fails(use, platform, level)]
            if missing and not (use.inline and allowed(use, client)):
                key = (use.slug, client, use.inline, _tag(use))
                unsupported.setdefault(key, (use, missing))
                count[key] += 1
    ignored: dict[str, tuple[Use, list[str]]] = {}
    for key, (use, missing) in unsupported.items():
        if use.inline:
            yield _fault(use, key[1], missing, count[key])
        else:
            ignored.setdefault(use.slug, (use, []))[1].append(_described(key[1], missing))
    for slug, (use, programs) in ignored.items():
        problem = f"ignores {slug.partition('-')[2]} in a style element"
        yield LintFinding(
            NOTE, slug, use.where, "; ".join(programs), problem, "nothing to do if the letter reads well without it"
        )


def allowed(use: Use, client: str) -> str:
    """Return why a use does no harm although this client lacks the feature, or ""."""
    tag = _tag(use)
    keys = [(use.slug, name, on) for name in (client, "") for on in (tag, "")]
    return next((ALLOWED[key] for key in keys if key in ALLOWED), "")


def _fault(use: Use, client: str, missing: list[str], count: int) -> LintFinding:
    limited = all(support_table()[use.slug].get(platform) == "a" for platform in missing)
    times = f" ({count} times on <{_tag(use)}>)" if count > 1 else ""
    problem = f"does not support {use.slug.partition('-')[2]}{' used so' if limited else ''}{times}"
    cure = _CURES.get(use.slug, "leave it out, or explain it in ALLOWED of digest/letter/lint/support.py")
    return LintFinding(ERROR, use.slug, use.where, _described(client, missing), problem, cure)


def _described(client: str, missing: list[str]) -> str:
    """Return a client with its platforms that lack a feature: "gmail (android, ios)"."""
    on = ", ".join(sorted(platform.partition("/")[2] for platform in missing))
    return client if client in _PLATFORMS else f"{client} ({on})"


@cache
def _platforms(client: str) -> tuple[str, ...]:
    if client in _PLATFORMS:
        return (_PLATFORMS[client],)
    return tuple(
        sorted(
            {platform for row in support_table().values() for platform in row if platform.startswith(f"{client}/")}
        )
    )


@cache
def _limited(slug: str, client: str) -> tuple[tuple[str, str], ...]:
    """Return each platform of a client without full support for a feature, with its level."""
    row = support_table().get(slug, {})
    return tuple((platform, row[platform]) for platform in _platforms(client) if platform in row)


def _fails(use: Use, platform: str, level: str) -> bool:
    """Return whether a use does not work: no support, or partial support whose limit (`_LIMITS`) it exceeds."""
    if level == "a" and use.inline:
        return any(platform.startswith(where) and test(use) for where, test in _LIMITS.get(use.slug, ()))
    return level == "n"


def _tag(use: Use) -> str:
    return use.element.tag if use.element else ""


def _value(use: Use) -> str:
    return use.declaration.value.lower() if use.declaration else ""


def _wants_room(use: Use) -> bool:
    return any(pixels(part) for part in _value(use).split())


def _sized(*tags: str) -> Any:
    return lambda use: _tag(use) in tags and _value(use) not in ("auto", "100%")


def _thick(use: Use) -> bool:
    return any((pixels(part) or 0) > 8 for part in _value(use).split())


# Limits of partial support: how the platforms' names begin, and a test for the uses that exceed the limit.
_LIMITS: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "css-background": (("outlook/windows", lambda use: "url(" in _value(use) or "gradient(" in _value(use)),),
    "css-border": (
        ("outlook/windows", _thick),
        ("outlook/windows", lambda use: _tag(use) in ("p", "div") and _wants_room(use)),
    ),
    "css-display": (("outlook/windows", lambda use: _value(use) not in ("none", "block", "inline")),),
    "css-font-size": (("", lambda use: _value(use).endswith("rem")),),
    "css-height": (("outlook/windows", _sized("body", "div", "p", "span")),),
    "css-important": (("outlook/windows", lambda _: True),),
    "css-line-height": (("outlook/windows", lambda use: not _exact(use)),),
    "css-margin": (
        ("", lambda use: bool(re.search(r"(?<!\w)-\d", _value(use)))),
        ("outlook/windows", lambda use: _tag(use) in ("span", "body") and _wants_room(use)),
    ),
    "css-max-width": (("outlook/windows", lambda use: _tag(use) != "table"),),
    "css-padding": (("outlook/windows", lambda use: _tag(use) not in ("td", "th") and _wants_room(use)),),
    "css-width": (("outlook/windows", _sized("body", "div", "img", "p", "span")),),
}
_CURES = {
    "css-padding": "put the padding on the td around it, or use margin on blocks of text",
    "css-display": "let it stand as a block or inline; room comes from the td around it",
    "css-line-height": "add mso-line-height-rule:exactly before it",
    "css-border": "put the border on a td, at most 8px thick",
    "css-max-width": "put it on a table, inside a ghost table for Outlook",
    "css-width": "write the width attribute, or put the width on a td",
    "css-border-radius": "leave the corners square",
    "css-background": "use background-color alone",
    "css-font-size": "write the size in px",
}


def _exact(use: Use) -> bool:
    """Return whether the element or one around it tells Word to keep the exact line height."""
    return bool(use.element) and any(
        "mso-line-height-rule:exactly" in up.attrs.get("style", "").replace(" ", "")
        for up in (use.element.ancestors() if use.element else ())
    )
