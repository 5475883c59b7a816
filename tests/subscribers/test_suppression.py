from __future__ import annotations

import hashlib
import hmac
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, event, select

from subscribers import store
from subscribers.errors import BadSecret
from subscribers.suppression import (
    address_hash,
    check_secret,
    is_suppressed,
    suppress,
    suppressed_reasons,
    unsuppress,
)
from subscribers.tables import REASONS, suppression
from tests.counts import POSTGRESQL_LONG

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
SECRET = b"s" * 32


def test_it_holds_for_every_spelling_and_stores_a_keyed_hash_only(conn: Connection) -> None:
    suppress(conn, "Jo@Bücher.example", "bounced", secret=SECRET, now=NOW, note="5.1.1")
    row = conn.execute(select(suppression)).one()
    expected = hmac.new(SECRET, b"jo@xn--bcher-kva.example", hashlib.sha256).hexdigest()
    assert (row.address_hash, row.reason, row.at, row.note) == (expected, "bounced", NOW, "5.1.1")
    assert is_suppressed(conn, "jo@xn--bcher-kva.EXAMPLE", secret=SECRET) == "bounced"
    assert is_suppressed(conn, "al@town.example", secret=SECRET) is None


def test_the_stronger_reason_stays(conn: Connection) -> None:
    for first, second in itertools.product(REASONS, REASONS):
        email = f"{first}.{second}@town.example"
        suppress(conn, email, first, secret=SECRET, now=NOW, note="one")
        suppress(conn, email, second, secret=SECRET, now=LATER, note="two")
        row = conn.execute(select(suppression).where(suppression.c.address_hash == address_hash(SECRET, email))).one()
        stronger = REASONS.index(second) > REASONS.index(first)
        assert (row.reason, row.at, row.note) == ((second, LATER, "two") if stronger else (first, NOW, "one"))


def test_lifting_it_is_an_act_of_its_own(conn: Connection) -> None:
    suppress(conn, "jo@town.example", "bounced", secret=SECRET, now=NOW)
    assert unsuppress(conn, "JO@town.example", secret=SECRET) == "bounced"
    assert unsuppress(conn, "jo@town.example", secret=SECRET) is None
    assert is_suppressed(conn, "jo@town.example", secret=SECRET) is None


def test_a_reason_of_ones_own_is_refused(conn: Connection) -> None:
    with pytest.raises(ValueError, match="use one of left, bounced"):
        suppress(conn, "jo@town.example", "tired", secret=SECRET, now=NOW)


@POSTGRESQL_LONG
def test_which_of_many_are_suppressed(conn: Connection) -> None:
    ids = [
        store.add(
            conn, store.NewSubscriber(f"p{n}@town.example", cadence="weekly"), how="test", now=NOW, secret=SECRET
        ).id
        for n in range(12)
    ]
    for n in (3, 7):
        suppress(conn, f"P{n}@town.example", "complained", secret=SECRET, now=NOW)
    suppress(conn, "stranger@town.example", "editor", secret=SECRET, now=NOW)
    assert set(suppressed_reasons(conn, SECRET, ids)) == {ids[3], ids[7]}
    assert set(suppressed_reasons(conn, SECRET, [ids[3], 999_999])) == {ids[3]}
    assert suppressed_reasons(conn, SECRET, []) == {}
    # More ids than one statement may bind.
    assert set(suppressed_reasons(conn, SECRET, range(1, 40_000))) == {ids[3], ids[7]}


def test_another_secret_is_refused_not_silently_blind(conn: Connection) -> None:
    """A lost secret file would be made anew, and everyone who left be mailed again."""
    one = store.add(
        conn, store.NewSubscriber("jo@town.example", cadence="weekly"), how="test", now=NOW, secret=SECRET
    )
    check_secret(conn, b"t" * 32)  # nothing depends on it yet
    suppress(conn, one.email, "left", secret=SECRET, now=NOW)
    check_secret(conn, SECRET)
    for ask in (
        lambda: check_secret(conn, b"t" * 32),
        lambda: is_suppressed(conn, one.email, secret=b"t" * 32),
        lambda: suppressed_reasons(conn, b"t" * 32, [one.id]),
        lambda: suppress(conn, one.email, "left", secret=b"t" * 32, now=NOW),
        lambda: unsuppress(conn, one.email, secret=b"t" * 32),
    ):
        with pytest.raises(BadSecret, match="old secret file"):
            ask()


def test_the_suppression_is_written_before_the_seal(conn: Connection) -> None:
    """A claim locks the suppressions and then seals; the other order here would be a deadlock with it."""
    written: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        written.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    suppress(conn, "jo@town.example", "left", secret=SECRET, now=NOW)
    inserted = [line.split()[2] for line in written if line.startswith("INSERT")]
    assert inserted.index("suppression") < inserted.index("suppression_secret")
