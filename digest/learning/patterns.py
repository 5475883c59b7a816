"""Make the patterns by which sentences are recognised, from lists that a person can read and mend. Pure."""

from __future__ import annotations

import re


def either(alternatives: str) -> str:
    """Return a pattern of alternatives, which stand between commas; each may be a pattern itself."""
    return "(?:" + "|".join(" ".join(each.split()) for each in alternatives.split(",") if each.strip()) + ")"


def any_of(lines: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Return the pattern of a text that fits any line of `lines`; white space around a line is no part of it."""
    return re.compile("|".join(line.strip() for line in lines.splitlines() if line.strip()), flags)


_NUMBERS = (
    "a, an, two, three, four, five, six, seven, eight, nine, ten, twelve, twenty, local, several, both, all, \\d+"
)
# These end the name of a body: what stands behind them is another part of the sentence.
_JOINING = either(
    """
    when, who, that, which, where, if, as, because, and, after, before, to, is, are, was, were, has, have, had, will,
    can, could, may, would, do, does, did
    """
)
_BODIES = either(
    """
    councils?, trusts?, teams?, board, partnership, partners, services?, project, programme, group, staff,
    officers?, authority, authorities, hospital, police, force, charity, university, department, schools?,
    practices?, surgery, surgeries, gps?, nurses?, organisations?, agency, agencies, hub, network, centre, college,
    providers?, ccg, icb, ics, alliance, consortium, workers?, managers?, advisers?, volunteers, residents,
    engineers, leaders?, company, association, charities, employers?, office, unit, directorate, district, borough,
    county, city
    """
)
_NAMED_BODIES = either(
    """
    Council, Trust, Police, Partnership, Board, CCG, ICB, NHS, Authority, University, Hospital, Services?,
    Association, Housing, Homes, Alliance, Network, Group, Foundation, Project, Team, Constabulary, Fire, Health,
    Care, Centre, Collaborative
    """
)
# The subject of a sentence, where it is those whose story is told: "we", "the early years team", "Hull City Council".
_AGENT = (
    rf"(?:we|they|(?:the|our|its|their|{either(_NUMBERS)[3:-1]}) (?:(?!{_JOINING}\b)[\w’'&-]+ ){{0,5}}?{_BODIES}"
    rf"|(?-i:(?:[A-Z][\w’'&-]+ (?:and |of |for )?){{1,6}}?{_NAMED_BODIES}))(?: \([^()]{{2,20}}\))?"
)
AGENT = rf"{_AGENT}(?:(?:,| and|, and) {_AGENT}){{0,3}}"
BY_NOW = (
    r"(?:\s+(?:also|then|first|jointly|successfully|recently|together|quickly|initially|since|now|subsequently|therefore"
    r"|both|each))*"
)
NUMBER = either(
    """
    \\d[\\d.]*, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen,
    fifteen, sixteen, seventeen, eighteen, nineteen, twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety,
    hundred, none, zero
    """
)
