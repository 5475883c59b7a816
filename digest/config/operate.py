"""Read [operate] of config.toml: who is told how the installation does, and who may read its figures."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from digest.config.site import mailbox_of, split_url

_VARIABLE = "DIGEST_METRICS_TOKEN"
_SHORTEST = 16  # characters of a token, because anybody may try
_MAKE = "make one with `openssl rand -hex 24`"
_INSIDE = (".local", ".internal", ".lan", ".home.arpa")  # ends of names that mean nothing on the public internet


class OperatePart(BaseModel):
    """[operate]: the ping of each run, the mails of alarms, and the token for `/metrics`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    ping_url: str = Field(
        default="",
        description="An address that each `digest run`, of cron or of the daemon, asks when it begins and when it has"
        " ended, as healthchecks.io and others offer it, who then tell you when runs no longer come. A worker asks it"
        " after each turn. See docs/monitoring.md.",
    )
    alarm_to: list[str] = Field(
        default=[],
        max_length=20,
        description="Addresses that get a mail when letters that are owed do not leave, once for each trouble, and"
        " once when it is over. `[transport] only` must allow them.",
    )
    metrics_token_file: str | None = Field(
        default=None,
        description="The file that holds the token with which Prometheus may read `/metrics`, where"
        f" `{_VARIABLE}` does not give it. Without a token there is no such page.",
    )


@dataclass(frozen=True, slots=True)
class OperateSettings:
    """The checked values of [operate]. Both `ping_url` and `metrics_token` are secrets; "" means none."""

    ping_url: str = field(default="", repr=False)
    alarm_to: tuple[str, ...] = ()
    metrics_token: str = field(default="", repr=False)


NOBODY_WATCHES = OperateSettings()  # for a configuration without [operate]


def operate_of(
    part: OperatePart, home: Path, environ: Mapping[str, str] = os.environ, *, mailed: bool = False
) -> tuple[OperateSettings, list[str]]:
    """Return the settings, and a line for each mistake in [operate]; no line repeats a secret.

    The token is looked up in the environment, then in its file below `home`. `mailed`: letters go to mail servers.
    """
    problems = _ping_problems(part.ping_url)
    addresses = []
    for number, address in enumerate(part.alarm_to):
        mailbox, mistakes = mailbox_of(
            f"operate.alarm_to.{number}", address, mailed=mailed, cure='write "ops@example.org"'
        )
        problems += mistakes
        addresses += [mailbox.address] if mailbox else []
    token, mistakes = _token(part, home, environ)
    return OperateSettings(part.ping_url, tuple(dict.fromkeys(addresses)), token), problems + mistakes


def _ping_problems(url: str) -> list[str]:
    """Return a line if an address is none to ask; the key in it must not go over the internet in the clear."""
    if not url:
        return []
    parts = split_url(url)
    if parts is None or any(sign.isspace() for sign in url):
        return ["operate.ping_url: is not an absolute web address; write https://hc-ping.com/ and your key"]
    if parts.scheme == "http" and not _is_inside(parts.hostname or ""):
        return ["operate.ping_url: goes over the internet in the clear, with the key that it holds; write https://"]
    if parts.query or parts.fragment:
        return ["operate.ping_url: has a query or fragment, but /start and /fail are added to it; leave it out"]
    return []


def _is_inside(host: str) -> bool:
    """Return whether a host is this machine, or one of its own network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host.rstrip(".") or host.endswith(_INSIDE)
    return address.is_private or address.is_loopback


def _token(part: OperatePart, home: Path, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    token, key = environ.get(_VARIABLE, ""), _VARIABLE
    if not token and part.metrics_token_file:
        path, key = home / part.metrics_token_file, "operate.metrics_token_file"
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            return "", [
                f"{key}: {path}: {getattr(error, 'strerror', None) or 'holds more than plain letters'}; {_MAKE}"
            ]
        if not token:
            return "", [f"{key}: {path} is empty; {_MAKE}"]
    if token and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
        return "", [f"{key}: the token is not {_SHORTEST} plain letters or more without a space; {_MAKE}"]
    return token, []
