"""Return the ingredients of stored case studies: read from their texts, and given or mended by people."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection

from digest.facets.entry_text import says_more
from digest.learning.choose import Given, chosen
from digest.learning.read import read_ingredients
from digest.model import CASE_STUDY, Entry, Ingredient
from digest.store import entries, entry_texts, ingredients

_read = lru_cache(maxsize=256)(read_ingredients)


def ingredients_of(conn: Connection, some: Iterable[Entry]) -> dict[int, tuple[Ingredient, ...]]:
    """Return the lines of ingredients that count, by the id of the entry; an entry that has none is left out.

    Only a case study's text is read: its whole text where that is longer than the feed's. Reading takes some
    milliseconds an entry, so that no line of it is stored; what was read last is remembered, because the editions of
    several cadences, and each preview, show the same entries.
    """
    numbers = [entry.id for entry in some if entry.kind == CASE_STUDY]
    given = ingredients.given(conn, numbers)
    texts = entries.bodies(conn, numbers)
    whole = entry_texts.texts_of(conn, numbers)
    texts |= {number: text for number, text in whole.items() if says_more(text, texts.get(number, ""))}
    lines = {number: chosen(_read(texts.get(number, "")), given.get(number, Given())) for number in numbers}
    return {number: some_lines for number, some_lines in lines.items() if some_lines}
