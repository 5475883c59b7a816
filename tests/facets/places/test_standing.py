"""How firmly the first place of a text stands in it, as a table."""

from __future__ import annotations

from digest.facets.places.gazetteer import load_gazetteer
from digest.facets.places.standing import FIRM, LOOSE, PLAIN
from tests.counts import table


@table(
    "text, stands",
    [
        ("New rotas in Cornwall", FIRM),
        ("A rota for the Midlands", FIRM),
        ("What Cornwall's nurses want", FIRM),
        ("What Cornwall County Council wants", FIRM),
        ("Cornwall buys a rota", FIRM),
        ("Rotas: Cornwall buys one", FIRM),
        ("Rotas for nurses, from Fife, Leeds and Powys", FIRM),  # three that are listed
        ("What Cornwall wants of a rota", PLAIN),
        ("A rota that came from Cornwall", PLAIN),
        ("What Cornwall GPs want of a rota", PLAIN),  # an abbreviation makes no longer name
        ("Good rotas by Cornwall Nanotronics", LOOSE),
        ("A play by Zebedee Cornwall about rotas", LOOSE),
        ("Good Rotas By Cornwall Nanotronics", PLAIN),  # all words have capitals
        ("Bolton asks for a rota", LOOSE),  # as often a surname
        ("Bolton: a rota at last", FIRM),
        ("Bolton and Rochdale ask for a rota", PLAIN),
    ],
)
def test_how_firmly_a_name_stands(text: str, stands: int) -> None:
    assert load_gazetteer().find(text)[0].standing == stands
