"""The shipped gazetteer is whole, and the script that builds it applies its corrections."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from digest.facets.places.build import GazetteerRow, build, council_rows, disagreements, main, supplement_rows
from digest.facets.places.gazetteer import load_gazetteer
from digest.model import REGIONS
from tests.counts import table

KINDS = {
    "people",
    "council", "county", "city-region", "town", "police", "nhs", "nation", "region", "landmark", "outside", "phrase",
}  # fmt: skip
CODES = "local-authority-code,official-name,nice-name,replaced-by,region,local-authority-type,county-la\n"


def shipped() -> list[GazetteerRow]:
    text = files("digest.facets.places").joinpath("data", "gazetteer.tsv").read_text(encoding="utf-8")
    return [GazetteerRow(*line.split("\t")) for line in text.splitlines() if not line.startswith("#")]


def test_every_row_has_a_name_a_kind_and_known_regions() -> None:
    for row in shipped():
        assert row.name
        assert row.shown
        assert row.kind in KINDS, row
        assert row.regions, row
        assert set(row.regions.split(";")) <= set(REGIONS), row
        assert row.care in ("", "word", "twin", "caps"), row


def test_no_name_stands_twice() -> None:
    names = [row.name for row in shipped()]
    assert len(names) == len(set(names)) > 2500


def test_a_county_lies_where_most_of_its_districts_lie() -> None:
    assert disagreements(shipped()) == []
    assert sum(1 for row in shipped() if row.county) > 400  # the rule has something to bite on


def test_the_rule_would_catch_a_county_in_the_wrong_region() -> None:
    rows = [
        GazetteerRow("shire", "Shire", "county", "west-midlands"),
        GazetteerRow("upper shire", "Upper Shire", "council", "east-midlands", "Shire"),
        GazetteerRow("lower shire", "Lower Shire", "council", "east-midlands", "Shire"),
    ]
    assert disagreements(rows) == ["shire: west-midlands, but its districts say east-midlands"]


@table(
    "name, shown, regions",
    [
        ("Derbyshire", "Derbyshire", ("east-midlands",)),
        ("Lincolnshire County Council", "Lincolnshire", ("east-midlands",)),
        ("Greater Lincolnshire", "Greater Lincolnshire", ("east-midlands", "yorkshire-and-the-humber")),
        ("Hull and East Yorkshire", "Hull and East Yorkshire", ("yorkshire-and-the-humber",)),
        ("Forest Heath", "Forest Heath", ("east-of-england",)),
        ("Kettering", "Kettering", ("east-midlands",)),
        ("Purbeck", "Purbeck", ("south-west",)),
        ("Bournemouth", "Bournemouth", ("south-west",)),
        ("Buckinghamshire County Council", "Buckinghamshire", ("south-east",)),
        ("City of Bristol", "Bristol", ("south-west",)),
        ("Greater Manchester", "Greater Manchester", ("north-west",)),
        ("Tees Valley", "Tees Valley", ("north-east",)),
        ("Merseyside", "Merseyside", ("north-west",)),
        ("Tyne & Wear", "Tyne and Wear", ("north-east",)),
        ("Humberside", "Humberside", ("yorkshire-and-the-humber",)),
        ("Berkshire", "Berkshire", ("south-east",)),
        ("Thames Valley Police", "Thames Valley", ("south-east",)),
        ("Bootle", "Bootle", ("north-west",)),
        ("Margate", "Margate", ("south-east",)),
        ("Kendal", "Kendal", ("north-west",)),
        ("Keynsham", "Keynsham", ("south-west",)),
        ("Whitby", "Whitby", ("yorkshire-and-the-humber",)),
        ("Sedgefield", "Sedgefield", ("north-east",)),
        ("Dumfries", "Dumfries", ("scotland",)),
        ("ynys mon", "Anglesey", ("wales",)),
        ("Londonderry", "Londonderry", ("northern-ireland",)),
    ],
)
def test_names_that_the_plain_list_lacks_or_gets_wrong(name: str, shown: str, regions: tuple[str, ...]) -> None:
    place = load_gazetteer().names.lookup(name)
    assert place is not None
    assert (place.shown, place.regions) == (shown, regions)


def test_a_phrase_is_not_a_place() -> None:
    assert load_gazetteer().names.lookup("Kent State") is None
    assert load_gazetteer().names.lookup("") is None
    assert load_gazetteer().names.lookup("Nowhere-on-Sea") is None


def test_the_credit_is_in_the_file() -> None:
    head = files("digest.facets.places").joinpath("data", "gazetteer.tsv").read_text(encoding="utf-8")[:200]
    assert "mySociety" in head
    assert "CC BY 4.0" in head


def lists(folder: Path, councils: str, corrections: str = "") -> Path:
    (folder / "uk_local_authorities_current.csv").write_text(CODES + councils, encoding="utf-8")
    (folder / "lookup_name_to_registry.csv").write_text(
        "la-name,local-authority-code\nUpper Shire district,UPP\nold shire,OLD\n", encoding="utf-8"
    )
    (folder / "corrections.csv").write_text(
        "local-authority-code,nice-name,field,as shipped (v1.6.1),should be,evidence\n" + corrections,
        encoding="utf-8",
    )
    return folder


COUNCILS = (
    "SHI,Shire County Council,Shire,,West Midlands,CTY,\n"
    "UPP,Upper Shire District Council,Upper Shire,,East Midlands,NMD,SHI\n"
    "OLD,Old Shire District Council,Old Shire,UPP,,NMD,XXX\n"
    "XXX,Elsewhere County Council,Elsewhere,,London,CTY,\n"
)
FIX = "SHI,Shire,region,West Midlands,East Midlands,its districts say so\n"


def test_build_corrects_and_fills_from_the_successor(tmp_path: Path) -> None:
    rows = {row.name: row for row in council_rows(lists(tmp_path, COUNCILS, FIX))}
    assert rows["Shire"].regions == "east-midlands"
    assert (rows["Old Shire"].regions, rows["Old Shire"].county) == ("east-midlands", "Shire")
    assert "Upper Shire district" not in rows  # shorthand that nobody writes


def test_build_refuses_a_county_its_districts_contradict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shire: west-midlands, but its districts say east-midlands"):
        build(lists(tmp_path, COUNCILS))


def test_build_refuses_a_correction_that_no_longer_fits(tmp_path: Path) -> None:
    stale = "SHI,Shire,region,London,East Midlands,-\n"
    with pytest.raises(ValueError, match="no longer has the value to correct"):
        build(lists(tmp_path, COUNCILS, stale))


def test_build_refuses_a_district_without_region_or_successor(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Lost: no region and no successor"):
        build(lists(tmp_path, COUNCILS + "LOS,Lost Council,Lost,,,NMD,\n", FIX))


def test_supplement_lines_are_checked() -> None:
    assert supplement_rows(["# note\n", "town\twales\tAlpha; Bts=Beta\n"]) == [
        GazetteerRow("Alpha", "Alpha", "town", "wales"),
        GazetteerRow("Bts", "Beta", "town", "wales"),
    ]
    with pytest.raises(ValueError, match=r"supplement\.tsv line 2"):
        supplement_rows(["\n", "town wales Alpha\n"])


def test_check_says_when_the_shipped_file_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lists(tmp_path, COUNCILS, FIX)
    assert main([str(folder), "--check"]) == 1
    assert "differs" in capsys.readouterr().out
    assert main([]) == 2


def test_a_host_name_is_a_name_without_spaces() -> None:
    names = load_gazetteer().names
    place = names.joined("towerhamlets")
    assert place is not None and place.regions == ("london",)
    assert names.joined("kentstate") is None
    assert names.joined("www") is None
