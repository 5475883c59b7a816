"""The books, read by plain SQL and not by the product's own code: they balance after every step of every trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

_STATES = """
    SELECT e.id AS edition, e.eligible, d.state, count(d.id) AS rows
    FROM edition e LEFT JOIN delivery d ON d.edition_id = e.id
    WHERE e.state = 'frozen' GROUP BY e.id, e.eligible, d.state
    UNION ALL
    SELECT e.id, e.eligible, t.state, sum(t.count)
    FROM edition e JOIN tally t ON t.edition_id = e.id
    WHERE e.state = 'frozen' GROUP BY e.id, e.eligible, t.state
"""
_TWINS = "SELECT edition_id, subscriber_id FROM delivery GROUP BY edition_id, subscriber_id HAVING count(*) > 1"
_READERS = """
    SELECT s.email, d.state FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id
    WHERE d.edition_id = :edition
"""
STATES = frozenset(
    ("pending", "claimed", "accepted", "refused", "suppressed", "empty", "held", "uncertain", "cancelled")
)


@dataclass(frozen=True, slots=True)
class Account:
    """One frozen edition: how many were eligible, and the rows in each state."""

    edition: int
    eligible: int
    states: Mapping[str, int]


def accounts(conn: Connection) -> list[Account]:
    """Return the account of every frozen edition, oldest first; AssertionError when one does not balance.

    Balanced: one row or one of a tally for each eligible reader, in a state of the ledger, and no row twice.
    """
    found: dict[int, tuple[int, Counter[str]]] = {}
    for row in conn.execute(text(_STATES)):
        _, states = found.setdefault(row.edition, (row.eligible, Counter()))
        if row.state is not None:
            states[row.state] += row.rows
    twins = conn.execute(text(_TWINS)).all()
    assert not twins, f"twice in one edition: {twins}"
    made = [Account(edition, eligible, states) for edition, (eligible, states) in sorted(found.items())]
    for one in made:
        assert set(one.states) <= STATES, f"edition {one.edition}: unknown states in {one.states}"
        assert sum(one.states.values()) == one.eligible, f"edition {one.edition}: {one.eligible} are not {one.states}"
    return made


def compare(conn: Connection, edition: int, arrived: Mapping[str, int]) -> list[str]:
    """Hold an edition's rows against the copies that `arrived` by address; return the addresses in doubt.

    AssertionError: an accepted one did not arrive, one arrived twice, or one arrived that is not owed or in doubt.
    """
    accounts(conn)
    states = {row.email: row.state for row in conn.execute(text(_READERS), {"edition": edition})}
    wrong = []
    for email in sorted(set(states) | set(arrived)):
        state, copies = states.get(email, "not in the ledger"), arrived.get(email, 0)
        fewest, most = {"accepted": (1, 1), "uncertain": (0, 1), "claimed": (0, 1)}.get(state, (0, 0))
        if not fewest <= copies <= most:
            wrong.append(f"{email} is {state}, {copies} copies arrived")
    assert not wrong, wrong
    return [email for email, state in states.items() if state == "uncertain"]
