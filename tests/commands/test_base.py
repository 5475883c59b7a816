"""Bundled options reach a command as one value, and typed interests become slugs or a clear error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click
import pytest
from click.testing import CliRunner

from digest.commands.base import bundled, id_of, interests_of, split_values
from digest.errors import WrongUse, counted
from digest.model import Taxonomy, Term
from tests.counts import table

TAXONOMY = Taxonomy((Term("housing", "Housing"),))


@dataclass(frozen=True)
class Pair:
    left: str | None
    right: bool


@click.command()
@click.option("--before")
@bundled("pair", Pair, click.option("--left"), click.option("--right", is_flag=True))
@click.option("--after")
def command(before: str | None, pair: Pair, after: str | None) -> None:
    """Print the arguments."""
    click.echo(repr((before, pair, after)))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (None, Pair(None, False), None)),
        (["--left", "l"], (None, Pair("l", False), None)),
        (["--after", "a", "--right", "--before", "b"], ("b", Pair(None, True), "a")),
    ],
)
def test_bundled_options_arrive_as_one_value(arguments: list[str], expected: tuple[object, ...]) -> None:
    assert CliRunner().invoke(command, arguments).output == f"{expected!r}\n"


def test_bundled_options_keep_their_order_in_the_help() -> None:
    assert [parameter.name for parameter in command.params] == ["before", "left", "right", "after"]


@table("text, number", [("7", 7), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("-1", None), ("²", None)])
def test_an_id_is_a_whole_number_that_a_database_can_hold(text: str, number: int | None) -> None:
    assert id_of(text) == number


@pytest.mark.parametrize(("text", "values"), [("", []), ("a;b", ["a", "b"]), (" a ; ;b;", ["a", "b"])])
def test_values_are_split_at_semicolons(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_interests_are_read_by_slug_or_name() -> None:
    interests = interests_of(TAXONOMY, ["Housing"], ["wales"], [], elsewhere=False)
    assert (interests.policy_areas, interests.regions, interests.themes) == ({"housing"}, {"wales"}, frozenset())
    assert not interests.elsewhere


def test_an_unknown_interest_is_refused() -> None:
    with pytest.raises(WrongUse, match="hosing"):
        interests_of(TAXONOMY, ["hosing"], [], [])


@table(
    "words, expected",
    [
        ((1, "letter"), "1 letter"),
        ((0, "letter"), "0 letters"),
        ((2, "letter"), "2 letters"),
        ((1, "entry", "entries"), "1 entry"),
        ((11, "entry", "entries"), "11 entries"),
        ((1, "delivery is", "deliveries are"), "1 delivery is"),
        ((-3, "delivery is", "deliveries are"), "-3 deliveries are"),
    ],
)
def test_a_number_goes_with_its_noun(words: tuple[Any, ...], expected: str) -> None:
    assert counted(*words) == expected


def test_the_name_of_who_decides_is_one_line_of_text() -> None:
    """A terminal that is not UTF-8 gives half a surrogate pair, which no database stores."""
    from digest.commands.base import who_decides

    assert who_decides("Zo\udceb\n  Ash") == "Zo? Ash"
