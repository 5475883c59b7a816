"""What tests of transports may ask for."""

from tests.transports.mailserver import papers

__all__ = ["papers"]
