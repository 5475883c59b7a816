"""Render the web pages in templates/web: readers' pages, receipts, and the file transport's indexes.

The letter's templates are another matter: an organisation may lay its own over them, and every mistake in those
names its file and line (`letter/templates.py`). These are ours alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from digest.system.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(name: str, values: Mapping[str, object]) -> str:
    """Return template `name` of templates/web filled with the escaped `values`; a missing value is an error."""
    return _environment().get_template(name).render(values)


def stylesheet(name: str) -> str:
    """Return a stylesheet of templates/web as text, to be put into a page."""
    return (resource("templates") / "web" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Return the process's environment: each template is compiled once, and again when its file changes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # few commands show a page

    return Environment(
        loader=FileSystemLoader(resource("templates") / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
