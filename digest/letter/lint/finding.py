"""What a lint finds."""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING, NOTE = "error", "warning", "note"
LEVELS = (ERROR, WARNING, NOTE)


class LintFinding(NamedTuple):
    """One fault of a letter and its cure.

    `level` is "error" (do not send), "warning" (look at it) or "note" (known and harmless); `rule` a short
    name; `where` the part, line and element; `client` who is hit ("" for every reader).
    """

    level: str
    rule: str
    where: str
    client: str
    problem: str
    cure: str

    def line(self) -> str:
        """Return the finding as one line for people."""
        hit = f" [{self.client}]" if self.client else ""
        return f"{self.level}: {self.rule}: {self.where}:{hit} {self.problem}; {self.cure}"
