"""The ingredients read from case studies: the right name, or none; and every line stands in the source."""

from __future__ import annotations

import html
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.learning.read import read_ingredients
from digest.model import BARRIERS, INGREDIENTS
from tests.counts import few_and_many, table

STORY = """Melton Borough Council wanted to help families before a crisis.

## The challenge

Staff in four services could not share what they saw. Managers were reluctant to let go of their own budgets.

## What we did

The council brought four teams into one room. They meet every Monday. We will add the police next year.

## Impact

Repeat calls fell by 30 per cent in the first year. We hope to halve them. “It saved my life,” a mother said. No \
improvement was seen in rents.

## What others need

- It is essential that one leader can decide.
- The list of services can be adapted to the place.

## Contact

Contact Jane Doe, the lead officer, by e-mail.
"""


def lines(text: str) -> list[tuple[str, str]]:
    return [(line.name, line.text) for line in read_ingredients(text)]


def test_a_whole_case_study() -> None:
    assert lines(STORY) == [
        ("place", "Melton Borough Council wanted to help families before a crisis."),
        ("wanted", "Melton Borough Council wanted to help families before a crisis."),
        ("in-the-way", "Managers were reluctant to let go of their own budgets."),
        ("in-the-way", "Staff in four services could not share what they saw."),
        ("did", "The council brought four teams into one room."),
        ("changed", "Repeat calls fell by 30 per cent in the first year."),
        ("must-stay", "It is essential that one leader can decide."),
        ("may-change", "The list of services can be adapted to the place."),
        ("who-to-ask", "Contact Jane Doe, the lead officer, by e-mail."),
    ]


# Each is said in a sentence of its own, below the heading.
@table(
    "heading, sentence, names",
    [
        ("", "We introduced a shared list of the people who wait longest.", ["did"]),
        ("", "A joint team was set up in the old library in Hull.", ["did"]),
        ("", "We plan to introduce a shared list of the people who wait.", []),
        ("", "We did not introduce the shared list that people asked for.", []),
        ("", "If the council had introduced a shared list, it would have helped.", []),
        ("", "“We introduced a shared list,” said a nurse from another town.", []),
        ("Next steps", "We introduced a shared list of the people who wait longest.", []),
        ("References", "We introduced a shared list of the people who wait longest.", []),
        ("Impact", "Waiting times fell from nine weeks to four.", ["changed"]),
        ("", "Waiting times fell from nine weeks to four.", ["changed"]),
        ("Impact", "Waiting times could fall from nine weeks to four.", []),
        ("Impact", "We expect that waiting times have fallen by a third.", []),
        ("Impact", "The service received 4,300 calls and 200 letters.", []),
        ("Impact", "Waiting times have not fallen for those who are oldest.", []),
        ("Impact", "Nationally, knife crime fell by 12 per cent in the same year.", []),
        ("Impact", "Similar work elsewhere has shown that falls fell by a third.", []),
        ("Impact", "The new system reduces the time that nurses spend on forms.", ["changed"]),
        ("", "The new system reduces the time that nurses spend on forms.", []),
        ("Impact", "Complaints were expected to fall by 30 per cent by April.", []),
        ("Impact", "If calls had fallen by a third we should have gone on.", []),
        ("", "The change led to confusion and to delays of up to 3 weeks.", []),
        ("", "Receptionists now ask people where they had their last drink.", ["did"]),
        ("", "The trust was established in 2006 by three hospitals.", []),
        ("", "We set up a hub so that staff could meet and would talk.", ["did"]),
        ("", "Bolton Council, its hospital and Greater Manchester Police launched a hub.", ["place", "did"]),
        ("", "A service was developed by a company that hospitals in the south own.", []),
        ("", "The nurses asked why people stay on wards who no longer need a hospital bed.", ["did"]),
        ("", "Social workers could not see the hospital record of those on the ward.", ["in-the-way"]),
        ("", "Funding for the hub ended in March 2021 and nobody has replaced it.", ["in-the-way"]),
        ("", "Concerns about data protection meant that little was shared by e-mail.", ["in-the-way"]),
        ("2. 🎯 Results", "- 45% reduction in calls to the contact centre", ["changed"]),
        ("Results", "Attendance among the children improved.", ["changed"]),
        ("Aim", "To reduce loneliness among older people living alone.", ["wanted"]),
        (
            "How is the approach being sustained?",
            "The service has been extended to seven other GP clusters.",
            ["how-far"],
        ),
        ("", "It takes about 900 calls a month from families and schools.", []),
        ("", "It takes an honorary contract and a budget for locksmiths.", ["must-stay"]),
        ("Learning", "Each area can choose its own people for the front desk.", ["may-change"]),
        ("", "Teachers report that children are calmer in their classes.", ["how-they-know"]),
        ("", "Families told us that they had to tell their story again.", []),
        ("Contact", "Rachel Jones, service manager, rachel@example.org", ["who-to-ask"]),
        ("", "Cornwall introduced one number for early help in every district.", ["did"]),
        ("", "The support hub brings eleven agencies together once a month.", []),
        ("What they did", "The support hub brings eleven agencies together once a month.", ["did"]),
        ("", "Missed appointments fell to one in fourteen on the new bus.", ["changed"]),
        ("", "Replies from the villages went from 6 to 31 in a hundred.", ["changed"]),
        ("", "Four stopped when a leader of the council moved on.", []),
        ("", "Government funding fell by 40 per cent over the decade.", []),
        ("", "Demand for adult social care rose by a fifth in two years.", []),
        ("", "As a result, nobody is moved on from the ward without a home.", ["changed"]),
        ("The challenge", "The three services had no shared system for referrals.", ["in-the-way"]),
        ("", "Legal concerns meant that officers were not able to share names.", ["in-the-way"]),
        ("", "The team overcame every barrier of culture and technology.", []),
        ("Lessons learned", "It was crucial that both chief officers signed it.", ["must-stay"]),
        ("", "Is the lack of trust a barrier to the sharing of data?", []),
        ("The challenge", "There was no lack of trust between the agencies in the county.", []),
        ("The challenge", "Trust was not an obstacle, and the law was no barrier to the two teams.", []),
        ("The challenge", "It is a myth that the staff of the two teams lacked trust.", []),
        ("The challenge", "We had feared a lack of funding would stop us, but it never did.", []),
        ("Impact", "Nobody believed that evictions fell by 40% in the first year.", []),
        ("Impact", "The press reported wrongly that evictions fell by 40% in a year.", []),
        ("Impact", "Evictions fell by 40% in a year, but this was because the clinic closed.", []),
        ("What we did", "Our rivals at the other council set up a hub for families.", []),
        ("Similar projects elsewhere", "The council set up a hub for families in the library.", []),
        ("Example from Denmark", "The council set up a hub for families in the library.", []),
        ("What we did", "They rang each of the families on the list before the winter.", []),
        ("Impact", "This cut the time that nurses spend on forms by a third.", []),
        ("Impact", "This service cut the time that nurses spend on forms by a third.", ["changed"]),
        ("", "We agreed on three rules for the shared list of the names:", []),
        ("", "We tested this with the nurses of two wards in the spring.", []),
        ("", "We tested a list with the nurses of two wards in the spring.", ["did"]),
        ("", "We set up the hub as described above in the summer.", []),
        ("", "We set up a hub and, you know, a desk for families.", []),
        ("", "We set up a hub because a friend of mine told me of one.", []),
        ("", "Since the hub was set up there have been forty calls a week.", []),
        ("", "When the hub was full, the council set up a second one.", ["did"]),
        ("", "What was set up by the council became a hub for families.", []),
        ("", "Back in 1998, the council set up a hub for families.", []),
        ("", "The government set up a fund for hubs that help families.", []),
        ("", "The council has a service called Better Days for families.", []),
        ("", "The council, which won an award for it, set up the hub.", []),
        ("", "Lime Grove introduced a shared list in every surgery.", ["did"]),
        ("The challenge", "Families on the estate face complex problems with money.", []),
        ("The challenge", "The list brings together records that nobody could share.", []),
        ("The challenge", "There had been a gap in the north of the town.", []),
        ("The challenge", "There had been a gap in the funding of the service.", ["in-the-way"]),
        ("", "The surgery faced challenges such as growing demand and few rooms.", ["in-the-way"]),
        ("", "Although we wanted to begin at once, the room was small.", []),
        ("Aims", "- meet every family before the birth of the child", ["wanted"]),
        ("Aims", "- meeting every family before the birth of the child", []),
        ("", "We would like to share with you the story of a hub.", []),
        ("Impact", "Calls fell by a projected 30 per cent in a year.", []),
        ("Lessons learned", "The front desk saw a 45% drop in calls, and less stress.", ["changed"]),
        ("", "The hub has seen a reduction in visits by night.", ["changed"]),
        ("", "Walks rose from 3 to 23 minutes after the programme.", ["changed"]),
        ("", "Walks rose from 3 to 23 minutes a day in the county.", []),
        ("", "Calls to the other ward saw a similar fall of 21% in a year.", []),
        ("", "By 2050, the aim is that no child comes hungry to school.", ["wanted"]),
        ("", "The figures show that a fifth of the women do no sport.", []),
        ("", "Bolton Council (BC) set up a hub for the families of the town.", ["place", "did"]),
        ("", "The aim of the visits is the prevention of falls at home.", ["wanted"]),
        ("", "Our aim was twofold: firstly, to meet every family at home.", []),
        ("The challenge", "It became clear that a lack of trust held up the work.", ["in-the-way"]),
        ("The challenge", "It became a lack of trust that held up the work.", []),
    ],
)
def test_a_sentence_stands_under_its_name_or_none(heading: str, sentence: str, names: list[str]) -> None:
    title = f"## {heading}\n\n" if heading else ""
    assert [name for name, _ in lines(f"{title}{sentence}")] == names


@table(
    "sentence, barriers",
    [
        ("Staff were reluctant to change their ways of working.", {"culture"}),
        ("Partners lacked trust in each other and feared blame.", {"trust"}),
        ("The main barrier was data protection law and consent.", {"law"}),
        ("There was a lack of funding and of time to train staff.", {"money", "capacity"}),
        ("The biggest challenge was the lack of buy-in from senior leaders.", {"leadership"}),
        ("The biggest problem was that the two IT systems are incompatible.", {"technology"}),
    ],
)
def test_barriers(sentence: str, barriers: set[str]) -> None:
    (line,) = read_ingredients(f"## Challenges\n\n{sentence}")
    assert line.name == "in-the-way" and set(line.barriers) == barriers


def test_the_best_sentence_comes_first() -> None:
    long = "We introduced " + "a list, and " * 20 + "a rule."
    short = "We introduced a shared list of those who wait."
    assert [text for _, text in lines(f"## What we did\n\n{long} {short}")] == [short, long]


def test_a_summary_that_says_the_same_is_shown_once() -> None:
    text = "In June the council set up a hub for families in the old library."
    assert lines(f"{text} In June the council has set up a hub for families in the old library, by the river.") == [
        ("did", text)
    ]


_PIECES = st.sampled_from([
    "We introduced a shared list.", "Calls fell by 30%.", "Dr. Lee’s team could not share data, e.g. names.", "“It",
    "hard.”", "## Impact", "## The challenge", "- The council set up a hub", "* no item", "**What we did**",
    "> quoted",
    "\n\n", "\n", " ", "\t", "| a | b |", "It is essential to have trust.", "Contact:", "x@example.org", "\u2028",
    "\x02", "&amp;",
    "The lack of funding was a barrier to Leeds City Council.", "1. Ask", "?", "!", "…", "\x0b", "<b", "🙂", "No. 10",
])  # fmt: skip


def flat(text: str) -> str:
    return " ".join(text.split())


@few_and_many(40, 2_000)
def test_every_line_stands_in_its_source(count: int) -> None:
    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_PIECES | st.text(max_size=12), max_size=40).map(" ".join))
    def holds(text: str) -> None:
        for line in read_ingredients(text):
            assert line.text in flat(text)
            assert line.name in INGREDIENTS and set(line.barriers) <= set(BARRIERS) and line.by == ""
        safe = html.escape(text, quote=False)
        blocks = re.sub(r"\n\s*\n", "</p><p>", safe).replace("**", "<strong>")
        for line in read_ingredients(f"<p>{blocks}</p>"):
            # Sanitised HTML holds no controls; two of them stand for tags while it is read.
            assert line.text in flat(re.sub(r"\*\*|[\x02\x03]", lambda mark: "" if mark[0] == "**" else " ", text))

    holds()
