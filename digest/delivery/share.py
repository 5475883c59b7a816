"""Hand over a share of a frozen edition beside other runs that do the same, as the workers of a cluster do.

The claims part the letters between them. A share takes back nothing and mails no notice: the turn does.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from digest.delivery.hand_over import FrozenEdition
from digest.delivery.run import Run
from digest.errors import BadEdition, Objection, PersonNeeded, TryLater
from digest.installation import Installation
from digest.operations.run_report import RunContext, RunReport, Watch, accounted, receipt_now
from digest.send import frozen_edition, send_batch
from digest.store import deliveries, runs
from digest.store.engine import reading
from digest.store.lock import sending
from digest.system import stopping

_PAUSE = timedelta(minutes=1)  # after a server asks for patience or cannot be reached
# After a lost answer, and after an error that only a person can mend; as often as cron would try.
_LONG_PAUSE = timedelta(minutes=15)
# The edition that an installation handed over last, because a worker hands over many shares of one edition.
_compiled: WeakKeyDictionary[Installation, FrozenEdition] = WeakKeyDictionary()


def send_share(installation: Installation, number: int, batches: int) -> RunReport:
    """Claim and hand over at most `batches` batches of edition `number`; return what became of them.

    Returns at once, and stores no run, when nothing of it may be handed over now. Raises as `digest.send.send` does,
    and TryLater while other work must be alone; what is left then is announced again.
    """
    with reading(installation.engine) as conn:
        if number not in shareable(conn, installation.clock()):
            return RunReport()
    context = RunContext(RunReport(), Watch(), number)
    installation.require_schema(of_run=True)
    with sending(installation.engine) as live:
        installation.fence.check()  # before a row is stored, because a database may be in HOLD for days
        with accounted(installation, runs.SHARE, context) as own, closing(Run(installation, number=own)) as run:
            live(own)
            installation.require_secret()
            context.sending = context.pausing = [number]
            try:
                halted = _hand_over_some(run, number, batches)
                context.pause = _PAUSE if halted else None
            except Exception as error:
                context.pause = _pause_after(error, run)
                if isinstance(error, _LostAnswerError):
                    context.pausing = _owed(installation)
                if isinstance(error, (BadEdition, Objection)):
                    context.report.failed.append(str(error))
                raise
            context.report.receipts = [receipt_now(installation, number)]
    return context.report


def shareable(conn: Connection, now: datetime) -> list[int]:
    """Return the editions of which a share may be handed over now: owed, and not left alone for a while."""
    return sorted({*deliveries.owed(conn, now)} - runs.pausing(conn, now - _LONG_PAUSE, now))


class _AwayError(TryLater):
    """The transport cannot be opened, because the other side is away."""


class _LostAnswerError(PersonNeeded):
    """The answer for letters did not come, so that nobody knows whether they have left."""


def _owed(installation: Installation) -> list[int]:
    with reading(installation.engine) as conn:
        return sorted(deliveries.owed(conn, installation.clock()))


def _pause_after(error: Exception, run: Run) -> timedelta | None:
    """Return for how long shares leave the other side alone, None where the reason was the database or a stop."""
    if isinstance(error, _LostAnswerError):
        return _LONG_PAUSE
    if isinstance(error, PersonNeeded):
        return None
    if not isinstance(error, TryLater):
        return _LONG_PAUSE
    return _PAUSE if isinstance(error, _AwayError) or run.answers.objection(ended=True) else None


def _hand_over_some(run: Run, number: int, batches: int) -> bool:
    """Hand batches over; return whether the provider asks for patience, or cannot be reached any more."""
    frozen = frozen_edition(run.installation, number, _compiled.get(run.installation))
    _compiled[run.installation] = frozen
    with reading(run.installation.engine) as conn:
        run.answers.begin(accepted=deliveries.receipt(conn, frozen.edition).accepted > 0)
    try:
        run.transport.open()
    except TryLater as away:
        raise _AwayError(str(away)) from away
    for _ in range(batches):
        if _is_left_alone(run.installation, number):
            return False
        batch = send_batch(run, frozen)
        if batch is None:
            return False
        if batch.ended.lost:
            raise _LostAnswerError(
                f"edition {number}: an answer was lost; the other side is left alone for a quarter of an hour. Where"
                " it keeps letters until their hour, the next turn takes these back; otherwise see `digest settle`"
            )
        if stopping.asked():
            raise TryLater(f"stopped as asked, after a whole batch of edition {number}")
        if batch.ended.halted:
            return True
    return False


def _is_left_alone(installation: Installation, number: int) -> bool:
    """Return whether another worker has asked meanwhile to leave the other side alone."""
    now = installation.clock()
    with reading(installation.engine) as conn:
        return number in runs.pausing(conn, now - _LONG_PAUSE, now)
