"""Define a finding of the lint, and its levels."""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING, NOTE = "error", "warning", "note"
LEVELS = (ERROR, WARNING, NOTE)


class LintFinding(NamedTuple):
    """Hold one fault of a letter and its cure.

    `level` is "error" (do not send), "warning" (look at it) or "note" (harmless); `rule` the rule's short name;
    `where` the part, line and element; `client` the mail program concerned ("" for all).
    """

    level: str
    rule: str
    where: str
    client: str
    problem: str
    cure: str

    def line(self) -> str:
        """Return the finding as one line for people."""
        client = f" [{self.client}]" if self.client else ""
        return f"{self.level}: {self.rule}: {self.where}:{client} {self.problem}; {self.cure}"
