"""Places that are not what they look like, as one table: text -> the strong places found in it."""

from __future__ import annotations

from digest.facets.places.gazetteer import load_gazetteer
from tests.counts import table

SOUTH_EAST = {"Reading": ("south-east",)}

# text, {shown name: regions} of what may set a region
TRAPS: list[tuple[str, dict[str, tuple[str, ...]]]] = [
    # ordinary words
    ("Reading skills improve in primary schools", {}),
    ("Why we are reading more", {}),
    ("Further Reading", {}),
    ("Improvement in Reading and Writing at Key Stage 2", {}),
    ("Reading the Room: How Councils Listen", {}),
    ("Summer Reading Challenge returns to libraries", {}),
    ("New homes in Reading", SOUTH_EAST),
    ("Reading Borough Council: retrofit at pace", SOUTH_EAST),
    ("Hospital discharge in Reading, one year on", SOUTH_EAST),
    ("Pupils do better in Reading", {}),
    ("Reading council opens a family hub", SOUTH_EAST),
    ("Improving Attainment in Reading Across the County", {}),
    ("HOMELESSNESS IN READING", SOUTH_EAST),
    ("Bath time for babies", {}),
    ("Safer streets in Bath", {"Bath": ("south-west",)}),
    ("The city of Bath cleans its air", {"Bath": ("south-west",)}),
    ("Rugby club runs food bank", {}),
    ("Rugby League and mental health", {}),
    ("Rugby Borough Council joins the scheme", {"Rugby": ("west-midlands",)}),
    ("Wells run dry as drought deepens", {}),
    ("Flood defences in Wells", {"Wells": ("south-west",)}),
    ("Barking dogs: a noise policy", {}),
    ("Barking and Dagenham rethinks homelessness", {"Barking and Dagenham": ("london",)}),
    ("Sale of council land", {}),
    ("A Deal with Housing Providers", {}),
    ("Deal, Kent: the pier reopens", {"Deal": ("south-east",), "Kent": ("south-east",)}),
    ("Battle of ideas on social care", {}),
    ("Figures for March 2024", {}),
    ("What changes in March 2025", {}),
    ("Beware of scams", {}),
    ("Bury the hatchet", {}),
    ("Stone Age find on building site", {}),
    ("Down by the river", {}),
    # a way of working that is named after a place, and taken up in another
    ("The Preston model comes to Wales", {"Wales": ("wales",)}),
    ("How the Bradford approach spread to Fife", {"Fife": ("scotland",)}),
    ("Wigan Deal inspires Kirklees", {"Kirklees": ("yorkshire-and-the-humber",)}),
    ("Model Preston yn cyrraedd Ceredigion", {"Ceredigion": ("wales",)}),
    ("The Leeds method reaches schools in Kent", {"Kent": ("south-east",)}),
    ("The Preston model at ten", {"Preston": ("north-west",)}),
    ("The Preston model is tried again and again", {"Preston": ("north-west",)}),
    ("The Bradford approach in three steps", {"Bradford": ("yorkshire-and-the-humber",)}),
    # Welsh names as they change after "i", "yn" and "a"
    ("Tai yng Nghymru", {"Wales": ("wales",)}),
    ("Model Preston yn dod i Gymru", {"Wales": ("wales",)}),
    ("Gofal ym Mhowys", {"Powys": ("wales",)}),
    ("Plant a phobl ifanc yng Nghaerdydd", {"Cardiff": ("wales",)}),
    ("Croeso i Fro Morgannwg", {"Vale of Glamorgan": ("wales",)}),
    # longest name first
    ("Lancaster West tenants design their homes", {"Lancaster West, Kensington": ("london",)}),
    ("Lancaster City Council: retrofit", {"Lancaster": ("north-west",)}),
    ("West Midlands Police and mental health", {"West Midlands": ("west-midlands",)}),
    ("West Midlands Combined Authority skills plan", {"West Midlands": ("west-midlands",)}),
    ("North East Lincolnshire cuts waiting times", {"North East Lincolnshire": ("yorkshire-and-the-humber",)}),
    ("North East councils pool budgets", {"North East": ("north-east",)}),
    ("North West Leicestershire recycles more", {"North West Leicestershire": ("east-midlands",)}),
    ("Bath and North East Somerset: early help", {"Bath and North East Somerset": ("south-west",)}),
    ("Bath & North East Somerset: early help", {"Bath and North East Somerset": ("south-west",)}),
    ("Brighton & Hove goes car free", {"Brighton and Hove": ("south-east",)}),
    ("Newcastle-under-Lyme tackles litter", {"Newcastle-under-Lyme": ("west-midlands",)}),
    ("Newcastle tackles litter", {"Newcastle": ("north-east",)}),
    ("South West Hertfordshire plans together", {"Hertfordshire": ("east-of-england",)}),
    ("South West London integrates care", {"South West London": ("london",)}),
    ("South East Asia trip", {"South East Asia": ("national",)}),
    ("South Holland District Council housing", {"South Holland": ("east-midlands",)}),
    ("A green space plan for Holland Park", {"Holland Park": ("london",)}),
    ("Bury St Edmunds market", {"Bury St Edmunds": ("east-of-england",)}),
    ("Royal Tunbridge Wells theatre", {"Tunbridge Wells": ("south-east",)}),
    ("Kingston upon Hull maternity care", {"Kingston upon Hull": ("yorkshire-and-the-humber",)}),
    ("St. Helens and St Helens", {"St Helens": ("north-west",)}),
    ("Southend’s health and care", {"Southend": ("east-of-england",)}),
    ("King's Lynn and West Norfolk", {"Kings Lynn and West Norfolk": ("east-of-england",)}),
    ("Ynys Môn housing", {"Anglesey": ("wales",)}),
    ("Hants fire crews", {"Hampshire": ("south-east",)}),
    ("Kirkby-in-Ashfield and Kirkby", {"Kirkby-in-Ashfield": ("east-midlands",), "Kirkby": ("north-west",)}),
    # namesakes abroad, and abroad itself
    ("Durham, North Carolina, shares its data", {"North Carolina": ("national",)}),
    ("Durham shares its data", {"County Durham": ("north-east",)}),
    ("How Boston cut violence", {}),
    ("Boston Borough Council: market place", {"Boston": ("east-midlands",)}),
    ("Perth and Kinross Council", {"Perth and Kinross": ("scotland",)}),
    ("Perth goes solar", {}),
    ("Washington passes a climate bill", {}),
    ("Washington, Tyne and Wear", {"Washington": ("north-east",)}),
    ("Halifax, Nova Scotia opens a library", {"Nova Scotia": ("national",)}),
    ("A library in Halifax", {"Halifax": ("yorkshire-and-the-humber",)}),
    ("Richmond and the tram", {}),
    ("New York and its parks", {"New York": ("national",)}),
    ("New York and York compare notes", {"New York": ("national",), "York": ("yorkshire-and-the-humber",)}),
    ("Kent State University study", {}),
    ("Kent County Council study", {"Kent": ("south-east",)}),
    ("Join Us for Coffee", {}),
    ("What the US's cities do", {"United States": ("national",)}),
    ("B&NES rolls it out", {"Bath and North East Somerset": ("south-west",)}),
    ("Manchester, Oslo and Rome compare", {
        "Manchester": ("north-west",), "Oslo": ("national",), "Rome": ("national",),
    }),
    ("Leeds, European city of learning", {"Leeds": ("yorkshire-and-the-humber",), "Europe": ("national",)}),
    ("Bradford Irish elders", {"Bradford": ("yorkshire-and-the-humber",)}),
    # people, titles and firms
    ("Jack London and the sea", {}),
    ("Abraham Lincoln on leadership", {}),
    ("Lincoln opens a hub", {"Lincoln": ("east-midlands",)}),
    ("Interview with Sarah Preston", {}),
    ("Cllr Bradford on adult learning", {}),
    ("Duke of York opens centre", {}),
    ("Duchy of Cornwall plans homes", {}),
    ("The Windsor Framework explained", {}),
    ("Cambridge Analytica and trust", {}),
    ("Bank of Scotland survey", {}),
    ("Westminster must act on funding", {}),
    ("City of Westminster: rough sleeping", {"Westminster": ("london",)}),
    ("London School of Economics finds savings", {}),
    ("University of Sheffield finds savings", {}),
    # venues and addresses
    ("Our annual conference in Manchester", {}),
    ("Notes from a workshop in Leeds", {}),
    ("Join us in Birmingham to talk about data", {}),
    ("Data summit: Bristol, 12 June", {}),
    ("A hack day held at Cardiff", {}),
    ("NHS Hack Day 13 - London", {}),
    ("Annual conference: Leeds", {}),
    ("Annual conference: Leeds shares its data", {"Leeds": ("yorkshire-and-the-humber",)}),
    ("Events and festivals revive Whitby", {"Whitby": ("yorkshire-and-the-humber",)}),
    ("Roundtable at Leeds Town Hall", {}),
    ("Office moves to 12 Oxford Road", {}),
    ("Conference hears how Oldham cut delays", {"Oldham": ("north-west",)}),
    ("Festival of learning in Wales", {}),
    # one plan, many regions
    ("Greater Lincolnshire devolution", {"Greater Lincolnshire": ("east-midlands", "yorkshire-and-the-humber")}),
    ("England and Wales compared", {"England and Wales": ("national",)}),
    ("Northern Ireland and Ireland", {"Northern Ireland": ("northern-ireland",), "Ireland": ("national",)}),
    # case is evidence
    ("we slough off old habits", {}),
    ("a gloucester old spot pig", {}),
]  # fmt: skip


@table("text, expected", TRAPS)
def test_only_the_subject_is_strong(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert {m.name: m.regions for m in load_gazetteer().find(text) if m.strong} == expected


@table(
    "text, why",
    [
        ("Our annual conference in Manchester", "a venue"),
        ("Interview with Sarah Preston", "a surname"),
        ("Office moves to 12 Leeds Road", "an address"),
        ("University of Sheffield finds savings", "a university"),
        ("Reading more", "also a word"),
        ("How Boston cut violence", "has a namesake elsewhere"),
    ],
)
def test_a_weak_mention_says_why(text: str, why: str) -> None:
    (mention,) = load_gazetteer().find(text)
    assert (mention.strong, mention.why) == (False, why)


def test_the_publisher_can_speak_for_an_ambiguous_name() -> None:
    find = load_gazetteer().find
    assert not find("Reading opens a hub")[0].strong
    assert find("Reading opens a hub", hints=["Reading Borough Council"])[0].strong
    assert not find("Reading opens a hub", hints=["Reading Weekly"])[0].strong


def test_mentions_are_in_order_and_where_they_say() -> None:
    text = "From Cornwall to Leeds, Stoke-on-Trent and Kent."
    mentions = load_gazetteer().find(text)
    assert [m.name for m in mentions] == ["Cornwall", "Leeds", "Stoke-on-Trent", "Kent"]
    assert [text[m.start :].startswith(m.name) for m in mentions] == [True] * 4
