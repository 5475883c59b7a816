"""The seam every transport fills: hand over composed letters, say what became of each, answer for the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from digest.letter.blocks import Assembled
    from digest.letter.form import Form
    from digest.letter.mime.compose import Head

BATCH = 200  # deliveries


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Say what a transport can do, before it is opened.

    `batch_size`: how many deliveries are claimed for it at a time. `fills_forms`: its provider substitutes each
    reader's values itself, so a parcel for it has a filling. `can_wait`: it is `Waiting`.
    """

    batch_size: int = BATCH
    fills_forms: bool = False
    can_wait: bool = False


@dataclass(frozen=True, slots=True)
class Filling:
    """Hold a letter as a form and one reader's values, for a provider that substitutes per recipient.

    `form` is the very same object for all readers of a digest, which is how a transport knows who can share a
    request. `values` has one for each of its marks. `head` is what the headers say; `category` a word that the
    provider may count letters under (the cadence); `tag` comes back with each event (`transports.tag`).
    """

    form: Form
    values: Mapping[str, str]
    head: Head
    category: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Hold one composed letter: `message` is the whole RFC 5322 message, `letter` what it was composed from.

    `folder` names its edition ("weekly-2027-10-29"). `filling` is there when the transport fills forms.
    """

    delivery: int
    folder: str
    to: str
    message: bytes
    letter: Assembled
    filling: Filling | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one parcel, and why in a few words that hold no address.

    `state` is one of
    "accepted": the other side took it; "refused": it said no for good;
    "deferred": it surely was not taken, and may be handed over again after `retry_after` seconds
    (None: the transport has no opinion); `tried` is false when nothing of it was begun, so that it is no
    attempt; "uncertain": nobody knows, so it must not be handed over again unasked.
    """

    delivery: int
    state: str
    reason: str = ""
    retry_after: float | None = None
    tried: bool = True


class Transport(Protocol):
    """Hands letters over. One instance serves one run; `close` is always called."""

    @property
    def capabilities(self) -> Capabilities:
        """Return what this transport can do; the same for every instance."""
        ...

    def open(self) -> None:
        """Make ready; called before anything is claimed. Raises DigestError or TryLater when it will not work."""
        ...

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield one outcome a parcel, in any order. Raises nothing for a single parcel's fault.

        Raises DigestError or TryLater when the run cannot go on. What it has not yielded by then, or when the
        caller stops listening, `ask` of the same instance may know.
        """
        ...

    def ask(self, deliveries: Iterable[tuple[int, str]]) -> dict[int, str]:
        """Return what is known of earlier hand-overs, given as (delivery, folder).

        "accepted": it was taken; "absent": it surely was not; a delivery left out: nobody knows.
        """
        ...

    def stop(self) -> None:
        """Begin no more letters of this hand-over; those under way are finished. Fit for a signal handler.

        What was not begun is deferred, untried; one that is quick may finish the batch. Twice does no harm.
        """
        ...

    def close(self) -> None:
        """Finish: release connections, write what comes last."""
        ...


@runtime_checkable
class Waiting(Transport, Protocol):
    """A transport whose provider keeps letters until their hour, and gives them back when asked in time."""

    def hand_over_at(
        self, parcels: Sequence[Parcel], send_at: datetime, batch_for: Callable[[Sequence[int]], str]
    ) -> Iterator[Outcome]:
        """Yield one outcome a parcel, as `hand_over`; the letters wait at the provider until `send_at` (aware).

        Before each request `batch_for` is called, in this thread, with the deliveries in it; it returns the
        request's batch id, made by `create_batch` and written down.
        """
        ...

    def create_batch(self) -> str:
        """Return a new batch id. TryLater or DigestError when there is none to be had; nothing was sent."""
        ...

    def cancel(self, batch_id: str) -> bool:
        """Take a request back; True once the provider has confirmed it. May be repeated, does no harm twice."""
        ...
