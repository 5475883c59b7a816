"""Look up TXT records in the DNS within a time in all, for what the DNS says of a sender's domain."""

from __future__ import annotations

import time
from collections.abc import Callable


class DnsSilent(Exception):
    """No resolver answered in time, so that nothing is known of the name."""


class TxtRecords:
    """Look up names until `seconds` are over; `steady` is a clock that nobody sets."""

    def __init__(self, seconds: float, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._until = steady() + seconds

    def texts(self, name: str) -> list[str]:
        """Return the texts of a name, [] where it has none. Raises DnsSilent where no resolver tells in time."""
        import dns.exception  # here, because most commands ask nothing
        import dns.resolver

        left = self._until - self._steady()
        if left <= 0:
            raise DnsSilent("the time is over")
        try:
            answer = dns.resolver.resolve(name, "TXT", lifetime=left, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise DnsSilent(type(error).__name__) from error
        # A long text comes in pieces that belong together.
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
