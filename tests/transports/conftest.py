"""Give tests of transports the fixture `papers`."""

from tests.transports.mailserver import papers

__all__ = ["papers"]
