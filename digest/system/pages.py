"""Render the web pages in templates/web: readers' pages, receipts, and the file transport's indexes.

The templates of letters are read by `letter/templates.py`, because an organisation may replace them, and a mistake in
its templates must be reported with file and line. The web templates cannot be replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from digest.system.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(name: str, values: Mapping[str, object]) -> str:
    """Return the template `name` of templates/web, filled with the escaped `values`.

    Raises jinja2.UndefinedError when a value is missing.
    """
    return _environment().get_template(name).render(values)


def stylesheet(name: str) -> str:
    """Return the text of a stylesheet in templates/web, which a page includes."""
    return (resource("templates") / "web" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Return the process's template environment: a template is compiled once, and again when its file changes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here, because few commands show a page

    from digest.letter.bidi import isolated, spoken

    environment = Environment(
        loader=FileSystemLoader(resource("templates") / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"spoken": spoken, "isolate": isolated}
    return environment
