"""Say what is missing where the extra [cluster] was not installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from digest.errors import ConfigError


def require_extra(find: Callable[[str], object] = find_spec) -> None:
    """Raise ConfigError, with the cure, unless the packages of the extra [cluster] are installed.

    `find` returns what is known of a package, or None.
    """
    if not has_extra(find):
        cure = 'pip install "learning-digest[cluster]"'
        raise ConfigError([f"cluster: the queue's library is not installed; {cure}"])


def has_extra(find: Callable[[str], object] = find_spec) -> bool:
    """Return whether the packages of the extra [cluster] are installed; see `require_extra`."""
    return all(find(name) is not None for name in ("procrastinate", "psycopg"))
