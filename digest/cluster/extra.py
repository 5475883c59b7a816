"""Say what is missing where the extra [cluster] was not installed."""

from __future__ import annotations

from importlib.util import find_spec

from digest.errors import ConfigError


def require_extra() -> None:
    """Raise ConfigError, with the cure, unless the packages of the extra [cluster] are installed."""
    if not has_extra():
        cure = 'pip install "learning-digest[cluster]"'
        raise ConfigError([f"cluster: the queue's library is not installed; {cure}"])


def has_extra() -> bool:
    """Return whether the packages of the extra [cluster] are installed."""
    return find_spec("procrastinate") is not None and find_spec("psycopg") is not None
