"""Read the CSS that letters use: declarations, rules, and the elements that a plain selector matches.

This is not a style engine. A selector that `compounds` cannot read is None, and its rule is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from digest.letter.lint.page import Element

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_COMPOUND = re.compile(r"(?P<tag>[A-Za-z][\w-]*|\*)?(?P<rest>(?:[.#][\w-]+|\[[\w-]+\])*)")
_IMPORTANT = re.compile(r"\s*!\s*important\s*$", re.IGNORECASE)


class Declaration(NamedTuple):
    """Hold one `name: value`; the name is lower case, the value has no `!important`."""

    name: str
    value: str
    important: bool = False


class Rule(NamedTuple):
    """Hold one selector and its declarations. `at` are the at-rules around it as written, outermost first."""

    selector: str
    declarations: tuple[Declaration, ...]
    at: tuple[str, ...] = ()


class Compound(NamedTuple):
    """Hold one step of a selector: the tag ("" for any), classes, ids and attributes that an element must have."""

    tag: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    attributes: tuple[str, ...]


@lru_cache(maxsize=4096)
def declarations(style: str) -> tuple[Declaration, ...]:
    """Return the declarations of a style attribute or a rule's block."""
    declared = []
    for piece in _split(_COMMENT.sub("", style), ";"):
        name, colon, value = piece.partition(":")
        if colon and name.strip():
            important = bool(_IMPORTANT.search(value))
            declared.append(Declaration(name.strip().lower(), _IMPORTANT.sub("", value).strip(), important))
    return tuple(declared)


@lru_cache(maxsize=64)
def rules(sheet: str) -> tuple[Rule, ...]:
    """Return a sheet's rules in order, one for each selector; an at-rule without rules inside has selector ""."""
    return tuple(_rules(_COMMENT.sub("", sheet), ()))


def _rules(sheet: str, at: tuple[str, ...]) -> Iterator[Rule]:
    begin = 0
    while (stop := _next(sheet, "{;", begin)) < len(sheet):
        prelude = " ".join(sheet[begin:stop].split())
        if sheet[stop] == ";":
            if prelude.startswith("@"):
                yield Rule("", (), (*at, prelude))
            begin = stop + 1
            continue
        end = _closing(sheet, stop)
        block = sheet[stop + 1 : end]
        if prelude.startswith("@"):
            inner = list(_rules(block, (*at, prelude))) if "{" in block else []
            yield from inner or [Rule("", declarations(block), (*at, prelude))]
        else:
            yield from (Rule(selector.strip(), declarations(block), at) for selector in prelude.split(","))
        begin = end + 1


@lru_cache(maxsize=4096)
def compounds(selector: str) -> tuple[Compound, ...] | None:
    """Return the steps of a descendant selector, outermost first; None when it has anything else in it."""
    steps = []
    for word in selector.split():
        match = _COMPOUND.fullmatch(word)
        if not match:
            return None
        rest = match["rest"]
        steps.append(
            Compound(
                (match["tag"] or "").replace("*", "").lower(),
                tuple(re.findall(r"\.([\w-]+)", rest)),
                tuple(re.findall(r"#([\w-]+)", rest)),
                tuple(re.findall(r"\[([\w-]+)\]", rest)),
            )
        )
    return tuple(steps)


def matches(element: Element, steps: tuple[Compound, ...]) -> bool:
    """Return whether a selector's steps match an element."""
    if not _fits(element, steps[-1]):
        return False
    around = element.parent
    return len(steps) == 1 or any(matches(up, steps[:-1]) for up in (around.ancestors() if around else ()))


def specificity(steps: tuple[Compound, ...]) -> tuple[int, int, int]:
    """Return a selector's weight as CSS counts it: ids, then classes and attributes, then tags."""
    return (
        sum(len(step.ids) for step in steps),
        sum(len(step.classes) + len(step.attributes) for step in steps),
        sum(bool(step.tag) for step in steps),
    )


def pixels(value: str, around: float = 16.0) -> float | None:
    """Return a length in CSS pixels; `around` is the size to which em and % refer. None when it is not a length."""
    match = re.fullmatch(r"(-?[\d.]+)(px|pt|em|rem|%)?", value.strip().lower())
    if not match:
        return None
    number, unit = float(match[1]), match[2] or ""
    factor = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": around, "rem": 16.0, "%": around / 100}[unit]
    return number * factor if unit or not number else None


def _fits(element: Element, step: Compound) -> bool:
    return (
        (not step.tag or element.tag == step.tag)
        and set(step.classes) <= set(element.classes)
        and set(step.ids) <= {element.attrs.get("id", "")}
        and set(step.attributes) <= set(element.attrs)
    )


def _split(text: str, mark: str) -> Iterator[str]:
    begin = 0
    while (stop := _next(text, mark, begin)) < len(text):
        yield text[begin:stop]
        begin = stop + 1
    yield text[begin:]


def _next(text: str, marks: str, begin: int) -> int:
    """Return the index of the next of `marks` outside quotes and brackets, or else the length."""
    at, depth = begin, 0
    while at < len(text):
        if text[at] in "\"'" and (match := _QUOTED.match(text, at)):
            at = match.end()
            continue
        depth += (text[at] == "(") - (text[at] == ")")
        if text[at] in marks and depth <= 0:
            return at
        at += 1
    return at


def _closing(sheet: str, opened: int) -> int:
    """Return the index at which the block opened at `opened` closes, or else the length."""
    depth, at = 0, opened
    while at < len(sheet):
        if sheet[at] in "\"'" and (match := _QUOTED.match(sheet, at)):
            at = match.end()
            continue
        depth += (sheet[at] == "{") - (sheet[at] == "}")
        if not depth:
            return at
        at += 1
    return at
