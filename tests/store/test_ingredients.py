"""Given and dropped lines of ingredients, stored and removed on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from digest.learning.choose import Given
from digest.model import Facets, Ingredient, Sighting
from digest.sources.newness import New
from digest.store import entries, ingredients
from digest.store.engine import writing
from digest.store.schema import ingredient

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OWN = Ingredient("did", "Own act.", (), "Author")
WAY = Ingredient("in-the-way", "No “trust”.", ("trust", "law"), "Editor")


def test_lines_are_stored_in_order_and_go_with_their_entry(engine: Engine) -> None:
    with writing(engine) as conn:
        new = New(Sighting("g", None, "A story"), ("g:1",))
        [first, second] = entries.add(
            conn, [entries.NewEntry("Notes", new, "case-study", Facets(), "ready")] * 2, NOW
        )
        ingredients.replace_source(conn, first, [OWN, OWN._replace(text="Another.")], NOW)
        ingredients.replace_source(conn, first, [OWN], NOW)
        ingredients.store_given(conn, first, [WAY, OWN], NOW)
        ingredients.store_given(conn, first, [WAY._replace(barriers=("money",))], NOW)
        ingredients.store_dropped(conn, first, OWN, "Editor", NOW)
        ingredients.store_dropped(conn, first, OWN, "Another", NOW)
        lines = ingredients.given(conn, [first, second])
        assert lines == {
            first: Given((OWN,), (OWN, WAY._replace(barriers=("money",))), frozenset({("did", "Own act.")}))
        }
        ingredients.store_given(conn, first, [OWN], NOW)
        assert ingredients.given(conn, [first])[first].dropped == frozenset()
        ingredients.forget_editor(conn, first)
        assert ingredients.given(conn, [first]) == {first: Given((OWN,))}
        entries.remove(conn, [first])
        assert conn.scalar(select(func.count()).select_from(ingredient)) == 0
