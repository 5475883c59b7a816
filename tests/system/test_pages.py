"""The pages of templates/web: escaped, strict about names, compiled once."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from digest.system import pages
from digest.system.pages import render_page, stylesheet
from tests.counts import table

LETTER = {"stem": "000001", "subject": "Homes <first> & foremost", "to": "r1@example.org"}


@table(
    "values, shown",
    [
        ({"letters": [LETTER], "count": 1}, '<a href="000001.html">Homes &lt;first&gt; &amp; foremost</a>'),
        ({"letters": [LETTER], "count": 1}, "</tbody></table>\n</body>"),
        ({"letters": [LETTER], "count": 3}, "</table><p>and 2 more</p>\n</body>"),
        ({"letters": [], "count": 0}, "<p>0 letters. "),
        ({"editions": [("weekly-2026-11-20", 2)]}, '<a href="weekly-2026-11-20/index.html">weekly-2026-11-20</a>: 2'),
        ({"editions": []}, "<ul></ul>"),
    ],
)
def test_the_index_of_letters_shows_what_it_is_given(values: dict[str, object], shown: str) -> None:
    assert shown in render_page("letters.html.j2", {"title": "Letters", **values})


def test_a_value_that_is_missing_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render_page("letters.html.j2", {"editions": []})


def test_a_template_is_compiled_once_for_all_its_pages() -> None:
    environment = pages._environment()
    render_page("letters.html.j2", {"title": "Letters", "editions": []})
    compiled = environment.get_template("letters.html.j2")
    render_page("letters.html.j2", {"title": "Others", "editions": []})
    assert pages._environment() is environment
    assert environment.get_template("letters.html.j2") is compiled


def test_a_stylesheet_is_plain_css() -> None:
    assert "{" in stylesheet("page.css") and "{{" not in stylesheet("page.css")
