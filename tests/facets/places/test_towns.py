"""The builder of towns.tsv takes the towns whose names tell one region."""

from __future__ import annotations

from digest.facets.places.gazetteer import load_gazetteer
from digest.facets.places.towns import main, region_of, towns
from tests.counts import table

NAMES = load_gazetteer().names


@table(
    "admin1, admin2, slug",
    [
        ("England", "Kent", "south-east"),
        ("England", "City and Borough of Leeds", "yorkshire-and-the-humber"),
        ("England", "Metropolitan Borough of Wirral", "north-west"),
        ("England", "District of Rutland", "east-midlands"),
        ("England", "Elsewhere", ""),
        ("Wales", "Sir Powys", "wales"),
        ("Northern Ireland", "", "northern-ireland"),
    ],
)
def test_a_county_gives_the_region(admin1: str, admin2: str, slug: str) -> None:
    assert region_of(admin1, admin2, NAMES) == slug


def test_names_that_tell_one_region_and_are_new() -> None:
    places = [
        ("Nether Quibble", "England", "Kent", "GB"),
        ("Quibbleford", "England", "Kent", "GB"),
        ("Quibbleford", "England", "Devon", "GB"),  # two of them
        ("Quibble", "Scotland", "Fife", "GB"),  # a word
        ("Quibblesby", "Wales", "Powys", "GB"),  # a surname
        ("Leeds", "England", "City and Borough of Leeds", "GB"),  # known already
        ("Quibbleville", "Ohio", "", "US"),
    ]
    rows = [dict(zip(("name", "admin1", "admin2", "cc"), place, strict=True)) for place in places]
    assert towns(rows, NAMES, {"quibble"}, {"quibblesby"}) == [
        "Nether Quibble\tsouth-east\t",
        "Quibble\tscotland\tword",
        "Quibblesby\twales\tword",
    ]
    assert main([]) == 2
