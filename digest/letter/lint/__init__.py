"""Lint: what is wrong with a letter before it goes out, for editors and for CI.

Pure: the letter comes in, findings come out. Each says where, which mail program it hits, and the cure.
"""

from __future__ import annotations

from collections.abc import Iterable

from digest.letter.lint import contrast, mail, structure, support, wording
from digest.letter.lint.finding import ERROR, LEVELS, NOTE, WARNING, LintFinding
from digest.letter.lint.page import LetterPage
from digest.letter.lint.support import DEFAULT_CLIENTS, known_clients

__all__ = ["DEFAULT_CLIENTS", "ERROR", "LEVELS", "NOTE", "WARNING", "LintFinding", "known_clients", "lint"]


def lint(
    html: str, text: str, subject: str, message: bytes = b"", clients: Iterable[str] = DEFAULT_CLIENTS
) -> list[LintFinding]:
    """Return the faults of one reader's letter, worst first.

    `html` and `text` are the decoded parts, `message` the bytes on the wire (b"": not looked at), `clients`
    names from `known_clients`. Sources: ../shared facts of mail programs, RFC 2369, 5322 and 8058, WCAG 2.2.
    """
    page = LetterPage(html)
    found = [
        *wording.size(html),
        *wording.subject(subject),
        *wording.preheader(page, subject),
        *wording.tokens(page, text, subject),
        *wording.links(page),
        *wording.parts(page, text),
        *wording.hygiene(page),
        *structure.check(page),
        *contrast.check(page),
        *support.check(page, clients),
        *(mail.check(message) if message else ()),
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
