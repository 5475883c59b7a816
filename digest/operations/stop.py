"""Stop a frozen edition: claim no more of its deliveries, and take back the letters that wait at the provider."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import Connection

from digest.delivery.run import Run
from digest.delivery.take_back import TakenBack, take_back_request
from digest.editions.named import edition_of
from digest.errors import PersonNeeded, TryLater, WrongUse, counted
from digest.installation import Installation
from digest.ledger.ahead import after_doubt
from digest.store import deliveries, editions, requests
from digest.store.archive_rows import settle_archive
from digest.store.engine import reading
from digest.store.lock import run_lock


def stop_claims(conn: Connection, installation: Installation, number: int) -> None:
    """Let no more deliveries of a frozen edition be claimed, in the caller's transaction.

    Raises WrongUse for an edition that is unknown, not frozen, or handed over whole.
    """
    edition = edition_of(conn, number)
    if edition.state != "frozen":
        raise WrongUse(f"edition {number} is not frozen: no letter has left; `digest hold {number}` stops it")
    receipt = deliveries.receipt(conn, edition)
    if not receipt.pending and not edition.held and not requests.of_edition(conn, number, installation.clock()):
        raise WrongUse(
            f"edition {number} ({edition.cadence} {edition.slot}) has nothing left to stop:"
            f" {counted(receipt.accepted, 'letter has', 'letters have')} left, {receipt.uncertain} in doubt; no"
            " letter can be called back. `digest drop ENTRY` keeps an entry out of later ones and says who had it"
        )
    editions.hold(conn, number)
    settle_archive(conn, number)  # because nobody is to see it any more


def take_back_waiting(installation: Installation, number: int) -> TakenBack:
    """Take back all requests of a stopped edition that wait at the provider for their hour.

    The readers of a request that the provider confirms in time get no letter. Letters of other requests go out, or
    are in doubt. Raises PersonNeeded in HOLD, because another database may have the requests; TryLater while a run is
    under way, which stops after its batch.
    """
    if reason := installation.fence.why():
        raise PersonNeeded(
            f"edition {number} is stopped here, but the database is in HOLD: {reason}; another database may have the"
            " requests that wait at the provider: stop the edition there, or first say with `digest db resume`"
            " whether it was sent, and then stop it here again"
        )
    account = TakenBack()
    try:
        with run_lock(installation.engine), closing(installation.transport()) as transport:
            with reading(installation.engine) as conn:
                waiting = requests.of_edition(conn, number, installation.clock())
            for request in waiting:
                if after_doubt(installation.clock(), request.send_at, None) == "cancel":
                    take_back_request(Run(installation, transport), request, "stop", account)
                else:
                    account.late += 1
    except TryLater as busy:
        raise TryLater(
            f"edition {number} is stopped and no more of it is claimed, but letters may still wait at the provider:"
            f" give the same command again when the run under way has ended ({busy})"
        ) from busy
    return account
