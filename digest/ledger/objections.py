"""Tell from the answers of a run whether the other side objects to the sender, so that no reader is refused for it.

Pure. An answer may speak of the sender in plain words, or look personal and be the same for every reader. While
nobody is accepted, few such answers are enough. Once letters of the edition were accepted, an objection of one domain
is that domain's own, and many in a row from several domains are needed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from digest.ledger.replies import Class, classify

ENOUGH = 3  # objections, or equal refusals, while nobody is accepted; domains that object, once somebody was accepted
ENOUGH_OF_READERS = 12  # equal refusals that speak of the address or the mailbox, while nobody is accepted
ENOUGH_AMONG_ACCEPTED = 20  # equal refusals in a row, from ENOUGH domains, once somebody was accepted

_CODES = re.compile(r"\d{3}(?: \d\.\d{1,3}\.\d{1,3})?")
_VARYING = re.compile(r"\S*\d\S*")  # a queue id, a date, a host with a number


@dataclass(frozen=True)
class Refusal:
    """Hold one answer that did not take a letter. `about` and `reason` are those of the transport's `Outcome`."""

    delivery: int
    domain: str
    about: str
    reason: str

    @property
    def objects(self) -> bool:
        """Return whether the answer itself speaks of the letter, the sender or the account."""
        return self.about in ("letter", "sender", "account")

    def same_as(self, other: Refusal) -> bool:
        """Return whether both readers got the same answer, apart from their domains and from ids."""
        return self._plain == other._plain

    @cached_property
    def kind(self) -> Class:
        """Return what the answer's words are about."""
        return classify(self.reason)

    @cached_property
    def _plain(self) -> str:
        words = self.reason.lower().replace(self.domain, "") if self.domain else self.reason.lower()
        codes = match[0] if (match := _CODES.match(words)) else ""
        return " ".join([codes, *_VARYING.sub(" ", words[len(codes) :]).split()])


@dataclass(slots=True)
class Answers:
    """Keep what a run has heard. `accepted`: a letter of the edition under way was accepted, in this run or before.

    `refused` are all personal refusals of the run, `_row` the answers since the last letter that was accepted.
    """

    accepted: bool = False
    refused: list[Refusal] = field(default_factory=list)
    objected: list[Refusal] = field(default_factory=list)
    _row: list[Refusal] = field(default_factory=list)

    def begin(self, *, accepted: bool) -> None:
        """Begin another edition; `accepted`: letters of it were accepted before."""
        if self.accepted:
            self._row.clear()  # because these refusals stand among letters that were accepted
        self.accepted = accepted

    def hear_accepted(self) -> None:
        """Note that a letter was accepted."""
        self.accepted = True
        self._row.clear()

    def hear(self, refusal: Refusal) -> None:
        """Note an answer that refused a letter, or objected to its sender."""
        if refusal.about == "reader":
            return
        self._row.append(refusal)
        (self.objected if refusal.objects else self.refused).append(refusal)

    def objection(self, *, ended: bool = False) -> Refusal | None:
        """Return an answer that shows that the sender is objected to, or None.

        `ended`: no more letters follow, so that fewer answers are enough, if they are the same for all.
        """
        objections = [refusal for refusal in self._row if refusal.objects]
        if objections and self._objected(objections, ended=ended):
            return objections[-1]
        if not self._row:
            return None
        last = self._row[-1]
        equal = [refusal for refusal in self._row if refusal.same_as(last)]
        if not self.accepted:
            # A list may begin with dead addresses, so that only many of them, or no other answer at all, tell; full
            # mailboxes are tried again all the same.
            all_dead = ended and len(equal) == len(self._row) and last.kind == "address"
            of_readers = last.kind in ("address", "mailbox", "passing") and not all_dead
            return last if len(equal) >= (ENOUGH_OF_READERS if of_readers else ENOUGH) else None
        domains = {refusal.domain for refusal in equal}
        return last if len(equal) >= ENOUGH_AMONG_ACCEPTED and len(domains) >= ENOUGH else None

    def _objected(self, objections: list[Refusal], *, ended: bool) -> bool:
        if any(refusal.about == "account" for refusal in objections):
            return True
        # An objection to a letter stops nothing by itself, because other readers get other letters.
        senders = [refusal for refusal in objections if refusal.about == "sender"]
        if self.accepted:
            return len({refusal.domain for refusal in senders}) >= ENOUGH
        return len(senders) >= ENOUGH or (ended and len(objections) == len(self._row))

    def refused_alike(self, objection: Refusal) -> list[int]:
        """Return the deliveries that this run refused with the same answer as `objection`; forget all it tells of."""
        self.objected.clear()
        same = [refusal for refusal in self.refused if refusal.same_as(objection)]
        self.refused = [refusal for refusal in self.refused if not refusal.same_as(objection)]
        return [refusal.delivery for refusal in same]

    def pop_objections(self) -> list[tuple[str, int]]:
        """Return the objections of an edition that concern some readers only, reasons and counts, and forget them."""
        objected, self.objected = self.objected, []
        return list(Counter(refusal.reason for refusal in objected).items())
