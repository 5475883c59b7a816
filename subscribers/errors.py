"""What this room refuses, as errors that callers can catch. No message holds an address or a token."""

from __future__ import annotations


class SubscribersError(Exception):
    """Something about a subscriber was refused. `exit_code` is what a command should end with."""

    exit_code = 1


class BadAddress(SubscribersError):
    """The text is not an address we can mail; the message says why, without the address."""

    exit_code = 2


class BadToken(SubscribersError):
    """The token is damaged, forged, for another purpose, or too old."""


class BadSecret(SubscribersError):
    """The secret file cannot be used, or is not the one this database was filled with."""

    exit_code = 2


class BadFile(SubscribersError):
    """The whole CSV file is unusable; nothing was changed."""

    exit_code = 2


class NotAllowed(SubscribersError):
    """The consent rules do not let this happen to this subscriber."""


class NoSubscriber(SubscribersError):
    """No subscriber has this id (any more)."""
