"""Own templates can only show values, and their work ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.letter.compile import compile_letter
from digest.letter.templates import environment, render
from tests.counts import table
from tests.letter import sample

_GROWS = "{% set ns = namespace(x='xx') %}{% for i in range(60) %}{% set ns.x = "
REFUSED = {
    # Python's own objects, by each way to an attribute
    "{{ joiner.__init__.__globals__ }}": "'__init__'",
    "{{ ().__class__.__base__ }}": "'__class__'",
    "{{ part['title'].__class__ }}": "'__class__'",
    "{{ part | attr('__class__') }}": "'__class__'",
    "{{ [part] | map(attribute='__class__') | list }}": "'__class__'",
    "{% set hidden = part.__class__ %}": "'__class__'",
    "{{ part.__class__ is defined }}": "'__class__'",
    "{{ '{0.title}'.format(part) }}": "'format'",
    "{{ '{title}'.format_map(part) }}": "'format_map'",
    # changes
    "{{ part.update({'title': 'x'}) }}": "'update'",
    "{{ part.clear() }}": "'clear'",
    "{{ parts.append(part) }}": "'append'",
    # loops
    "{% for a in range(200000000) %}{% endfor %}": "200000000",
    "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}": "works too long",
    "{% for a in range(9000) %}{% for b in range(9000) if b < 0 %}{% endfor %}{% endfor %}": "works too long",
    "{% macro twice(n) %}{{ twice(n) }}{{ twice(n) }}{% endmacro %}{{ twice(1) }}": "without end",
    "{% for a in range(9000) %}" + "many words " * 900 + "{% endfor %}": "works too long",
    "{% set all %}{% for a in range(9000) %}{{ 'ab' * 9000 }}{% endfor %}{% endset %}": "works too long",
    # long values
    "{{ 'ab' * 200000000 }}": "too long",
    "{{ 200000000 * [1] }}": "too long",
    "{{ 9 ** 99999 }}": "too large",
    "{{ 'ab' | center(200000000) }}": "200000000",
    "{{ 'ab'.rjust(200000000) }}": "200000000",
    "{{ '%200000000d' % 1 }}": "width",
    "{{ '%200000000d' | format(1) }}": "width",
    "{{ ('a' * 9000) | replace('a', 'b' * 9000) }}": "too long",
    "{{ ('a' * 9000).join(range(9000) | map('string')) }}": "too long",
    "{{ range(9000) | join('a' * 9000) }}": "too long",
    _GROWS + "ns.x ~ ns.x %}{% endfor %}": "too long",
    _GROWS + "ns.x + ns.x %}{% endfor %}": "too long",
    _GROWS + "[ns.x, ns.x] %}{% endfor %}{{ ns.x | string }}": "too long",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


def render_card(folder: Path, text: str) -> str:
    (folder / "card.txt.j2").write_text(f"first\n{text}")
    part = {"title": "A title"}
    return render(environment([folder]), "card.txt.j2", {"part": part, "parts": [part]})


@table("text, told", REFUSED.items())
def test_a_template_that_does_more_than_show_is_refused_with_its_line(folder: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        render_card(folder, text)
    assert str(refused.value).startswith(f"{folder / 'card.txt.j2'}, line 2: ")
    assert told in str(refused.value) and "; " in str(refused.value)


@table(
    "text, shown",
    {
        "{{ part.title | upper | replace('A ', 'THE ') }}": "THE TITLE",
        "{% for a in [3, 1, 2] | sort if a > 1 %}{{ loop.index }}:{{ a }} {% endfor %}": "1:2 2:3 ",
        "{{ '-' * 3 ~ part.title ~ 4 }}{{ ', '.join(['a', 'b']) }}": "---A title4a, b",
        "{{ '%s of %3d' | format('a', 7) }} {{ '%.1f' % 2.25 }}": "a of   7 2.2",
        "{% macro m(n) %}<{{ n }}>{% endmacro %}{{ m('a') }}{% set b %}x{% endset %}{{ b }}": "<a>x",
        "{% for k, v in part.items() %}{{ k }}={{ v }}{% else %}none{% endfor %}{{ 1 + 2 * 3 }}": "title=A title7",
    }.items(),
)
def test_a_template_that_shows_values_is_rendered(folder: Path, text: str, shown: str) -> None:
    assert render_card(folder, text) == f"first\n{shown}"


EMPTY = ["", " \n", "Hello", "<p></p>", "{# a remark #}"]


@table("name, text", [*(("letter.html.j2", text) for text in EMPTY), ("letter.txt.j2", "")])
def test_an_empty_letter_is_refused_by_name(folder: Path, name: str, text: str) -> None:
    own = folder / "empty"
    own.mkdir(exist_ok=True)
    for old in own.iterdir():
        old.unlink()
    (own / name).write_text(text)
    looks = replace(sample.APPEARANCE, templates=(own, sample.TEMPLATES))
    with pytest.raises(ConfigError, match=name):
        compile_letter(sample.EDITION, [], looks)


def test_a_link_that_leads_out_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").write_text("a secret")
    (tmp_path / "own" / "letter.txt.j2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="leads out of its folder"):
        render(environment([tmp_path / "own"]), "letter.txt.j2", {})
