"""Read [lint] of config.toml: the mail programs that `digest preview --lint` checks a letter against."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LintPart(BaseModel):
    """[lint]: names of mail programs as Can I email writes them."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    clients: list[str] = Field(
        default=[],
        description="Mail programs that `digest preview --lint` checks against, as Can I email names them. Empty: "
        "five that many readers have.",
    )


def check_clients(names: list[str]) -> list[str]:
    """Return a line for each name that the shipped table of mail programs does not have."""
    if not names:
        return []
    from digest.letter.lint import known_clients  # here, because it reads a table that few commands need

    problems = []
    for name in names:
        if name not in known_clients():
            from difflib import get_close_matches  # here, because few files have a mistake

            near = get_close_matches(name, known_clients(), 1)
            cure = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known_clients())}"
            problems.append(f"lint.clients: {name!r} is not a mail program of Can I email; {cure}")
    return problems
