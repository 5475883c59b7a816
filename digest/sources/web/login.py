"""Give a source's own server the user name and password that config.toml names for it (HTTP Basic, RFC 7617)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from digest.errors import SourceError
from digest.model import Source
from digest.sources.web.guard import endpoint


@dataclass(frozen=True, slots=True)
class Login:
    """Hold a user name and password, and the address of the source that they are for."""

    url: str
    username: str
    password: str = field(repr=False)

    def is_for(self, url: str) -> bool:
        """Return whether the password may be given to the server of `url`."""
        return is_same_service(self.url, url)

    @property
    def header(self) -> str:
        """Return the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")


def is_same_service(url: str, other: str) -> bool:
    """Return whether another address is at the service of `url`: its host and port, or https in the place of http."""
    own, theirs = urlsplit(url), urlsplit(other)
    if own.scheme == theirs.scheme:
        return endpoint(url) == endpoint(other)
    is_upgraded = (endpoint(url)[1], endpoint(other)[1]) == (80, 443)
    return own.scheme == "http" and is_upgraded and own.hostname == theirs.hostname


def login_of(source: Source, url: str) -> Login | None:
    """Return the login of a source that is configured at `url`, or None without one. Raises SourceError.

    The password is read each time, so that it is in no settings, and a new one needs no restart.
    """
    if not source.username or not source.password_file:
        return None
    try:
        password = Path(source.password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SourceError(
            f"{source.password_file} cannot be read ({error.strerror}); correct password_file"
        ) from None
    except UnicodeDecodeError:
        raise SourceError(f"{source.password_file} is no text; put the password alone into it") from None
    if not password:
        raise SourceError(f"{source.password_file} is empty; put the password into it")
    return Login(url, source.username, password)
