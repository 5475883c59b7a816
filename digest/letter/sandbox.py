"""Render templates of an organisation's own so that they can only show values: no code, no work without end.

Jinja's sandbox refuses attributes that lead to Python's own objects, and changes of lists and dictionaries. It bounds
neither loops inside loops nor long texts. So each render has a number of steps, and a mistake raises SecurityError.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import GeneratorType
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateNotFound, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_FREE, _A_PART = 200_000, 2_000  # steps of a render, and more for each part; the shipped templates take a tenth
_CHARACTERS = 16  # of text that count as a step
_COUNT = 100_000  # the greatest number that an operation may be given, and the longest result of a multiplication
_TEXT = 1_000_000  # characters of a text that an operation gives
_PRODUCT = 50_000_000  # characters that texts may multiply to, as with a separator in a list
_BITS = 10_000  # of a whole number
_SPEND = "spend steps"  # with a space, because no template can write this name
_WIDTH = re.compile(r"%[^%a-zA-Z]*(?:\*|\d{4})")

_left: ContextVar[list[int] | None] = ContextVar("steps that are left", default=None)


@contextmanager
def limited_steps(parts: int) -> Iterator[None]:
    """Let the renders inside take so many steps as a letter of `parts` parts may need."""
    token = _left.set([_FREE + _A_PART * parts])
    try:
        yield
    finally:
        _left.reset(token)


class Folders(FileSystemLoader):
    """Load templates from folders. A link that leads out of them is as if it were not there."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return a template's text and file; raise TemplateNotFound if there is none."""
        source = super().get_source(environment, template)
        file = Path(source[1]).resolve()
        if not any(file.is_relative_to(Path(folder).resolve()) for folder in self.searchpath):
            raise TemplateNotFound(
                template, f"{source[1]} is a link that leads out of its folder; put the file there"
            )
        return source


class Sandbox(ImmutableSandboxedEnvironment):
    """Refuse what a template of a letter does not need: Python's objects, changes, and work without end."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, finalize=_printed, **options)
        self.globals.pop("lipsum")
        for name, function in list(self.filters.items()):
            self.filters[name] = bounded(function)
        self.filters[_SPEND] = _spend_in

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may use an attribute; `format` of texts reaches others, so that it may not."""
        return super().is_safe_attribute(obj, attr, value) and not (
            isinstance(obj, str) and attr.startswith("format")
        )

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """Raise at once, also where the value would not be shown."""
        raise SecurityError(f"access to attribute {attribute!r} of a {type(obj).__name__} is not allowed")

    def wrap_str_format(self, value: Any) -> None:
        """Leave `format` to `is_safe_attribute`."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Return the result of an operator, if it is not too long."""
        _check_operator(operator, left, right)
        return _checked(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method or a macro with arguments that are not too large."""
        owner = getattr(__obj, "__self__", None)
        listed = [_listed(value) for value in args]
        _check_arguments([*([owner] if isinstance(owner, str) else []), *listed, *kwargs.values()])
        return _checked(super().call(__context, __obj, *listed, **kwargs))

    def _generate(self, source: nodes.Template, *args: Any, **options: Any) -> str:
        """Compile a template of which each body (of a loop, a macro, the whole) takes steps."""
        bodies: list[Any] = [*source.find_all((nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)), source]
        for node in bodies:
            data = sum(len(text.data) for child in node.body for text in _texts(child))
            node.body.insert(0, nodes.ExprStmt(_spending(nodes.Const(1 + data // _CHARACTERS)), lineno=node.lineno))
            if isinstance(node, nodes.For) and node.test is not None:
                node.test = nodes.And(_spending(nodes.Const(1)), node.test, lineno=node.lineno)
        for node in list(source.find_all(nodes.Concat)):
            node.nodes = [_spending(each) for each in node.nodes]
        source.set_environment(self)
        return super()._generate(source, *args, **options)


def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses arguments which are too large, and results."""

    @functools.wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        listed = [_listed(value) for value in args]
        _check_arguments([*listed, *kwargs.values()])
        for text in args:
            if isinstance(text, str) and _WIDTH.search(text) and function.__name__ == "do_format":
                raise SecurityError("a width of four digits or more; write a smaller one")
        return _checked(function(*listed, **kwargs))

    return limited


def _listed(value: Any) -> Any:
    """Return a list of what another filter gives one by one, because its length is to be checked."""
    return list(value) if isinstance(value, GeneratorType | type(reversed([]))) else value


def _texts(node: nodes.Node) -> Iterator[nodes.TemplateData]:
    if isinstance(node, nodes.TemplateData):
        yield node
    yield from node.find_all(nodes.TemplateData)


def _spending(value: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, _SPEND, [], [], None, None, lineno=value.lineno or 1)


@pass_context
def _spend_in(_context: Context, value: Any) -> Any:
    """Take as many steps as a number says, or as a text is long; with the context, so that nothing is folded."""
    if isinstance(value, int) and not isinstance(value, bool):
        _spend(max(1, value))
        return value
    return _checked(_printed(value))


def _spend(steps: int) -> None:
    left = _left.get()
    if left is not None:
        left[0] -= steps
        if left[0] < 0:
            raise SecurityError("the template works too long, or writes too much; shorten its loops and texts")


def _printed(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        raise SecurityError("a list is shown as it stands; show its parts in a loop, or join them")
    if isinstance(value, str):
        _spend(1 + len(value) // _CHARACTERS)
    return value


def _checked(value: Any) -> Any:
    """Return a value that an operation gave, if it is no longer than a letter can need."""
    if isinstance(value, str | list | tuple):
        if len(value) > (_TEXT if isinstance(value, str) else _COUNT):
            raise SecurityError(f"a value of {len(value)} characters or parts is too long; shorten it")
        _spend(1 + len(value) // _CHARACTERS)
    elif isinstance(value, int) and value.bit_length() > _BITS:
        raise SecurityError("a number is too large; use smaller ones")
    return value


def _size(value: Any) -> int:
    """Return how much a list, or what is in it, would be as text; at least _PRODUCT + 1 when it is too much."""
    size, count, waiting = 0, 0, [value]
    while waiting and size <= _PRODUCT:
        each = waiting.pop()
        count += 1
        if isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
        size += len(each) if isinstance(each, str) else 1
        if count > 10 * _COUNT:
            return _PRODUCT + 1
    _spend(1 + size // (64 * _CHARACTERS))
    return size


def _check_operator(operator: str, left: Any, right: Any) -> None:
    if operator == "*":
        for value, times in ((left, right), (right, left)):
            if isinstance(value, str | list | tuple) and isinstance(times, int) and len(value) * times > _COUNT:
                raise SecurityError(f"a value of {len(value)} times {times} is too long; repeat it less often")
    elif operator == "**" and isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _BITS:
        raise SecurityError("a number is too large; use smaller ones")
    elif operator == "%" and isinstance(left, str) and _WIDTH.search(left):
        raise SecurityError("a width of four digits or more; write a smaller one")


def _check_arguments(values: list[Any]) -> None:
    product = 1
    for value in values:
        if isinstance(value, int) and abs(value) > _COUNT:
            raise SecurityError(f"the number {value} is too large here; use one up to {_COUNT}")
        if isinstance(value, list | tuple | dict):
            product *= max(1, _size(value))
        elif isinstance(value, str | range):
            product *= max(1, len(value))
    if product > _PRODUCT:  # also when a list in a list has too much
        raise SecurityError("texts are joined or replaced to one that is too long; shorten them")
