"""The seam every transport fills: hand over composed letters, say what became of each, answer for the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Parcel:
    """One composed letter: `message` is the whole RFC 5322 message, `folder` names its edition ("weekly-2027-10-29").

    `html` and `text` are its parts decoded, for transports that show them.
    """

    delivery: int
    folder: str
    to: str
    subject: str
    message: bytes
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one parcel: `state` accepted, refused or uncertain, and why in a few words."""

    delivery: int
    state: str
    reason: str = ""


class Transport(Protocol):
    """Hands letters over. One instance serves one run; `close` is always called."""

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield one outcome a parcel, in any order. Raises nothing for a single parcel's fault."""
        ...

    def ask(self, deliveries: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return what is known of earlier hand-overs, given as (delivery, folder).

        "accepted": it was taken; "absent": it surely was not; a delivery left out: nobody knows.
        """
        ...

    def close(self) -> None:
        """Finish: release connections, write what comes last."""
        ...
