"""The order of things: gather, then prepare, freeze and send what each cadence owes; and the account of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from digest import gather as gathering
from digest import send
from digest.delivery import recover
from digest.delivery.take_back import take_back
from digest.delivery.trial import trial_letter
from digest.editions import draft, freeze
from digest.errors import BadEdition, DigestError, PersonNeeded, WrongUse
from digest.installation import Installation
from digest.model import Receipt
from digest.schedule import Cadence
from digest.store import deliveries, editions, runs
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.store.sources import Gathering
from digest.system.failpoint import failpoint
from digest.transports.base import Transport, WaitingTransport
from digest.transports.file import FileTransport


@dataclass(slots=True)
class RunReport:
    """The account of a run. `waiting`: what only a person can move on; `failed`: editions that could not be sent."""

    receipts: list[Receipt] = field(default_factory=list)
    sources: list[Gathering] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    recovered: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "receipts": [asdict(one) | {"balanced": one.balanced} for one in self.receipts],
            "sources": [asdict(one) for one in self.sources],
            "waiting": self.waiting,
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run tells whoever is watching: each source read, each edition about to be sent, each batch sent.

    `broken`: the account of a run that ends by an error, which is not returned.
    """

    source: Callable[[Gathering], None] = lambda _: None
    edition: Callable[[Receipt], None] = lambda _: None
    sent: Callable[[int], None] = lambda _: None
    broken: Callable[[RunReport], None] = lambda _: None


def gather(
    installation: Installation, *, only: str | None = None, force: bool = False, watch: Watch | None = None
) -> list[Gathering]:
    """Gather under the run lock; see `digest.gather.gather`."""
    watch = watch or Watch()
    with run_lock(installation.engine):
        return _gather(installation, only, force, watch)


def run(installation: Installation, *, watch: Watch | None = None) -> RunReport:
    """Gather, prepare, freeze and send whatever is due. Safe to repeat; TryLater when one is under way."""
    watch = watch or Watch()
    with run_lock(installation.engine):
        return _accounted(installation, "run", watch, gather_first=True, cadences=installation.settings.cadences)


def send_owed(installation: Installation, *, number: int | None = None, watch: Watch | None = None) -> RunReport:
    """Hand over what is frozen and pending: of edition `number`, or of all."""
    watch = watch or Watch()
    _check_frozen(installation, number)
    with run_lock(installation.engine):
        return _accounted(installation, "send", watch, number=number)


def dry_run(installation: Installation, out: Path, number: int | None = None) -> int:
    """Write the letters still pending (of edition `number`, or of all) to files below `out`; return how many."""
    _check_frozen(installation, number)
    with reading(installation.engine) as conn:
        numbers = [n for n in deliveries.owed(conn, installation.clock()) if number in (None, n)]
    with closing(FileTransport(out)) as transport:
        return sum(
            send.rehearse(
                installation.engine,
                installation.settings,
                n,
                transport,
                secret=installation.secret,
                now=installation.clock(),
            )
            for n in numbers
        )


def _check_frozen(installation: Installation, number: int | None) -> None:
    """Return when an edition, if one is named, has letters to hand over."""
    if number is None:
        return
    with reading(installation.engine) as conn:
        one = editions.get(conn, number)
    if one is None:
        raise WrongUse(f"edition {number} does not exist; see `digest status`")
    if one.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen yet: `digest run` freezes it when it is due and approved")


def _accounted(
    installation: Installation,
    command: str,
    watch: Watch,
    *,
    gather_first: bool = False,
    cadences: tuple[Cadence, ...] = (),
    number: int | None = None,
) -> RunReport:
    """Do the work of a run between the two rows that account for it."""
    report = RunReport()
    chosen: list[int] = []
    where = installation.settings.transport.where
    with writing(installation.engine, "begin run") as conn:
        run_id = runs.start(conn, command, installation.clock(), where)
    outcome = "stopped"
    try:
        installation.fence.check()
        with closing(installation.transport()) as transport:
            recovered = recover.recover(installation.engine, transport, where, installation.clock)
            for (_, state), count in recovered.items():
                report.recovered[state] = report.recovered.get(state, 0) + count
            # Before all else: what is in doubt can only be taken back while its hour is far off.
            back = take_back(installation.engine, transport, installation.clock)
            if back.open:
                report.waiting.append(f"{back.open} requests in doubt {_not_taken_back(transport)}")
            if gather_first:
                report.sources = _gather(installation, None, False, watch)
            # What is wrong with config or templates shows here, before anything is owed because of it; once a run.
            trial = cache(lambda: trial_letter(installation.settings))
            frozen = [number for cadence in cadences for number in _freeze(installation, cadence, report, trial)]
            with reading(installation.engine) as conn:
                owed = deliveries.owed(conn, installation.clock())
                stopped = [n for n in deliveries.stopped(conn) if number in (None, n)]
            report.waiting += [
                f"edition {n} is stopped with letters still owed: `digest approve {n}` lets it go on" for n in stopped
            ]
            chosen = [n for n in sorted({*owed, *frozen}) if number in (None, n)]
            work = send.Run(
                installation.engine,
                installation.settings,
                transport,
                installation.fence,
                run_id,
                installation.secret,
                installation.clock,
            )
            _send_all(work, installation, chosen, report, watch)
            failpoint("run: all sent")
            # Also of what was found half done: its account has changed.
            shown = {*chosen, *(n for n, _ in recovered), *([number] if number else [])}
            report.receipts = [_receipt(installation, n) for n in sorted(shown)]
        outcome = "failed" if report.failed else "needs a person" if report.waiting else "done"
    except BaseException as error:
        outcome = f"failed: {error}" if isinstance(error, DigestError) else f"failed: {type(error).__name__}"
        with suppress(DigestError):  # the database may be what has gone
            report.receipts = [_receipt(installation, n) for n in chosen]
            watch.broken(report)
        raise
    finally:
        with writing(installation.engine, "end run") as conn:
            runs.finish(conn, run_id, outcome, report.to_json() | {"transport": where}, installation.clock())
    return report


def _send_all(work: send.Run, installation: Installation, chosen: list[int], report: RunReport, watch: Watch) -> None:
    """Hand over what each edition owes, oldest first; what ends that short is reported."""
    for one in chosen:
        watch.edition(_receipt(installation, one))
        try:
            send.send(work, one, watch.sent)
        except PersonNeeded as needed:
            report.waiting.append(str(needed))
            break
        except BadEdition as error:
            # One edition's fault must not cost the readers of the others their letters.
            report.failed.append(str(error))


def _not_taken_back(transport: Transport) -> str:
    """Return why requests in doubt have not been taken back, and the cure."""
    if isinstance(transport, WaitingTransport):
        return (
            "wait at the provider, which has not confirmed that it takes them back: look at its key and its state,"
            " and run again before their hour"
        )
    return (
        "wait at the provider they were given to, and config.toml names another by now: run with that one again"
        " before their hour, or `digest settle` after it"
    )


def _gather(installation: Installation, only: str | None, force: bool, watch: Watch) -> list[Gathering]:
    return gathering.gather(
        installation.engine, installation.settings, installation.fetcher(), installation.classifier,
        now=installation.clock(), only=only, force=force, progress=watch.source,
    )  # fmt: skip


def _freeze(installation: Installation, cadence: Cadence, report: RunReport, trial: Callable[[], None]) -> list[int]:
    """Freeze the editions a cadence owes; return their numbers. What only a person can move on is reported."""
    now, zone = installation.clock(), installation.settings.site.zone
    frozen: list[int] = []
    try:
        with reading(installation.engine) as conn:
            slots = draft.slots_to_run(conn, cadence, now, zone)
        if slots:
            trial()
        for slot in slots:
            with writing(installation.engine, "draft") as conn:
                draft.ready(conn, installation.settings, cadence, slot, now)
            with writing(installation.engine, "freeze") as conn:
                frozen.append(freeze.freeze(conn, installation.settings, cadence, slot, installation.secret, now).id)
    except PersonNeeded as needed:
        report.waiting.append(str(needed))
    return frozen


def _receipt(installation: Installation, number: int) -> Receipt:
    with reading(installation.engine) as conn:
        one = editions.get(conn, number)
        assert one is not None
        return deliveries.receipt(conn, one)
