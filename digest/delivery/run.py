"""Name one run of the pipeline: the installation it works on, the transport it hands over with, and its number."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from digest.installation import Installation

if TYPE_CHECKING:
    from digest.ledger.objections import Answers
    from digest.transports.base import Transport


class Run:
    """Hold what claiming, handing over, taking back and recovering need, while the turn or a sender's lock is held.

    `transport`: one that its caller has opened and closes; None: the installation's. `number` is the run's row in the
    database, which marks the deliveries it claims; 0 for work that claims none, such as stopping an edition.
    """

    def __init__(self, installation: Installation, transport: Transport | None = None, number: int = 0) -> None:
        self.installation, self.number = installation, number
        self._given = transport
        self._opened: Transport | None = None

    @property
    def transport(self) -> Transport:
        """Return the transport, opened when it is first needed, because most runs hand nothing over."""
        if self._given is not None:
            return self._given
        if self._opened is None:
            self._opened = self.installation.transport()
        return self._opened

    @cached_property
    def answers(self) -> Answers:
        """Return what the other side has answered so far."""
        from digest.ledger.objections import Answers  # here, because most runs hand nothing over

        return Answers()

    def close(self) -> None:
        """Close the transport that was opened here."""
        if self._opened is not None:
            self._opened.close()
