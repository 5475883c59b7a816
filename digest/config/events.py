"""Read [events] of config.toml: the webhook and the mailbox that tell of letters after they were handed over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from digest.transports.webhook import Webhook

_LEAST = timedelta(hours=25)  # because the provider repeats a call for a day


class EventsPart(BaseModel):
    """[events]: public keys of the provider's webhook, and a mailbox of bounces and complaints."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    sendgrid_keys: list[str] = Field(
        default=[],
        description="The public keys that sign SendGrid's webhook. Empty: the webhook refuses every call.",
    )
    window_hours: int = Field(
        default=25,
        description="How old a signed call may be, in hours; at least 25, because a call is repeated for a day.",
    )
    mailbox: str = Field(
        default="",
        description="Where bounces and complaints arrive: `maildir:FOLDER`, `mbox:FILE` or `imaps://user@host/folder`.",
    )
    password_file: str | None = Field(
        default=None,
        description="The file that holds the mailbox's password, where `DIGEST_EVENTS_PASSWORD` does not give it.",
    )
    ca_file: str | None = Field(
        default=None,
        description="The certificates that the mailbox's server is trusted by, in place of the system's.",
    )


@dataclass(frozen=True, slots=True)
class EventsSettings:
    """The checked values of [events].

    `keys` are base64 public keys; `window` is how old a signed call may be; `password_file` is where the mailbox's
    password was read from, or None.
    """

    keys: tuple[str, ...] = ()
    window: timedelta = _LEAST
    mailbox: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    password_file: Path | None = None

    def webhook(self) -> Webhook:
        """Return the webhook that verifies and parses the provider's calls."""
        from digest.transports.sendgrid.events import webhook  # here, because cryptography is slow to import

        return webhook(self.keys, self.window)

    def webhook_problem(self) -> str:
        """Return why the webhook refuses every call; "" when it does not."""
        return "" if self.keys else "events.sendgrid_keys is empty: /hooks/sendgrid refuses every call"


NOTHING = EventsSettings()


def events_of(
    part: EventsPart, home: Path, environ: Mapping[str, str] = os.environ
) -> tuple[EventsSettings, list[str]]:
    """Return the settings, and a line for each mistake in [events].

    The password is looked up in the environment, then in its file below `home`.
    """
    problems = []
    if part.sendgrid_keys:
        from digest.transports.sendgrid.events import load_webhook_key  # here, because cryptography is slow to import

        for number, key in enumerate(part.sendgrid_keys):
            try:
                load_webhook_key(key)
            except ValueError as error:
                problems.append(f"events.sendgrid_keys.{number}: {error}")
    window = timedelta(hours=part.window_hours)
    if window < _LEAST:
        problems.append("events.window_hours: is less than 25; the provider repeats its calls for a day")
    password = environ.get("DIGEST_EVENTS_PASSWORD", "")
    if not password and part.password_file:
        try:
            password = (home / part.password_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"events.password_file: {home / part.password_file}: {error}")
    kind, colon, path = part.mailbox.partition(":")
    mailbox = f"{kind}:{home / path}" if colon and kind in ("maildir", "mbox") else part.mailbox
    ca_file, file = (home / name if name else None for name in (part.ca_file, part.password_file))
    return EventsSettings(tuple(part.sendgrid_keys), window, mailbox, password, ca_file, file), problems
