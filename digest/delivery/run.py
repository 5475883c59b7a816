"""Name one run of the pipeline: the installation it works on, the transport it hands over with, and its number."""

from __future__ import annotations

from dataclasses import dataclass, field

from digest.installation import Installation
from digest.ledger.objections import Answers
from digest.transports.base import Transport


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what claiming, handing over, taking back and recovering need; the run lock is held while it is used.

    `number` is the run's row in the database, which marks the deliveries it claims; 0 for work that claims none,
    such as stopping an edition. `answers` is what the other side has answered so far.
    """

    installation: Installation
    transport: Transport
    number: int = 0
    answers: Answers = field(default_factory=Answers)
