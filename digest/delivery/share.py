"""Hand over a share of a frozen edition beside other runs that do the same, as the workers of a cluster do.

The claims part the letters between them. A share takes back nothing and mails no notice: the turn does.
"""

from __future__ import annotations

from contextlib import closing

from digest.delivery.run import Run
from digest.errors import BadEdition, Objection, PersonNeeded, TryLater
from digest.installation import Installation
from digest.operations.run_report import RunContext, RunReport, Watch, accounted, receipt_now
from digest.send import frozen_edition, send_batch
from digest.store import deliveries, runs
from digest.store.engine import reading
from digest.store.lock import sending
from digest.system import stopping


def send_share(installation: Installation, number: int, batches: int) -> RunReport:
    """Claim and hand over at most `batches` batches of edition `number`; return what became of them.

    Returns at once, and stores no run, when nothing of it may be handed over now. Raises as `digest.send.send` does,
    and TryLater while other work must be alone; what is left then is announced again.
    """
    with reading(installation.engine) as conn:
        if number not in deliveries.owed(conn, installation.clock()):
            return RunReport()
    context = RunContext(RunReport(), Watch(), number)
    installation.require_schema(of_run=True)
    with (
        sending(installation.engine) as live,
        accounted(installation, runs.SHARE, context) as own,
        closing(Run(installation, number=own)) as run,
    ):
        live(own)
        installation.fence.check()
        installation.require_secret()
        context.sending = [number]
        try:
            _hand_over_some(run, number, batches)
        except (BadEdition, Objection) as error:
            context.report.failed.append(str(error))
            raise
        context.report.receipts = [receipt_now(installation, number)]
    return context.report


def _hand_over_some(run: Run, number: int, batches: int) -> None:
    frozen = frozen_edition(run.installation, number)
    with reading(run.installation.engine) as conn:
        run.answers.begin(accepted=deliveries.receipt(conn, frozen.edition).accepted > 0)
    run.transport.open()
    for _ in range(batches):
        batch = send_batch(run, frozen)
        if batch is None:
            return
        if batch.ended.lost:
            raise PersonNeeded(
                f"edition {number}: an answer was lost; other workers go on with it. Where the provider keeps letters"
                " until their hour, the next turn takes these back; otherwise see `digest settle`"
            )
        if stopping.asked():
            raise TryLater(f"stopped as asked, after a whole batch of edition {number}")
        if batch.ended.halted:
            return  # because the provider asks for patience or cannot be reached
