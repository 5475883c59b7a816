"""Stop a frozen edition: claim no more of it, and take back what waits at the provider."""

from __future__ import annotations

from contextlib import closing

from digest.delivery.take_back import TakenBack, _take_back
from digest.errors import PersonNeeded, TryLater, WrongUse
from digest.installation import Installation
from digest.ledger.ahead import after_doubt
from digest.store import editions, requests
from digest.store.engine import reading, writing
from digest.store.lock import run_lock


def stop(installation: Installation, number: int) -> TakenBack:
    """Let no more of a frozen edition go out, and take back every request of it that waits for its hour.

    The readers of what the provider confirms in time get nothing. The others' letters go out, or are in doubt.
    WrongUse for an edition that is not frozen; PersonNeeded in HOLD: what waits is in another database's books;
    TryLater while a run is under way, which stops after its batch.
    """
    with writing(installation.engine, "stop") as conn:
        one = editions.get(conn, number)
        if one is None:
            raise WrongUse(f"edition {number} does not exist; see `digest status`")
        if one.state != "frozen":
            raise WrongUse(f"edition {number} is not frozen: nothing of it has left; `digest hold {number}` holds it")
        # First of all, so that a run under way claims nothing more of it.
        editions.hold(conn, number)
    if why := installation.fence.why():
        raise PersonNeeded(
            f"edition {number} is stopped here, but the database is in HOLD: {why}; what waits at the provider is in"
            " another one's books: stop it there, or say first what is true (`digest db resume`), then this again"
        )
    account = TakenBack()
    try:
        with run_lock(installation.engine), closing(installation.transport()) as transport:
            with reading(installation.engine) as conn:
                found = requests.of_edition(conn, number, installation.clock())
            for request in found:
                if after_doubt(installation.clock(), request.send_at, None) == "cancel":
                    _take_back(installation.engine, transport, installation.clock, request, "stop", account)
                else:
                    account.late += 1
    except TryLater as busy:
        raise TryLater(
            f"edition {number} is stopped, no more of it is claimed; what waits for its hour at the provider is not"
            f" all taken back: say it again when the run under way has ended ({busy})"
        ) from busy
    return account
