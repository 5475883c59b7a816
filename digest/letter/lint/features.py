"""List the features of HTML and CSS that a letter uses, by Can I email's names, and where it uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from digest.letter.lint import css
from digest.letter.lint.css import Declaration
from digest.letter.lint.page import Element, LetterPage

# Properties that Can I email lists under another name; the others are css-NAME.
_PROPERTIES = {
    "font": "css-font",
    **dict.fromkeys(("left", "right", "top", "bottom"), "css-left-right-top-bottom"),
    **dict.fromkeys(("columns", "column-rule", "column-span", "column-width"), "css-column-layout-properties"),
}
_GROUPED = re.compile(r"(border|margin|padding)-(?:top|right|bottom|left|width|style|color)(?:-|$)")
_LOGICAL = {
    "margin-inline-start": "css-margin-inline-start-end", "margin-inline-end": "css-margin-inline-start-end",
    "margin-block-start": "css-margin-block-start-end", "margin-block-end": "css-margin-block-start-end",
    "padding-inline-start": "css-padding-inline-start-end", "padding-inline-end": "css-padding-inline-start-end",
    "padding-block-start": "css-padding-block-start-end", "padding-block-end": "css-padding-block-start-end",
    "margin-inline": "css-margin-inline-block", "margin-block": "css-margin-inline-block",
    "padding-inline": "css-padding-inline-block", "padding-block": "css-padding-inline-block",
    "block-size": "css-block-inline-size",
}  # fmt: skip
_UNITS = ("ch", "cm", "em", "ex", "in", "mm", "pc", "pt", "px", "rem", "vh", "vmax", "vmin", "vw")
_UNIT = re.compile(rf"(?<![\w.#-])-?[\d.]+({'|'.join(_UNITS)}|%)(?![\w%])", re.IGNORECASE)
_VALUES = {
    "css-unit-calc": re.compile(r"\bcalc\(", re.IGNORECASE),
    "css-unit-initial": re.compile(r"^initial$", re.IGNORECASE),
    "css-function-clamp": re.compile(r"\bclamp\(", re.IGNORECASE),
    "css-function-light-dark": re.compile(r"\blight-dark\(", re.IGNORECASE),
    "css-function-max": re.compile(r"\bmax\(", re.IGNORECASE),
    "css-function-min": re.compile(r"\bmin\(", re.IGNORECASE),
    "css-conic-gradient": re.compile(r"\bconic-gradient\(", re.IGNORECASE),
    "css-variables": re.compile(r"\bvar\(", re.IGNORECASE),
    "css-rgb": re.compile(r"\brgb\(", re.IGNORECASE),
    "css-rgba": re.compile(r"\brgba\(", re.IGNORECASE),
}
_DISPLAYS = {"none": "css-display-none", "flex": "css-display-flex", "grid": "css-display-grid"}
_AT = {
    "@font-face": "css-at-font-face", "@import": "css-at-import", "@keyframes": "css-at-keyframes",
    "@media": "css-at-media", "@supports": "css-at-supports",
}  # fmt: skip
_MEDIA = {
    name: f"css-at-media-{name}"
    for name in ("device-pixel-ratio", "hover", "orientation", "prefers-color-scheme", "prefers-reduced-motion")
}
_SELECTORS = {
    "css-selector-adjacent-sibling": re.compile(r"\+"),
    "css-selector-attribute": re.compile(r"\["),
    "css-selector-child": re.compile(r">"),
    "css-selector-class": re.compile(r"\."),
    "css-selector-descendant": re.compile(r"\S\s+[^\s>+~]"),
    "css-selector-general-sibling": re.compile(r"~(?!=)"),
    "css-selector-id": re.compile(r"#"),
    "css-selector-type": re.compile(r"(?:^|\s)[a-z]"),
    "css-selector-universal": re.compile(r"\*"),
}
_PSEUDO = re.compile(r"(::?)([a-z-]+)")

_TAGS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("strong", "em", "b", "i"), "html-strong"),
    **dict.fromkeys(
        ("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav", "section",
         "summary", "time"),
        "html-semantics",
    ),
    **{
        tag: f"html-{tag}"
        for tag in ("abbr", "address", "audio", "base", "bdi", "blockquote", "code", "del", "dfn", "dialog", "div",
                    "form", "hr", "img", "link", "marquee", "meter", "object", "p", "picture", "pre", "progress",
                    "ruby", "select", "small", "span", "strike", "svg", "table", "textarea", "video", "wbr")
    },
}  # fmt: skip
_ATTRIBUTES = {
    **{
        name: f"html-{name}"
        for name in ("align", "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live",
                     "background", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang", "popover",
                     "required", "role", "srcset", "target", "valign", "width")
    },
    "loading": "html-loading-attribute",
    "usemap": "html-image-maps",
}  # fmt: skip
_PICTURES = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"} | {
    kind: kind for kind in ("apng", "avif", "bmp", "gif", "ico", "jpg", "mp4", "png", "svg", "tiff", "webp")
}
_NAMED = frozenset(
    {
        *_PROPERTIES.values(), *_LOGICAL.values(), *_VALUES, *_DISPLAYS.values(), *_AT.values(), *_MEDIA.values(),
        *_SELECTORS, *_TAGS.values(), *_ATTRIBUTES.values(), *(f"css-unit-{unit}" for unit in _UNITS),
        "css-unit-percent", "css-important", "css-border", "css-margin", "css-padding", "css-selector-grouping",
        "html-anchor-links", "html-mailto-links", "html-meta-color-scheme", "image-base64",
        *(f"image-{kind}" for kind in _PICTURES.values()),
    }
)  # fmt: skip
# Can I email's names that begin with css- and are not the name of a property.
_NOT_PROPERTIES = re.compile(
    r"css-(?:at|selector|pseudo|unit|function)-|css-(?:intrinsic-size|modern-color|nesting|comments|sytem-ui|inert)"
    r"|css-border-(?:inline-block|radius-logical)|css-font-kerning"
)
_PSEUDO_SLUG = re.compile(r"css-pseudo-(?:class|element)-")


class Use(NamedTuple):
    """Hold one use of a feature. `inline` is false when only a style element uses it."""

    slug: str
    where: str
    inline: bool
    element: Element | None = None
    declaration: Declaration | None = None


def detectable(slug: str) -> bool:
    """Return whether `uses` can yield this feature of Can I email."""
    if slug in _NAMED or _PSEUDO_SLUG.match(slug):
        return True
    return slug.startswith("css-") and not _NOT_PROPERTIES.match(slug)


def uses(page: LetterPage) -> Iterator[Use]:
    """Yield every use of a feature, in the letter's order, including names that Can I email does not have."""
    for element in page.elements:
        yield from _of_element(element)
        for declaration in css.declarations(element.attrs.get("style", "")):
            for slug in _slugs(declaration.name, declaration.value):
                yield Use(slug, f"{element.where}, style {declaration.name}", True, element, declaration)
            if declaration.important:
                yield Use("css-important", f"{element.where}, style {declaration.name}", True, element, declaration)
    for element, sheet in page.sheets:
        yield from _of_sheet(f"html line {element.line}, <style>", sheet)


def _of_element(element: Element) -> Iterator[Use]:
    tag, attrs = element.tag, element.attrs

    def use(slug: str, detail: str = "") -> Use:
        return Use(slug, element.where + detail, True, element)

    if tag == "meta" and attrs.get("name") == "color-scheme":
        yield use("html-meta-color-scheme")
    if any(up.tag == "head" for up in element.ancestors()):
        return
    if tag in _TAGS:
        yield use(_TAGS[tag])
    for name in attrs:
        if name in _ATTRIBUTES:
            yield use(_ATTRIBUTES[name], f", {name}")
    href = attrs.get("href", "")
    if href.startswith("mailto:"):
        yield use("html-mailto-links")
    if href.startswith("#"):
        yield use("html-anchor-links")
    source = attrs.get("src", "") if tag == "img" else ""
    kind = urlsplit(source).path.rpartition(".")[2].lower()
    if source.startswith("data:"):
        yield use("image-base64")
    elif kind in _PICTURES:
        yield use(f"image-{_PICTURES[kind]}")


@lru_cache(maxsize=4096)
def _slugs(name: str, value: str) -> tuple[str, ...]:
    """Return the features of one declaration; kept, because a letter repeats a few hundred declarations."""
    return tuple(_of_declaration(name, value))


def _of_declaration(name: str, value: str) -> Iterator[str]:
    if name.startswith("--"):
        yield "css-variables"
        return
    if name.startswith(("mso-", "-")):  # skipped, because a prefix is written for one maker on purpose
        return
    grouped = _GROUPED.match(name)
    yield _PROPERTIES.get(name) or _LOGICAL.get(name) or (f"css-{grouped[1]}" if grouped else f"css-{name}")
    if name == "display":
        yield from (slug for word, slug in _DISPLAYS.items() if word in re.split(r"[\s-]", value.lower()))
    for unit in set(_UNIT.findall(value)):
        yield "css-unit-percent" if unit == "%" else f"css-unit-{unit.lower()}"
    yield from (slug for slug, pattern in _VALUES.items() if pattern.search(value))


def _of_sheet(where: str, sheet: str) -> Iterator[Use]:
    for rule in css.rules(sheet):
        rule_where = f"{where}, {rule.selector or rule.at[-1]}"
        slugs = set()
        for at in rule.at:
            slugs |= {slug for name, slug in _AT.items() if at.lower().startswith(name)}
            slugs |= {slug for name, slug in _MEDIA.items() if at.startswith("@media") and name in at}
        slugs |= {slug for slug, pattern in _SELECTORS.items() if pattern.search(rule.selector)}
        for colons, name in _PSEUDO.findall(rule.selector):
            element = colons == "::" or name in ("before", "after", "first-letter", "first-line")
            if name != "root":
                slugs.add(f"css-pseudo-{'element' if element else 'class'}-{name}")
        yield from (Use(slug, rule_where, False) for slug in sorted(slugs))
        for declaration in rule.declarations:
            for slug in _slugs(declaration.name, declaration.value):
                yield Use(slug, f"{rule_where}, {declaration.name}", False, None, declaration)
