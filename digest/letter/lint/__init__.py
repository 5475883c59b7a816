"""Find the faults of a letter before it is sent, for editors and for CI.

Pure: `lint` takes the letter and returns findings. Each names its position, the mail program concerned, and the cure.
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

    `html` and `text` are the decoded parts, `message` the bytes on the wire (b"" skips its checks), `clients` names
    from `known_clients`. Sources: Can I email, RFC 2369, 5322 and 8058, WCAG 2.2.
    """
    page = LetterPage(html)
    findings = [
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
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
