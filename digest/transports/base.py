"""Define the seam between the product and its transports: the code that hands letters to another system.

How the product uses a transport (`digest/pipeline.py`, `digest/send.py`, `digest/delivery/recover.py`): it opens the
transport that `[transport] kind` names, calls `ask` about deliveries that a run which died had claimed, calls `open`
and then `hand_over` with one batch of parcels after another, and calls `close` at the end, whatever happened.

To add a provider, write a folder `digest/transports/NAME/` with
1. a light module with its settings, its `Capabilities` and a check of the settings, which config imports;
2. a class with every method of `Transport`; of `WaitingTransport`, if the provider keeps letters until their hour;
3. if the provider reports events over HTTP, a function that returns a `Webhook` (`digest/transports/webhook.py`).
It inherits nothing from here. CONTRIBUTING.md lists the other files to change, in order, and the contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from digest.letter.blocks import Assembled
    from digest.letter.form import Form
    from digest.letter.mime.compose import Head

BATCH = 1000  # deliveries; each batch costs two commits
About = Literal["", "reader", "letter", "sender", "account"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Say what a kind of transport can do, so that the product knows before it opens one.

    `batch_size`: how many deliveries the product claims and hands over at a time. `fills_forms`: the provider
    replaces marks in a shared letter by each reader's values, so every parcel comes with a `Filling`.
    `can_wait`: the transport is a `WaitingTransport`. The defaults suit a transport that sends whole messages.
    """

    batch_size: int = BATCH
    fills_forms: bool = False
    can_wait: bool = False


@dataclass(frozen=True, slots=True)
class Filling:
    """Hold one reader's letter as a form and values, for a provider that substitutes per recipient.

    `form` holds subject, html and text with marks; all readers of a digest get the same object, so compare it with
    `is` to see who can share a request. `values` are this reader's texts for the marks of the form, in their order.
    `head` holds what the headers say: addresses, Message-ID, List-ID, unsubscribe link. `category` is a word that the
    provider may count letters under (the cadence).
    """

    form: Form
    values: Sequence[str]
    head: Head
    category: str = ""


# Not frozen, because each letter needs one, and freezing makes it take five times as long to make.
@dataclass(slots=True)
class Parcel:
    """Hold one reader's letter, composed and ready to be handed over.

    `delivery` is the number to name in the outcome, `folder` the name of the edition ("weekly-2027-10-29"), `to` a
    bare address. `message` is the whole RFC 5322 message, lines ended by CRLF, signed if config has a key; it is
    joined from its `pieces` when it is needed, because a batch of whole messages would take much memory. Beside a
    `filling` there are no pieces, and `message` is composed when it is read, without a signature. `letter` is
    the subject, html and text that the message was composed from. A transport sends either `message` or, where its
    capabilities say `fills_forms`, `filling`; without that capability `filling` is None. Give `tag` to the other
    side as an identifier that it repeats in every event of this letter; `digest/transports/tag.py` turns
    it back into the delivery. `message_id` is the header of `message`. `composed`: `compose` made `message`, which
    proves its form: 7 bit, each line ended by CRLF, none begun by a dot. Any other message is checked.
    """

    delivery: int
    folder: str
    to: str
    pieces: Sequence[bytes]
    letter: Assembled
    filling: Filling | None = None
    tag: str = ""
    message_id: str = ""
    composed: bool = False

    @property
    def message(self) -> bytes:
        """Return the whole message. Raises BadHeader if a value of the filling's head is unfit for its header."""
        if self.filling is None:
            return b"".join(self.pieces)
        from digest.letter.mime.compose import compose  # here, because the seam is light to import

        return compose(self.letter, self.filling.head)


class Asked(NamedTuple):
    """Name a letter that may have been handed over: its delivery, the folder of its edition, and its Message-ID.

    The Message-ID tells the letter from an earlier one, to whose delivery the same number was given before a restore;
    "" where it is not known any more.
    """

    delivery: int
    folder: str
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Report what became of one parcel at the hand-over. `state` is one of four:

    - "accepted": the other side confirmed that it took the letter;
    - "refused": the other side refused the letter for good; it is not tried again;
    - "deferred": the letter was surely not taken, and may be tried again after `retry_after` seconds (None: the
      product chooses). `tried` is False when the transport did not begin the letter; then it counts as no attempt;
    - "uncertain": the letter may or may not have been taken. It is tried again only when an event, a
      person, or the provider (having discarded the request) says so. Use this state whenever the answer was lost
      after the last byte left.

    `reason` is a few words for the operator, stored with the delivery; it must hold no address.

    `about` says what a letter was not taken for, so that no reader is refused for the sender's fault (see
    `digest/ledger/objections.py`): "reader": the answer names this reader among others; "letter": it objects to
    the letter, which others may share; "sender": to the sender, perhaps only for this reader; "account": to the
    sender or the account as a whole; "": it does not tell. For letter, sender and account the state is "deferred".
    """

    delivery: int
    state: str
    reason: str = ""
    retry_after: float | None = None
    tried: bool = True
    about: About = ""


class Transport(Protocol):
    """Hand letters over to another system: a folder, a mail server or a provider.

    One instance serves one run, from one thread; `stop` may be called from a signal handler. The constructor
    connects to nothing. Every implementation passes `tests/transports/contract.py`.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Return what this transport can do; the same for every instance of the class."""
        ...

    def open(self) -> None:
        """Prepare to hand over: connect and log in, if that can show a mistake before anything is claimed.

        Called before each edition, perhaps several times. Raises DigestError when a person must change something,
        TryLater when the other side is away.
        """
        ...

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Yield one outcome for each parcel, in any order, as soon as it is known.

        Never raises for the fault of a single parcel. Raises DigestError or TryLater when the run cannot go on. The
        caller then calls `ask` of this instance about the parcels without an outcome, as it does after it has
        closed the iterator early.
        """
        ...

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        """Return what is known of earlier hand-overs, by delivery.

        "accepted": the letter was taken; "absent": it surely was not. Leave out a delivery of which neither is
        certain. Return {} if the other side cannot be asked.
        """
        ...

    def stop(self) -> None:
        """Begin no more letters of this hand-over, and finish those under way. May be called twice.

        `hand_over` then yields each letter that was not begun as "deferred" with `tried` False; a transport that
        needs only moments for a batch may finish it instead. Runs in a signal handler: set a flag, take no lock.
        """
        ...

    def close(self) -> None:
        """Release connections and write what comes last. Called once or more, also when nothing was opened."""
        ...


@runtime_checkable
class WaitingTransport(Transport, Protocol):
    """Hand letters over before their hour to a provider that keeps them until then and can discard them in time.

    Needed for `[cadence.*] ahead`. A request is the set of letters that leave in one call to the provider; its
    batch id names it when it is taken back (`digest/delivery/take_back.py`).
    """

    def hand_over_at(
        self, parcels: Sequence[Parcel], send_at: datetime, batch_for: Callable[[Sequence[int]], str]
    ) -> Iterator[Outcome]:
        """Yield one outcome for each parcel, as `hand_over`; the provider keeps the letters until `send_at` (aware).

        Call `batch_for` with the deliveries of each request, before it leaves and in the thread of this call. It
        takes a new batch id from `create_batch`, stores it with the deliveries and returns it.
        """
        ...

    def create_batch(self) -> str:
        """Return a new batch id. Raises TryLater or DigestError when the provider gives none; nothing was sent."""
        ...

    def cancel(self, batch_id: str) -> bool:
        """Have the provider discard a request. Return True once it has confirmed that. May be repeated."""
        ...
