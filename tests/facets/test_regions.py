"""The regions of an entry as tables: title, summary and publisher -> regions. All texts are made up."""

from __future__ import annotations

from digest.classify import kind_of
from digest.facets.entry_text import entry_text
from digest.facets.located import Located
from digest.facets.places.gazetteer import load_gazetteer
from digest.facets.regions import locate
from digest.model import Sighting, Source
from tests.counts import table

Row = tuple[str, str, str]  # title, summary, regions divided by spaces


def regions_of(title: str, summary: str = "", publisher: str = "", link: str = "", kind: str = "post") -> str:
    """Return the regions of an entry, divided by spaces."""
    sighting = Sighting(None, link or None, title, summary=summary, kind=kind)
    study = kind_of(sighting, Source("S")) == "case-study"
    return " ".join(sorted(locate(load_gazetteer(), entry_text(sighting, publisher), None, study=study).regions))


LONGER_NAMES: list[Row] = [
    ("Stratford-upon-Avon trials a shared bus", "", "west-midlands"),
    ("Burton upon Trent brewers recycle", "", "west-midlands"),
    ("Leeds Castle offers falconry for carers", "", "south-east"),
    ("Bolton Abbey footpath repaired", "", "yorkshire-and-the-humber"),
    ("Great Yarmouth tackles damp", "", "east-of-england"),
    ("Little Bolton-upon-Elsewhere plants a hedge", "", "unknown"),  # a longer name that no list has
    ("North West Wales hospital car", "", "wales"),
    ("north-west England water plan", "", "north-west"),
    ("Quiet boats for the Broads", "", "east-of-england"),
]
MOVED: list[Row] = [
    ("Whitchurch, Hampshire: the mill", "", "south-east"),
    ("Wellington in Somerset plants trees", "", "south-west"),
    ("Newport (Isle of Wight) library", "", "south-east"),
    ("Newport, Shropshire", "", "west-midlands"),
    ("Middleton, Greater Manchester: trams", "", "north-west"),
    ("Melbourne, Derbyshire, mends bicycles", "", "east-midlands"),
    ("Oldham, Kent and Fife compare notes", "", "north-west scotland south-east"),  # a list
    ("London, Ontario, houses families", "", "national"),
    ("Cambridge, MA, counts bikes", "", "national"),
    ("Newcastle (New South Wales) goes solar", "", "national"),
    ("Lincoln Park, Chicago, opens up", "", "national"),
    ("Aberdeen, Washington, votes", "", "national"),
    ("Sunderland, Washington and Gateshead share one", "", "north-east"),
    ("Manchester in New Hampshire counts its homeless", "", "national"),
    ("Birmingham opens its libraries late", "The Alabama city's mayor says crime fell.", "national"),
]
PEOPLES_AND_COMPANIES: list[Row] = [
    ("Polish families settle in Boston", "The Lincolnshire town runs classes.", "east-midlands"),
    ("Irish elders tell their stories", "", "unknown"),
    ("Chinese elders' lunch club in Salford", "", "north-west"),
    ("Danish schools teach empathy", "", "national"),
    ("Oxford Economics on slow planning", "", "unknown"),
    ("What Leeds Building Society taught us about data", "", "unknown"),
    ("Yorkshire Water pays for meters", "", "unknown"),
    ("Cumberland sausages for breakfast club", "", "unknown"),
    ("Kendal mint cake and kindness", "", "unknown"),
    ("Plymouth Gin bottles become lamps in Fife", "", "scotland"),
    ("Yorkshire terriers on the ward round", "", "unknown"),
    ("The Leeds tea dance returns", "", "yorkshire-and-the-humber"),
    ("Hackney carriage drivers spot abuse", "", "unknown"),
]
SURNAMES: list[Row] = [
    ("Sir Simon Stafford: lessons learnt", "", "unknown"),
    ("Judge Warwick: let children write to the court", "", "unknown"),
    ("Chelsea, 19, left care with a bin bag", "", "unknown"),
    ("‘Fund the basics first,’ Lancaster says", "", "unknown"),
    ("What Burnley et al. got right", "", "unknown"),
    ("Jack Preston joins the board", "Preston was a nurse in the army.", "unknown"),
    ("Lancaster says no to a bypass", "", "unknown"),  # a town or a person
    ("Lancaster says no to a bypass", "The council voted on Monday.", "north-west"),
    ("Who was Walter Hull?", "", "unknown"),
    ("A word from Rev. Derby on silence", "", "unknown"),
]
TAILS: list[Row] = [
    ("Homes for nurses – Manchester Evening News", "", "unknown"),
    ("Street votes explained | York Policy Notes", "", "unknown"),
    ("Peer support for carers in Powys - Bristol Post", "", "wales"),
    ("Hospital discharge made easy | Leeds City Council", "", "yorkshire-and-the-humber"),  # the only clue
    ("Hospital discharge across the UK | Leeds City Council", "", "national"),
    ("South Kesteven District Council - transfer of a service to the council", "", "east-midlands"),
    ("What makes a good rota? – Cornwall Workforce Laboratory", "", "unknown"),
    ("What makes a good rota? :: Exeter School of Nursing", "", "unknown"),
    ("Rotas that last | Dundee Policy Institute | Briefings", "", "unknown"),
    ("Sharing rotas in Dundee – What We Learnt", "", "scotland"),
]
VENUES: list[Row] = [
    ("Library leaders meet in Brighton", "", "unknown"),
    ("Brighton's conference trade is back", "The city wants waiters.", "south-east"),
    ("Launch events in London and Nottingham", "", "unknown"),
    ("Leeds, Exeter, Norwich: roadshow dates", "", "unknown"),
    ("From a Cardiff stage: four nurses on staffing", "", "unknown"),
    ("Workshop: mapping your data, 14 May, Bristol", "", "unknown"),
    ("The trial took place in Luton", "", "east-of-england"),
    ("Nottingham hosts the housing summit", "", "unknown"),
    ("At a Manchester conference, Devon nurses explain a plan", "", "south-west"),
    ("Fife heat network takes the prize at Birmingham ceremony", "", "scotland"),
    ("Gateshead's food partnership tells its story in Belfast", "", "north-east"),
    ("Notes from Brighton", "The approach was tried in Inverness first.", "scotland"),
    ("Leeds opens a hub", "It was tried in Inverness first.", "yorkshire-and-the-humber"),
]
EXAMPLES: list[Row] = [
    ("A lost parcel", "Mine went from Bolton to Stoke and back.", "unknown"),
    ("Social prescribing needs choirs", "On a day out in Salford I heard one.", "unknown"),
    ("Better letters", "Places such as Leeds and Fife do it well.", "unknown"),
    ("A guide for boards", "What others can learn from Glasgow.", "unknown"),
    ("Lessons from Glasgow", "", "scotland"),  # in a title it is the subject
    ("The grant explained", "With worked examples for Luton and Carlisle.", "unknown"),
    ("Surrey-style mergers", "", "unknown"),
    ("Bus passes in England", "Mary, 81, from Skegness rides every day.", "national"),
    ("Bus passes", "Mary, 81, from Skegness rides every day.", "unknown"),
]
TIES: list[Row] = [
    (
        "Three pilots",
        "They ran in Cornwall, Leeds and Belfast.",
        "northern-ireland south-west yorkshire-and-the-humber",
    ),
    ("Five cities", "Coventry, Derby, Leicester, Manchester and Dudley.", "east-midlands north-west west-midlands"),
    ("Four towns", "Ipswich, Derby, Gateshead and Stirling closed a road.", "national"),
    (
        "A dentist in a van",
        "It calls at Boston, Whitby and Dover.",
        "east-midlands south-east yorkshire-and-the-humber",
    ),
]
FORMS: list[Row] = [
    ("Paisley's thread mills find new tenants", "", "scotland"),
    ("Paisley said so", "", "unknown"),
    ("Merseyside police and mental health", "", "north-west"),
    ("why cleveland police ask about pets", "", "north-east"),
    ("tees valley colleges pool their bays", "", "north-east"),
    ("Tynedale parishes share a youth worker", "", "north-east"),
    ("Since March, we have met weekly", "", "unknown"),
]
LIGHT: list[Row] = [  # named once, or in a text about the whole country
    ("Better rotas", "Councils across England try them. Cornwall began last year.", "national"),
    ("Better rotas", "Cornwall has new rotas, by Cornwall nurses. Nobody else in the UK has.", "south-west"),
    ("Better rotas in Britain", "Cornwall has new rotas.", "national"),
    ("Better rotas in Cornwall", "Much of the UK has none.", "south-west"),
    ("Notes on the rota summit", "In Cornwall the rotas are new.", "unknown"),
    ("Better rotas", "I still think of a rota that I saw in Cornwall.", "unknown"),
    ("Better rotas", "In Cornwall they are new.", "south-west"),
    ("Better rotas", "They came to us from Cornwall.", "unknown"),
    ("Better rotas", "They came to us from Cornwall. Half of Cornwall has them.", "south-west"),
    ("The Cornwall fax machine", "An old joke about rotas.", "unknown"),
    ("The Cornwall fax machine", "The county's last is in a museum.", "south-west"),
    ("The Cornwall fax machine", "", "south-west"),  # there is no body that could confirm it
    ("Portable scans with Cornwall Nanotronics", "", "unknown"),
]
NATIONAL: list[Row] = [
    ("Councils across the country are short of planners", "", "national"),
    ("Half of English councils cut grants", "", "national"),
    ("MPs call for one record for every child", "", "national"),
    ("All four nations agree on data", "", "national"),
    ("What the Budget means for health", "", "national"),
    ("Britain's oldest lido reopens", "", "unknown"),  # praise of a place in Britain
    ("National Trust opens doors in Surrey", "", "south-east"),
    ("A member of the youth parliament speaks", "", "unknown"),
    ("Ofsted to inspect differently", "", "national"),
    ("One warm room", "It was rated outstanding by Ofsted.", "unknown"),
    ("One warm room", "The team is nationally recognised.", "unknown"),
    ("Ten questions to ask before you sign", "Start with: could we do without?", "unknown"),
]


@table(
    "title, summary, regions",
    [
        *LONGER_NAMES, *MOVED, *PEOPLES_AND_COMPANIES, *SURNAMES, *TAILS, *VENUES, *EXAMPLES, *TIES, *FORMS,
        *LIGHT, *NATIONAL,
    ],
)  # fmt: skip
def test_title_and_summary(title: str, summary: str, regions: str) -> None:
    assert regions_of(title, summary) == regions


@table(
    "title, publisher, link, regions",
    [
        ("A new ward opens", "Belfast Health and Social Care Trust", "", "northern-ireland"),
        ("Our year in numbers", "Healthwatch Northumberland", "", "north-east"),
        ("A self-check", "Audit Wales", "", "wales"),
        ("A self-check", "Improvement Service", "", "scotland"),
        ("One team", "", "https://www.merseycare.nhs.uk/x", "north-west"),
        ("One team", "", "https://qi.hscni.net/x", "northern-ireland"),
        ("One team", "", "https://www.health-ni.gov.uk/x", "northern-ireland"),
        ("UK to ban vapes", "Cornwall Council", "https://www.cornwall.gov.uk/x", "national"),
        ("A glossary", "New Councils for Cumbria", "", "north-west"),
        ("Ministers publish new rules", "Care Scotland", "", "scotland"),  # its own ministers
        ("Half of all nurseries are full", "University of Sussex", "", "unknown"),
        ("New rules for lifts", "Historic England, Fire Fly Avenue, Swindon", "", "unknown"),  # an address
        ("Book a bulky collection", "", "https://www.lbhf.gov.uk/x", "london"),  # an abbreviated name
        ("Half of all nurseries are full", "Reading Weekly", "", "unknown"),
        ("Carers get a card in the North West", "Western Trust", "https://western.hscni.net/x", "northern-ireland"),
        ("Jobs in the North West", "Derry City and Strabane District Council", "", "northern-ireland"),
        ("Jobs in the North West", "Cheshire East Council", "", "north-west"),
        ("Use land data", "GOV.UK", "https://www.gov.uk/x", "national"),
        ("Housing here", "New Zealand Centre for Cities", "https://cities.org.nz/x", "national"),
    ],
)
def test_the_publisher_is_the_last_clue(title: str, publisher: str, link: str, regions: str) -> None:
    assert regions_of(title, publisher=publisher, link=link) == regions


def test_a_publisher_of_the_nation_does_not_make_a_case_study_national() -> None:
    assert regions_of("One front door", publisher="GOV.UK", kind="case-study") == "unknown"
    assert regions_of("One front door in England", publisher="GOV.UK", kind="case-study") == "national"


def test_the_defaults_of_a_source_stand_in_before_its_publisher() -> None:
    text = entry_text(Sighting(None, None, "Ministers decide"), "Leeds City Council")
    defaults = Located(("wales",), (), "")
    assert locate(load_gazetteer(), text, defaults, study=False) is defaults


LONG = "Words here. " * 100


@table(
    "body, regions",
    [
        ("<p>Fife opened a hub.</p>" + LONG, "scotland"),  # the start decides
        ("<p>Fife, Leeds and Powys share one.</p>" + LONG + "Powys. " * 9, "scotland wales yorkshire-and-the-humber"),
        ("<p>" + "Words here. " * 40 + "Fife. Fife." + LONG + "</p>", "scotland"),  # the lead, confirmed
        ("<p>" + "Words here. " * 40 + "Fife." + LONG + "</p>", "unknown"),  # once
        ("<p>" + LONG + "Fife. " * 9 + "</p>", "unknown"),  # after the lead
        (
            "<p>" + "Words here. " * 40 + "Fife. Leeds. Powys. " * 2 + "</p>",
            "scotland wales yorkshire-and-the-humber",
        ),
        ("<p>" + "Words here. " * 40 + "Fife. Leeds. Powys. Derby. Bude. " * 2 + "</p>", "national"),  # a round-up
        ("<p>Words.</p><table><tr><td>Fife</td></tr></table>", "unknown"),
    ],
)
def test_a_body_is_decided_by_its_start_or_by_its_lead_confirmed(body: str, regions: str) -> None:
    text = entry_text(Sighting(None, None, "Homes", html=body), "")
    assert " ".join(sorted(locate(load_gazetteer(), text, None, study=False).regions)) == regions


@table(
    "title, regions, place",
    [
        ("What Dutch neighbourhood nurses do in a week", "national", ""),
        ("A Finnish lesson on rough sleeping", "national", ""),
        ("Swiss and Austrian apprenticeships", "national", ""),
        ("The Danes count loneliness", "national", ""),
        ("Norwegian prisons", "national", ""),
        ("Japanese and Korean day centres, seen in Seoul", "national", "Seoul"),
        ("Spanish housing teams visit Madrid", "national", "Madrid"),
        ("Fife tries a Dutch idea", "scotland", "Fife"),
        ("Irish elders of Powys meet", "wales", "Powys"),
        ("German cooperatives, Leeds City Council and homes", "yorkshire-and-the-humber", "Leeds"),
    ],
)
def test_a_people_is_no_place(title: str, regions: str, place: str) -> None:
    located = locate(load_gazetteer(), entry_text(Sighting(None, None, title), ""), None, study=False)
    assert (" ".join(located.regions), located.place) == (regions, place)
