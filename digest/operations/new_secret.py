"""Go on with a new secret when the old one is lost for good: suppress again who is known to have said no.

The old suppressions are hashes that nobody can read without the old secret. Other records in the database tell most
of them again: who has left, whose letters bounced or were complained about, who was passed over as suppressed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from digest.errors import DigestError, WrongUse
from digest.installation import Installation, is_secret_used
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.store.said_no import forget_strikes, known_to_have_said_no
from digest.system.disk import ANOTHER_KEY_FILE, unwritable
from digest.system.flush import flush_names
from subscribers.changes import mark_kept, record_changes, unkept_changes
from subscribers.errors import BadSecret
from subscribers.secret import load_secret
from subscribers.suppression import (
    all_suppressions,
    fingerprint,
    forget_suppressions,
    seal,
    stored_fingerprint,
    suppress_keys,
)


@dataclass(frozen=True, slots=True)
class Renewal:
    """Count, by reason, the suppressions that are lost with the secret (`before`) and those made `again`.

    `aside` is where the file of the wrong secret was kept, None where there was none.
    """

    before: dict[str, int]
    again: dict[str, int]
    aside: Path | None = None

    @property
    def lost(self) -> int:
        """Return how many suppressions cannot be restored from other records, those of erased people included.

        Counted reason by reason, because a complaint that is told again as another reason is lost too.
        """
        return sum(max(0, count - self.again.get(reason, 0)) for reason, count in self.before.items())


def renew_secret(installation: Installation, *, go: bool) -> Renewal:
    """Make a new secret, and the suppressions again; without `go`, only count. Hold no lock.

    Raises WrongUse when the secret is not lost, because every link in sent letters would die for nothing.
    """
    file, engine = installation.settings.secret_file, installation.engine
    with run_lock(engine):
        with reading(engine) as conn:
            used = is_secret_used(conn)
            old = stored_fingerprint(conn)
            before = Counter(reason for _, reason in all_suppressions(conn))
            again = known_to_have_said_no(conn)
        if not used or _is_right(installation):
            raise WrongUse(f"{file}: the secret of this database is not lost; nothing was changed")
        renewal = Renewal(dict(before), dict(Counter(again.values())))
        if not go:
            return renewal
        now = installation.clock()
        aside = set_aside(file, f"{now:%Y%m%dT%H%M%S}")
        secret = load_secret(file)
        # Kept, because a database of before may be put back with its secret; then only this list tells who said no.
        installation.fence.suppressed.set_aside(f"{now:%Y%m%dT%H%M%S}", old)
        with writing(engine, "new secret") as conn:
            forget_suppressions(conn)
            forget_strikes(conn)
            suppress_keys(conn, again, secret=secret, now=now, note="told again after the secret was lost")
            seal(conn, secret)
            installation.fence.suppressed.begin(all_suppressions(conn), fingerprint(secret), again=True)
            mark_kept(conn, [number for number, hashed, _ in unkept_changes(conn) if hashed])
            # A change of its own, so that `follow` writes the fence and a database of before is told from this one.
            record_changes(conn)
    installation.fence.follow()
    return Renewal(renewal.before, renewal.again, aside)


def _is_right(installation: Installation) -> bool:
    try:
        return bool(installation.secret)
    except BadSecret:
        return False


def set_aside(file: Path, at: str) -> Path | None:
    """Keep a file of wrong keys under another name; return it, or None when there is no file."""
    if not file.exists():
        return None
    aside = file.with_name(f"{file.name}.before-{at}")
    if aside.exists():
        raise DigestError(f"{aside} is there already; try again in a moment")
    try:
        file.rename(aside)
        flush_names(file.parent)
    except OSError as error:
        raise unwritable(f"{file} cannot be renamed", error, ANOTHER_KEY_FILE) from error
    return aside
