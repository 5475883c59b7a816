"""Tell from a title and an address whether an entry is a case study, or only speaks of case studies. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from digest.facets.places.context import given_names
from digest.facets.words import Word, words

_NAME = r"case[\s-]*stud(?:y|ies)"
# "Case studies wanted", "Our case-study library has moved", "Submit a case study", "Case studies" (a list of them).
_SPEAKS_OF_THEM = re.compile(
    rf"\b{_NAME}\s+(?:librar|bank|hub|collection|database|archive|template|form\b|page|competition|award|webinar"
    r"|workshop|event|writ|guid|call|submission|request|wanted|needed|deadline|tips|method|approach|research|series)"
    r"|\b(?:calls?|calling|submit|submitting|send|sending|share your|sharing your|wri(?:te|ting)|record|seek(?:ing)?"
    rf"|looking for|wanted|nominate|tell us|how to|what makes|why (?:we|our))\b[^:|–—]{{0,80}}\b{_NAME}\b"
    r"|^\W*(?:\w[\w'’]*[^\w'’]\W*){0,5}case[\s-]*studies\W*(?:$|[:|–—])",
    re.IGNORECASE,
)
# "Case study: …", "Amina's story", "Stories: a new start", "Evaluation of the night bus", "School pilot evaluation",
# "How Luton halved its waits", "What changed when the desk went".
_IS_ONE = re.compile(
    r"\bcase[\s-]*study\b|(?:^|[:–—|-]\s)\W{0,3}\w+(?:\s\w+)?['’]s? story\b|^\W*stor(?:y|ies)\s*[:–—-]"
    r"|^evaluating (?:the|a|our)\b|\bquality improvement project\b"
    r"|\bevaluation of (?!(?:evidence|the evidence|research)\b)"
    r"|\b(?:pilot|project|programme|scheme|service|trial)\s+evaluation\b"
    r"|^(?:[^:?]*: )?how\b[^?]*\b(?:helped|halved|cut|reduced|improved|saved|doubled|transformed|turned|tackled|got"
    r"|won|brought|changed|ended|stopped|raised|lost|became)\b[^?]*$"
    r"|\bwhat (?:changed|happened) when\b[^?]*$",
    re.IGNORECASE,
)
# Folders of an address that hold case studies: "/case-studies/", "/our-stories/", "/stories-of-change/", "/impact/".
_FOLDER = re.compile(
    rf"(?:.*-)?{_NAME}|(?!(?:news|latest|top|all|web|lead|feature|main|more)-)(?:[\w-]*-)?stories(?:-of-[\w-]+)?"
    r"|evaluations?|(?:our-|social-)?impact|(?:good|best)-practice(?:-examples?)?|practice-examples?|initiatives",
    re.IGNORECASE,
)
_THIRD_PERSON = re.compile(r"\b(?:he|she|his|her|hers|him)\b", re.IGNORECASE)
_OFTEN = 3  # words of the third person in the start of a text that is about one person
# The names under such a folder that lead to a list of them, not to one.
_LISTS = re.compile(r"page|category|categories|tags?|themes?|regions?|search|archive|all|feed", re.IGNORECASE)
_NUMBER_OR_INDEX = re.compile(r"\d*|index(?:\.\w+)?", re.IGNORECASE)


def speaks_of_case_studies(title: str) -> bool:
    """Return whether a title is of a call, a guide or a list: it speaks of case studies and tells none."""
    return _SPEAKS_OF_THEM.search(title) is not None


def is_titled_case_study(title: str) -> bool:
    """Return whether a title says that its text is a case study."""
    return _IS_ONE.search(title) is not None and not speaks_of_case_studies(title)


def is_persons_story(title: str, start: str) -> bool:
    """Return whether a text tells of one person whose first name alone stands in the title: "Finding work for Amina".

    `start` is the start of the text, as markup. A person with a surname is a speaker, an officer or in the news.
    """
    seq = words(title)
    named = any(
        word.key in given_names() and title[word.start].isupper() and not _is_beside_name(title, seq, number)
        for number, word in enumerate(seq)
    )
    return named and len(_THIRD_PERSON.findall(start)) >= _OFTEN


def _is_beside_name(title: str, seq: Sequence[Word], number: int) -> bool:
    """Return whether a word with a capital stands beside a first name, as a surname does."""
    after = number + 1 < len(seq) and title[seq[number + 1].start].isupper()
    return after or (number > 1 and title[seq[number - 1].start].isupper())


def is_case_study_address(link: str) -> bool:
    """Return whether an address says that its page is a case study. Never raises.

    Its own name says so, or it stands below a folder of case studies. The folder itself is a list, unless a query or
    a fragment picks something of it.
    """
    try:
        parts = urlsplit(link)
        names = [name for name in unquote(parts.path).split("/") if name]
    except ValueError:
        return False
    own_name = re.sub(r"[-_.]+", " ", names[-1]) if names else ""
    if re.search(r"\bcase ?study\b", own_name, re.IGNORECASE):
        return not speaks_of_case_studies(own_name)
    for place, name in enumerate(names):
        if _FOLDER.fullmatch(name):
            below = [each for each in names[place + 1 :] if not _NUMBER_OR_INDEX.fullmatch(each)]
            return not _LISTS.fullmatch(below[0]) if below else bool(parts.query or parts.fragment)
    return False
