"""Explain: why a reader got an entry, or did not, from the reasons that were stored when it was decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.editions.due import coming_slot
from digest.editions.plan import Planner, as_it_stands, drafted_anew, in_words, made_good_by, passed_over
from digest.errors import ConfigError, WrongUse
from digest.installation import Installation
from digest.model import Digest, Edition, Entry, Reason, Sighting, Taxonomy
from digest.sources.newness import LINK, keys_of
from digest.store import deliveries, entries, event_history, releases
from digest.store import editions as editions_
from digest.store import history as past
from digest.store.deliveries import CONSIDERED, Delivery
from digest.store.engine import reading
from subscribers import store as people
from subscribers.mailable import unmailable
from subscribers.model import Subscriber

_LEFT_OUT = {
    "outside": "outside their interests",
    "over-cap": 'over the cap: counted in "N more"',
    "had": "already had in an earlier letter",
    "elsewhere-off": "from elsewhere, which they switched off",
}
_STATES = {
    "baseline": "seen at the first sight of its source: never owed",
    "held": "held for an editor (`digest entries --state held`)",
    "dropped": "withdrawn: dropped by an editor",
}
_BECAME = {
    "accepted": "accepted by the transport",
    "pending": "frozen, to be handed over",
    "claimed": "being handed over",
    "uncertain": "uncertain: handed over, the answer is unknown (`digest settle`)",
    "refused": "refused",
    "cancelled": "cancelled",
    "suppressed": "not handed over",
}
_FATES = {"delivered": "delivered", "bounced": "but bounced", "complained": "delivered, and complained of"}
# A letter in one of these states is, or may be, in the reader's hands: it tells before anything else.
_IN_HAND = {"accepted": "included", "uncertain": "uncertain", "claimed": "pending", "pending": "pending"}
# Why nobody who may not be mailed is owed anything: the outcome, and what to say.
_NOT_MAILED = {
    "left": ("left", "they have left: nothing is owed to them"),
    "pending": ("unconfirmed", "they have not confirmed yet: nothing is owed to them"),
    "paused": ("held", "they have paused: the first edition after that considers it"),
    "not on the allow-list": ("held", "not on the allow-list of this installation ([transport] only)"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`outcome` is one word for what happened; `reasons` are lines for a person, newest first."""

    outcome: str
    reasons: tuple[str, ...]

    def to_json(self, subscriber: int, entry: int | None) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {"subscriber": subscriber, "entry": entry, "outcome": self.outcome, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class _History:
    """A reader, and what their editions decided and did, newest first; `blocked`: why they may not be mailed now."""

    person: Subscriber
    blocked: str
    account: list[Delivery]
    editions: dict[int, Edition]
    plans: dict[int, Digest]
    fates: dict[int, str]

    def plan(self, delivery: Delivery) -> Digest | None:
        return self.plans.get(delivery.digest or 0)

    def where(self, delivery: Delivery) -> str:
        one = self.editions[delivery.edition]
        return f"edition {one.id} ({one.cadence} {one.slot})"


def find_entry(conn: Connection, text: str) -> Entry:
    """Return the entry with this id or address, also one it once had or a copy has. WrongUse when there is none."""
    # More digits than an id can have are no id, and no database takes them.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
    found = entries.find(conn, text) if number is None else entries.get(conn, number)
    if found is None and number is None:
        key = keys_of(Sighting(None, text, ""), "").get(LINK)
        known = entries.stored_keys(conn, [key]).keys.get(key) if key else None
        found = entries.get(conn, known) if known else None
    if found is None:
        raise WrongUse(f"entry {text!r} was never gathered; see `digest entries`")
    return found


def explain(installation: Installation, email: str, entry: str | None = None) -> tuple[int, int | None, Explanation]:
    """Return the subscriber's id, the entry's, and why they got (or did not get) what they did."""
    with reading(installation.engine) as conn:
        person = people.find(conn, email)
        if person is None:
            raise WrongUse("no subscriber has this address; see `digest subscribers list`")
        history = _history(conn, installation, person)
        if entry is None:
            lines = tuple(_delivery_line(one, history) for one in history.account)
            word = history.account[0].state if history.account else "none"
            return person.id, None, Explanation(word, lines or ("no edition has considered this subscriber yet",))
        one = find_entry(conn, entry)
        found = _decided(conn, installation.settings.taxonomy, one, history) or _undecided(
            conn, installation, one, history
        )
        if not entry.isdecimal() and entry != one.url:
            copy = f"a duplicate of entry {one.id}{f', {one.url}' if one.url else ''}: readers get that one"
            found = Explanation(found.outcome, (copy, *found.reasons))
        return person.id, one.id, found


def _history(conn: Connection, installation: Installation, person: Subscriber) -> _History:
    blocked = unmailable(
        conn, [person], secret=installation.secret, allow_list=installation.settings.only, now=installation.clock()
    ).get(person.id, "")  # fmt: skip
    account = deliveries.of_subscriber(conn, person.id)
    named = {one.edition: found for one in account if (found := editions_.get(conn, one.edition))}
    plans = deliveries.digests(conn, [one.digest for one in account if one.digest])
    fates = past.fates_of(conn, [one.id for one in account])
    return _History(person, blocked, account, named, plans, fates)


def _decided(conn: Connection, taxonomy: Taxonomy, one: Entry, history: _History) -> Explanation | None:
    """Return what the subscriber's editions decided about an entry; an inclusion tells before anything else."""
    outcome, strong, reasons = "", "", []
    for delivery in history.account:
        plan = history.plan(delivery)
        if plan is None:
            continue
        where = history.where(delivery)
        for placed in plan.placed:
            if placed.entry == one.id:
                became = _became(conn, delivery, history)
                reasons.append(f"included in {where}, {became}: {reason_in_words(placed.reason, taxonomy)}")
                if delivery.state in _IN_HAND:
                    bounced = history.fates.get(delivery.id) == "bounced"
                    strong = strong or ("bounced" if bounced else _IN_HAND[delivery.state])
                outcome = outcome or delivery.state
        for entry, code in plan.left_out:
            if entry == one.id:
                about = f" ({_facets(conn, delivery.edition, one, taxonomy)})" if code == "outside" else ""
                reasons.append(f"not in {where}: {_LEFT_OUT.get(code, code)}{about}")
                outcome = outcome or code
    return Explanation(strong or outcome, tuple(reasons)) if outcome else None


def _undecided(conn: Connection, installation: Installation, one: Entry, history: _History) -> Explanation:
    """Return why no edition has decided about an entry for a reader."""
    person = history.person
    if one.state != "ready":
        return Explanation(one.state, (_STATES[one.state],))
    number, at = past.released(conn, one.id) or (0, one.first_seen)
    mark = releases.mark_of(conn, person.id, person.joined_at, installation.settings.welcome, default=0)
    passed = list(_passed(conn, one, history))
    lines = tuple(line for _, line in passed)
    considered = any(state in CONSIDERED for state, _ in passed)
    since = person.joined_at - installation.settings.welcome if person.joined_at else None
    if number <= mark and since is not None and (at < since or (at == since and not considered)):
        return Explanation("before-joining", ("released before this subscriber joined (or came back)",))
    if considered:
        return Explanation("suppressed", lines)
    outcome, line = _not_mailed(conn, installation, history)
    if not outcome and number <= mark:
        line = "counted as sent when the database was restored (`digest db resume --sent`)"
        return Explanation("before-restore", (line, *lines))
    if not outcome:
        outcome, line = _next(conn, installation, one, person)
    return Explanation(outcome, (line, *lines))


def _passed(conn: Connection, one: Entry, history: _History) -> Iterator[tuple[str, str]]:
    """Yield (state, line) of each edition that carries the entry, in which nothing was planned for the reader."""
    carried = past.carried(conn, one.id)
    for delivery in history.account:
        if history.plan(delivery) is None and delivery.edition in carried:
            later = "; a later one makes it good" if delivery.state == "held" else ""
            why = "" if delivery.reason in ("", delivery.state) else f" ({delivery.reason})"
            yield delivery.state, f"not in {history.where(delivery)}: {delivery.state}{why}{later}"


def _not_mailed(conn: Connection, installation: Installation, history: _History) -> tuple[str, str]:
    """Return why a reader gets nothing now whatever it is, as an outcome and a line; ("", "") when they may."""
    person, why = history.person, history.blocked
    if why == "suppressed" and person.state != "left":
        reason = people.is_suppressed(conn, person.email, secret=installation.secret)
        return "suppressed", f"this address is suppressed ({reason}): it is never mailed"
    return _NOT_MAILED["left" if why == "suppressed" else why] if why else ("", "")


def _next(conn: Connection, installation: Installation, one: Entry, person: Subscriber) -> tuple[str, str]:
    """Return what the edition that will consider an entry does with it for a reader: an outcome and a line."""
    settings, name, now = installation.settings, person.cadence, installation.clock()
    try:
        cadence = settings.cadence(name)
    except ConfigError:
        return "owed", f"not considered yet: they follow the {name} cadence, which config.toml does not have"
    carried = past.carried(conn, one.id)
    for edition in editions_.unfrozen(conn, name):
        if edition.id in carried and not passed_over(conn, settings, edition, now):
            return _planned(conn, installation, one, person, edition)
    day = coming_slot(conn, cadence, now, settings.site.zone).key
    drafted = editions_.find(conn, name, day)
    if drafted is not None and not drafted_anew(drafted, approval_required=cadence.approval_required):
        day = made_good_by(settings, drafted)  # because this draft stands as it is, without the entry
    return "owed", f"not considered yet: the {name} edition of {day} will"


def _planned(
    conn: Connection, installation: Installation, one: Entry, person: Subscriber, edition: Edition
) -> tuple[str, str]:
    """Return what an edition that is not frozen would do with an entry for a reader if it were frozen now."""
    settings, now = installation.settings, installation.clock()
    edition, shown = as_it_stands(conn, settings, edition, person, now)
    planned = Planner(conn, settings, edition, shown, installation.secret, now).reader(person)
    stands = "held by an editor" if edition.held else edition.state
    where = f"edition {edition.id} ({edition.cadence} {edition.slot}), which is {stands}"
    if planned.late:
        return "owed", f"not in {where}: {in_words(settings, edition, planned)}"
    for entry, code in planned.digest.left_out if planned.digest else ():
        if entry == one.id:
            return code, f"not in {where}: {_LEFT_OUT.get(code, code)}"
    return "owed", f"not sent yet: it is in {where}"


def _became(conn: Connection, delivery: Delivery, history: _History) -> str:
    """Return what became of a letter, with what was heard of it since."""
    reason, became = delivery.reason, _BECAME.get(delivery.state, delivery.state)
    if delivery.state == "pending" and history.blocked:
        # The claim asks again, and hands nothing over; a pause only makes it wait.
        reason = history.blocked
        became = became if reason == "paused" else "frozen, but not to be handed over"
    line = f"{became}{f' ({reason})' if reason else ''}"
    if (fate := history.fates.get(delivery.id)) is not None:
        told = event_history.known(conn, [delivery.id]).get(delivery.id, [])
        reason = next((one.reason for one in reversed(told) if one.reason), "")
        line += f", {_FATES.get(fate, fate)}{f' ({reason})' if reason else ''}"
    return line


def _facets(conn: Connection, edition: int, one: Entry, taxonomy: Taxonomy) -> str:
    """Return an entry's facets as an edition carried it."""
    shown = next((s.entry for s in editions_.shown(conn, edition) if s.entry.id == one.id), one)
    slugs = (*shown.facets.policy_areas, *shown.facets.regions)
    return f"{shown.kind}; {', '.join(taxonomy.name(slug) for slug in slugs)}"


def _delivery_line(delivery: Delivery, history: _History) -> str:
    plan = history.plan(delivery)
    carries = f"{len(plan.placed)} entries, {plan.more} more" if plan and plan.placed else "no letter"
    fate = history.fates.get(delivery.id)
    why = f" ({delivery.reason})" if delivery.reason else ""
    heard_of = f", {_FATES.get(fate, fate)}" if fate else ""
    return f"{history.where(delivery)}: {delivery.state}{why}{heard_of}; {carries}"


def reason_in_words(reason: Reason, taxonomy: Taxonomy) -> str:
    """Return a reason in words, for the desk and the terminal."""
    followed = f"they follow {taxonomy.name(reason.slug)}" if reason.slug else "they follow every policy area"
    region = taxonomy.name(reason.region)
    if reason.code == "area":
        return f"{followed}; {region}"
    return f"from elsewhere ({region}): {followed}"
