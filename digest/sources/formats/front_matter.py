"""Split a text file into its front matter (YAML, TOML, JSON or plain "Key: value" lines) and its body. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

import yaml

_YAML = re.compile(
    r"---[ \t]*(?:yaml|yml)?[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_TOML = re.compile(r"\+\+\+[ \t]*(?:toml)?[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_NAMED_TOML = re.compile(r"---[ \t]*toml[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_NAMED_JSON = re.compile(
    r"(?:;;;|---)[ \t]*(?:json)?[ \t]*\r?\n(\s*\{.*?)^(?:;;;|---)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
# A tab between a name and its value, which YAML allows and its reader refuses.
_TABBED = re.compile(r"^([ ]*(?:- )?[\w-][\w -]{0,40}:)[ ]*\t[ \t]*", re.MULTILINE)
_JSON_START = re.compile(r'\{\s*["}]')
# Blank lines and comments, which authors and their tools put before front matter.
_BLANK = re.compile(r"(?:[ \t]*\r?\n|[ \t]*<!--.*?-->[ \t]*(?:\r?\n|\Z))+", re.DOTALL)
_COMMENTS = re.compile(r"(?:[ \t]*\r?\n|[#%][^\n]*\n)+(?=---|\+\+\+)")
_PLAIN = re.compile(r"(?:[A-Za-z][\w -]{0,30}:(?:[ \t][^\n]*)?\r?\n|[ \t]+\S[^\n]*\r?\n)+(?=[ \t]*(?:\r?\n|\Z))")
_FENCES = ("---", "+++", ";;;")
# A text may begin with "Name: words" or with a heading and a rule, so only these names make it front matter.
_TELLING = frozenset(
    ("title", "date", "draft", "status", "published", "author", "slug", "tags", "category", "layout")
)


MAX_MATTER = 32 * 1024  # characters
_MOST_NAMES = 5_000


class Unreadable(Exception):
    """Say why a file cannot be used: ":line: the fault; the cure"."""


@dataclass(frozen=True, slots=True)
class Note:
    """Hold a file's front matter, by the names its author wrote, and the text below it."""

    matter: dict[str, Any]
    body: str


def split_note(text: str) -> Note:
    """Return a file's front matter and body; raise Unreadable for front matter that is begun and cannot be read.

    Before it may stand blank lines and comments; the caller has taken away a byte-order mark.
    """
    blank = _BLANK.match(text)
    start = blank.end() if blank else 0
    rest = text[start:]
    if rest.lstrip(" \t").startswith(_FENCES):
        rest = rest.lstrip(" \t")
    line = text.count("\n", 0, start) + 1
    if comments := _COMMENTS.match(rest):
        try:
            note = _split(rest[comments.end() :], line + rest.count("\n", 0, comments.end()))
        except Unreadable:
            return Note({}, text)
        return note if _is_telling(note.matter) else Note({}, text)
    note = _split(rest, line)
    return note if note.matter else Note({}, text if note.body is rest else note.body)


def _split(text: str, line: int) -> Note:
    """Return the front matter that begins with the first character of `text`, which stands on `line` of its file."""
    if named := _NAMED_JSON.match(text):
        return Note(_json(named[1], line), text[named.end() :])
    if fence := _TOML.match(text) or _NAMED_TOML.match(text):
        return Note(_toml(fence[1], line), text[fence.end() :])
    if fence := _YAML.match(text):
        return Note(_yaml(fence[1], line), text[fence.end() :])
    for mark in _FENCES:
        if text.startswith(mark):
            raise Unreadable(f":{line}: the front matter has no closing {mark!r}; add it on a line of its own")
    if _JSON_START.match(text):
        matter, end = _json_object(text, line)
        return Note(matter, text[end:])
    if (plain := _PLAIN.match(text)) and text.partition(":")[0].strip().lower() in _TELLING:
        return Note(_lines(plain[0], line), text[plain.end() :])
    return Note({}, text)


def _yaml(text: str, line: int) -> dict[str, Any]:
    _check_length(text, line)
    try:
        matter = yaml.load(_TABBED.sub(r"\1 ", text), Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = line + mark.line + 1 if mark else line  # the front matter starts on the line after its fence
        raise Unreadable(f":{at}: the front matter is no YAML ({error.problem}); correct it") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        raise Unreadable(f":{line}: the front matter cannot be read ({str(error)[:80]}); correct it") from None
    if matter is None:
        return {}
    if not isinstance(matter, dict):
        raise Unreadable(f":{line}: the front matter is not a list of 'name: value' lines; correct it")
    return matter


def _check_length(text: str, line: int) -> None:
    """Raise Unreadable for front matter that would take long to read."""
    if len(text) > MAX_MATTER:
        raise Unreadable(f":{line}: the front matter is longer than {MAX_MATTER // 1024} kB; shorten it")


_NULL, _MERGE, _TIMESTAMP = (f"tag:yaml.org,2002:{name}" for name in ("null", "merge", "timestamp"))
_BOOL = ("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"))


class _Loader(yaml.SafeLoader):
    """Load plain values as they are written, and no name that stands twice with two values (one would be lost).

    Of what YAML 1.1 makes of a word or a number only nulls, "true", "false" and dates are taken, because "No", "on",
    "0010", "12:30" and "1_000" are titles and ids.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  (as the base class has it)
        first: [pair for pair in pairs if pair[0] in (_NULL, _MERGE, _TIMESTAMP)] + [_BOOL] * (first in "tTfF")
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a table; raise ConstructorError, which is a MarkedYAMLError, for such a name."""
        values: dict[str, str] = {}
        for key, value in node.value:
            plain = isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
            if plain and values.setdefault(key.value, value.value) != value.value:
                raise yaml.constructor.ConstructorError(None, None, _twice(key.value), key.start_mark)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge tables into a table ("<<"), up to a bound, because a few lines can merge millions of names."""
        super().flatten_mapping(node)
        if len(node.value) > _MOST_NAMES:
            raise yaml.constructor.ConstructorError(None, None, "too many names", node.start_mark)


def _twice(name: str) -> str:
    return f"{name[:40]!r} stands twice with two values"


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of JSON with these pairs; raise ValueError for a name with two values."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if values.setdefault(name, value) != value:
            raise ValueError(_twice(name))
    return values


def _toml(text: str, line: int) -> dict[str, Any]:
    _check_length(text, line)
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise Unreadable(f":{line}: the front matter is no TOML ({str(error)[:80]}); correct it") from None


def _json(text: str, line: int) -> dict[str, Any]:
    matter, end = _json_object(text.lstrip(), line)
    if text.lstrip()[end:].strip():
        raise Unreadable(f":{line}: the front matter is no JSON (text after its end); correct it")
    return matter


def _json_object(text: str, line: int) -> tuple[dict[str, Any], int]:
    """Return the JSON object at the start of `text`, and where it ends."""
    try:
        matter, end = json.JSONDecoder(object_pairs_hook=_without_doubles).raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f":{line}: the front matter is no JSON ({str(error)[:80]}); correct it") from None
    return matter, end


def _lines(text: str, line: int) -> dict[str, Any]:
    """Return "Key: value" lines (MultiMarkdown, Pelican); an indented line goes on with the value before it."""
    matter: dict[str, str] = {}
    key = ""
    for number, row in enumerate(text.splitlines()):
        if row[:1] in (" ", "\t"):
            matter[key] = f"{matter[key]} {row.strip()}".strip()
        else:
            key, value = (part.strip() for part in row.split(":", 1))
            if matter.setdefault(key, value) != value:
                raise Unreadable(f":{line + number}: the front matter cannot be read ({_twice(key)}); correct it")
    return dict(matter)


def _is_telling(matter: dict[str, Any]) -> bool:
    return any(isinstance(key, str) and key.lower() in _TELLING for key in matter)
