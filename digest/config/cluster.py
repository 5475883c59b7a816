"""Read [cluster] of config.toml: whether several workers share the work, and how much each does at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from digest.config.spans import Span

_LEAST_KEPT = timedelta(days=1)


class ClusterPart(BaseModel):
    """[cluster]: the workers (`digest worker`) that share one PostgreSQL database; see docs/cluster.md."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    enabled: bool = Field(
        default=False,
        description="Whether the work is done by `digest worker` on any number of machines. It needs PostgreSQL, and"
        " `digest db upgrade` once. See docs/cluster.md.",
    )
    concurrency: int = Field(
        default=4,
        ge=1,
        le=64,
        description="How many jobs a worker does at the same time. Each keeps up to three connections to the"
        " database.",
    )
    keep_failed: Span = Field(
        default=timedelta(days=14),
        description="How long a job that failed is kept to be looked at; at least a day. Jobs that are done go at"
        " once.",
    )


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The checked values of [cluster]."""

    enabled: bool = False
    concurrency: int = 4
    keep_failed: timedelta = timedelta(days=14)


ONE_PROCESS = ClusterSettings()  # for a configuration without [cluster]


def cluster_of(part: ClusterPart) -> ClusterSettings:
    """Return the settings of [cluster]."""
    return ClusterSettings(part.enabled, part.concurrency, part.keep_failed)


def check_cluster(part: ClusterPart, url: str) -> list[str]:
    """Return a line for each mistake in [cluster]. `url`: the address of the database."""
    problems = []
    if part.enabled and url.startswith("sqlite"):
        problems.append(
            "cluster.enabled: workers need PostgreSQL, and storage.url is an SQLite file; move it there with"
            " `digest db move`, or set enabled = false"
        )
    if part.keep_failed < _LEAST_KEPT:
        problems.append('cluster.keep_failed: is too short; write a span of at least "1 day"')
    return problems
