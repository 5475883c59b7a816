"""Define the errors that this package raises for callers to catch. No message holds an address or a token."""

from __future__ import annotations


class SubscribersError(Exception):
    """The base of this package's errors; `exit_code` is the exit code of a command that ends with one."""

    exit_code = 1


class BadAddress(SubscribersError):
    """The text is not an address that can be mailed; the message says why, without the address."""

    exit_code = 2


class BadToken(SubscribersError):
    """The token is damaged, forged, for another purpose, or too old."""


class OldLink(SubscribersError):
    """The link was signed here, but not for the subscriber who is stored now: its letter is older than a restore."""


class BadSecret(SubscribersError):
    """The secret file cannot be used, or does not hold the secret that this database was filled with."""

    exit_code = 2


class BadFile(SubscribersError):
    """The whole CSV file is unusable; nothing was changed."""

    exit_code = 2


class NotAllowed(SubscribersError):
    """The consent rules do not let this happen to this subscriber."""


class NoSubscriber(SubscribersError):
    """No subscriber has this address or id, or the subscriber was erased."""

    exit_code = 2
