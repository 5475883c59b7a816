"""Read [gather] of config.toml: how often and how patiently sources are read."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from digest.config.site import split_url
from digest.config.spans import Span


class GatherPart(BaseModel):
    """[gather]: the pause between two visits of a source, and the limits of one visit."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    every: Span = Field(
        default=timedelta(minutes=30), description="`digest run` asks a source no more often than this."
    )
    timeout: float = Field(default=30, gt=0, le=300, description="Seconds that reading one source may take in all.")
    workers: int = Field(default=8, ge=1, le=64, description="How many sources are read at the same time.")
    check_pages: bool = Field(
        default=True,
        description="Whether the page of each entry is asked, once and just before its first letter, if it is still"
        " there. An entry whose page answers 404 or 410 is held for an editor.",
    )
    proxy: str = Field(
        default="",
        description="The address of an http proxy, such as `http://proxy.example:3128`, through which sources and"
        " pages are asked; those with `allow_private` are asked directly. Private addresses stay refused, as far as"
        " this machine can look names up: let the proxy refuse them too. `HTTPS_PROXY` and the like are not read.",
    )


def check_proxy(proxy: str) -> list[str]:
    """Return a line if the address of the proxy is none; it never repeats what may be a password."""
    if not proxy:
        return []
    parts = split_url(proxy)
    if parts is None or parts.scheme != "http" or any(sign.isspace() for sign in proxy):
        return ["gather.proxy: is no address of an http proxy; write http:// and its name and port"]
    if "@" in parts.netloc or parts.query or parts.fragment or parts.path not in ("", "/"):
        return ["gather.proxy: holds more than a name and a port; a proxy that wants a password cannot be used"]
    return []
