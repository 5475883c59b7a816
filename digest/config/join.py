"""Read [join] of config.toml: whether anybody may ask for letters on the web page, and which other sites may help."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from digest.config.site import split_url

_WRITE = 'write "https://www.example.org"'
# No wildcard and nothing that could end a header's value.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](?::[0-9]{1,5})?")


class JoinPart(BaseModel):
    """[join]: the page on which people ask for letters, and its form on other sites."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    enabled: bool = Field(
        default=True,
        description="Whether people can ask for letters on the page `/join`. Nobody gets any before they have"
        " confirmed it by a mail.",
    )
    origins: list[str] = Field(
        default=[],
        max_length=50,
        description="Other sites that may show the form `/join/form` in a frame, and whose pages may send to `/join`,"
        ' such as `["https://www.example.org"]`. See docs/joining.md.',
    )


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """The checked values of [join]; `origins` are in lower case, without a path."""

    enabled: bool = True
    origins: tuple[str, ...] = ()


ANYBODY = JoinSettings()  # for a configuration without [join]


def check_origins(origins: list[str]) -> list[str]:
    """Return a line for each text that is no origin: scheme, host and perhaps port."""
    problems = []
    for number, origin in enumerate(origins, 1):
        parts = split_url(origin)
        if parts is None or not _ORIGIN.fullmatch(origin.lower().rstrip("/")):
            problems.append(
                f"join.origins.{number}: {origin[:60]!r} is not the origin of a site (scheme and host, without a"
                f" path); {_WRITE}"
            )
    return problems


def join_of(part: JoinPart) -> JoinSettings:
    """Return the settings of a part without mistakes."""
    return JoinSettings(part.enabled, tuple(origin.lower().rstrip("/") for origin in part.origins))
