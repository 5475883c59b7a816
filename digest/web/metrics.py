"""Answer /metrics for Prometheus: a collector reads the database when it is asked, and shares what it has read."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from digest import __version__
from digest.errors import DigestError
from digest.installation import Installation
from digest.operations.monitor import CHECKS, Monitor, MonitorLook, SharedValue
from digest.operations.monitor_figures import MonitorFigures, count_figures
from digest.operations.owed import CODES
from digest.operations.workers import ClusterState

# Each metric with its help; docs/monitoring.md has them all.
METRICS = {
    "digest_readers_owed_and_nothing_about_to_send": "1 if and only if a reader is owed a letter and nothing is about"
    " to send it",
    "digest_unsent": "1 while letters that are owed do not leave for this reason",
    "digest_ready": "1 while /readyz answers 200",
    "digest_check_ok": "0 while this check of /readyz fails",
    "digest_hold": "1 while the database is in HOLD and nothing is mailed",
    "digest_deliveries": "Deliveries by state, of each edition that is not settled",
    "digest_deliveries_uncertain": "Deliveries in doubt, of all editions; a person decides on them",
    "digest_oldest_pending_seconds": "Seconds since the oldest edition was frozen that still owes a letter",
    "digest_seconds_since_last_run": "Seconds since the newest run ended, or began if it has not",
    "digest_seconds_since_last_good_run": "Seconds since a run that did its work ended",
    "digest_sources": "Sources by how they do",
    "digest_editions_waiting_for_approval": "Editions that go out next and that no editor has approved yet",
    "digest_next_slot_timestamp_seconds": "When the next slot of a cadence falls due, in seconds since 1970",
    "digest_workers": "Workers of a cluster that were heard of within two minutes; 0 where there is none",
    "digest_jobs_waiting": "Jobs of a cluster that wait for a worker",
    "digest_jobs_failed": "Jobs of a cluster that failed and are kept",
    "digest_oldest_job_seconds": "Seconds since the oldest job that waits was announced",
    "digest_info": "Always 1; the label tells the version of this program",
}
_FIGURES = timedelta(seconds=15)  # the shortest time for which counts are shared
_log = logging.getLogger(__name__)
_Values = Iterable[tuple[tuple[str, ...], float]]  # of each sample its labels and its value


class InstallationCollector(Collector):
    """Collect the metrics of one installation; never raises, because what fails is itself a metric."""

    def __init__(self, installation: Installation, monitor: Monitor) -> None:
        self._monitor = monitor
        self._figures = SharedValue(lambda: count_figures(installation), installation.clock, _FIGURES)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each metric that is known now."""
        look = self._monitor.look()
        yield _metric("digest_info", ("version",), [((__version__,), 1)])
        yield from _of_checks(look)
        if look.facts is None:
            return
        yield from _of_letters(look)
        try:
            figures = self._figures.newest()
        except (DigestError, SQLAlchemyError) as error:
            _log.error("metrics: %s", error)
            return
        yield from _of_figures(figures)


def metrics(installation: Installation, monitor: Monitor, token: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of Prometheus, for callers with the token alone; the database is not asked for others.

    An address is no proof: behind a proxy on this machine, everybody comes from a private one.
    """
    registry = CollectorRegistry()
    registry.register(InstallationCollector(installation, monitor))
    expected = f"Bearer {token}".encode()

    async def answer(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            return PlainTextResponse("the token is missing or wrong\n", 401, headers={"WWW-Authenticate": "Bearer"})
        text = await run_in_threadpool(generate_latest, registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer


def _of_checks(look: MonitorLook) -> Iterator[GaugeMetricFamily]:
    yield _metric("digest_ready", (), [((), not look.problems)])
    yield _metric("digest_check_ok", ("check",), [((check,), check not in look.problems) for check in CHECKS])


def _of_letters(look: MonitorLook) -> Iterator[GaugeMetricFamily]:
    facts = look.facts
    assert facts is not None
    codes = {reason.code for reason in look.reasons}
    yield _metric("digest_readers_owed_and_nothing_about_to_send", (), [((), bool(codes))])
    yield _metric("digest_unsent", ("reason",), [((code,), code in codes) for code in CODES])
    yield _metric("digest_hold", (), [((), facts.held)])
    waits = min((edition.frozen_at for edition in look.open_editions if edition.owes), default=look.at)
    yield _metric("digest_oldest_pending_seconds", (), [((), (look.at - waits).total_seconds())])
    last = facts.runs.ended or facts.runs.began
    for name, instant in (("run", last), ("good_run", facts.runs.good_at)):
        if instant is not None:
            yield _metric(f"digest_seconds_since_last_{name}", (), [((), (look.at - instant).total_seconds())])


def _of_figures(figures: MonitorFigures) -> Iterator[GaugeMetricFamily]:
    deliveries = [
        ((str(edition.number), edition.cadence, edition.slot, state), float(count))
        for edition in figures.editions
        for state, count in sorted(edition.states.items())
    ]
    yield _metric("digest_deliveries", ("edition", "cadence", "slot", "state"), deliveries)
    yield _metric("digest_deliveries_uncertain", (), [((), figures.uncertain)])
    yield _metric("digest_sources", ("standing",), _labelled(figures.sources))
    yield _metric("digest_editions_waiting_for_approval", (), [((), figures.unapproved)])
    slots = {cadence: instant.timestamp() for cadence, instant in figures.next_slots.items()}
    yield _metric("digest_next_slot_timestamp_seconds", ("cadence",), _labelled(slots))
    yield from _of_cluster(figures.cluster)


def _of_cluster(cluster: ClusterState | None) -> Iterator[GaugeMetricFamily]:
    queues = cluster.queues if cluster else []
    yield _metric("digest_workers", (), [((), len(cluster.heard_workers) if cluster else 0)])
    yield _metric("digest_jobs_waiting", (), [((), sum(depth.waiting for depth in queues))])
    yield _metric("digest_jobs_failed", (), [((), sum(depth.failed for depth in queues))])
    waits = cluster.at - cluster.oldest if cluster and cluster.oldest else timedelta(0)
    yield _metric("digest_oldest_job_seconds", (), [((), max(waits, timedelta(0)).total_seconds())])


def _labelled(values: Mapping[str, float]) -> _Values:
    return [((label,), value) for label, value in values.items()]


def _metric(name: str, labels: tuple[str, ...], values: _Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, METRICS[name], labels=labels)
    for of_labels, value in values:
        family.add_metric(of_labels, value)
    return family
