"""Read [archive] of config.toml: whether what was sent is shown to everybody, and of which cadences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from digest.model import CADENCES


class ArchivePart(BaseModel):
    """[archive]: the public pages, feeds and search of what was sent."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    public: bool = Field(
        default=True,
        description="Whether `digest serve` shows the editions that were sent to everybody, with feeds and a search."
        " What is held, withdrawn or still a draft is never shown, nor anything of a reader.",
    )
    cadences: list[str] | None = Field(
        default=None,
        description='The cadences whose editions are shown, such as `["weekly"]`. Without it all are. Entries of a'
        " source with `public = false` are not shown in any.",
    )


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Whether there is a public archive, and the cadences whose editions it shows."""

    public: bool = True
    cadences: tuple[str, ...] = CADENCES


ALL_PUBLIC = ArchiveSettings()


def check_archive(part: ArchivePart, configured: Collection[str]) -> list[str]:
    """Return a line for each cadence of [archive] that cannot be; `configured` are the cadences that there are."""
    problems = []
    for name in part.cadences or ():
        # One that is configured no more may be named, because editions of it may have been sent.
        if name not in CADENCES:
            listed = ", ".join(sorted(configured)) or ", ".join(CADENCES)
            problems.append(f"archive.cadences: {name!r} is not a cadence; use some of {listed}")
    return problems


def archive_of(part: ArchivePart) -> ArchiveSettings:
    """Return the settings of a table without mistakes."""
    return ArchiveSettings(part.public, CADENCES if part.cadences is None else tuple(dict.fromkeys(part.cadences)))
