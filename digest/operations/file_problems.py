"""Read from the note of a source's reading which of its files an author has to correct. Pure."""

from __future__ import annotations

import re

from digest.errors import counted
from subscribers.characters import cut_anywhere

_SHOWN, _LONGEST = 3, 160
_FILE = r"[^;]{1,200}?\.\w{1,8}(?::\d+)?: "  # "a/note.md:2: "
_BETWEEN = re.compile(rf"; (?={_FILE})")
_FIRST = re.compile(_FILE)
_SUCH = re.compile(r"\((\d+) such\)")
# Problems that keep no text back.
_HARMLESS = re.compile(r"from search engines|is unknown; write one of|given ingredients is taken")


def file_problems(note: str | None) -> list[str]:
    """Return the problems of single files that a note tells, each "file: the fault; the cure"."""
    return [problem for problem in _BETWEEN.split(note or "") if _FIRST.match(problem) and "://" not in problem]


def in_short(problems: list[str]) -> str:
    """Return how many files there are to correct, and the first few with their cures."""
    count = sum(int(such[1]) if (such := _SUCH.search(problem)) else 1 for problem in problems)
    shown = [cut_anywhere(problem, _LONGEST) for problem in problems[:_SHOWN]]
    more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
    return f"{counted(count, 'file is', 'files are')} to be corrected: {'; '.join(shown)}{more}"


def keeps_back(problems: list[str]) -> bool:
    """Return whether any problem leaves a text out or makes it wait."""
    return any(not _HARMLESS.search(problem) for problem in problems)
