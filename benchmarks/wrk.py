"""Ask a running `digest serve` with wrk what it is asked after a large edition: webhook, leave, join and pages."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from benchmarks.population import DUE, Population
from benchmarks.sinks import program
from digest.store.engine import reading
from digest.store.keys import tag_keys
from digest.store.schema import delivery
from digest.transports.tag import delivery_tag
from subscribers.store import stream
from subscribers.tokens import make_token
from tests.transports.webhook import Signer, body_of, told

EVENTS = 100  # of a webhook call
CONNECTIONS = 10  # of each wrk
# wrk reads one request from each line of a file: path, method or signature|timestamp, body. Each request comes from
# another network, because the pages count by network.
_LUA = """
local lines, at = {}, 0
for line in io.lines("FILE") do lines[#lines + 1] = line end
DELAY
function request()
  at = at % #lines + 1
  local path, kind, body = lines[at]:match("^(%S+) (%S+) ?(.*)$")
  local headers = {["Content-Type"] = "application/x-www-form-urlencoded"}
  local signature, stamp = kind:match("^(.-)|(.*)$")
  if signature then
    headers["Content-Type"] = "application/json"
    headers["X-Twilio-Email-Event-Webhook-Signature"] = signature
    headers["X-Twilio-Email-Event-Webhook-Timestamp"] = stamp
    kind, body = "POST", body .. "\\r\\n"
  end
  headers["X-Forwarded-For"] = string.format("%d.%d.%d.1", 11 + at % 80, math.floor(at / 80) % 250, at % 250)
  return wrk.format(kind, path, headers, body)
end
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """Hold what wrk told of one kind of request.

    `rate` is requests a second, `p99` the milliseconds within which 99 of 100 were answered, `good` the number of
    answers without an error, `bad` that of answers that were an error or did not come.
    """

    rate: float
    p99: float
    good: int
    bad: int


def write_requests(population: Population, signer: Signer, folder: Path, counts: Mapping[str, int]) -> None:
    """Write requests of each kind into files of `folder`, as many of each as `counts` says.

    Each reader leaves once. A page is asked for again when all readers had theirs.
    """
    installation = population.installation()
    with reading(installation.engine) as conn:
        people = stream(conn, limit=counts["leave"])
        numbers = conn.scalars(select(delivery.c.id).where(delivery.c.state == "pending")).all()
        keys = tag_keys(conn, numbers)
    secret, installation_keys = installation.secret, installation.link_keys
    installation.engine.dispose()

    def link(path: str, purpose: str, end: str) -> list[str]:
        return [f"/{path}/{make_token(installation_keys, purpose, each.id, each.key)} {end}" for each in people]

    def call(number: int) -> str:
        events = [
            told("delivered", each, f"{number}-{n}", tag=lambda id: delivery_tag(secret, id, keys[id]), at=DUE)
            for n, each in enumerate(numbers[(number * EVENTS + n) % len(numbers)] for n in range(EVENTS))
        ]
        body, stamp = body_of(*events), str(int(DUE.timestamp()))
        return f"/hooks/sendgrid {signer.sign(body, stamp)}|{stamp} {body.decode().rstrip()}"

    lines = {
        "webhook": [call(number) for number in range(counts["webhook"])],
        "leave": link("unsubscribe", "unsubscribe", "POST List-Unsubscribe=One-Click"),
        "join": [f"/join POST email=new{n}%40example.net&cadence=weekly" for n in range(counts["join"])],
        "pages": link("yours", "preferences", "GET"),
    }
    for kind, requests in lines.items():
        (folder / kind).write_text("\n".join(requests) + "\n", encoding="utf-8")


def shoot(address: str, folder: Path, rates: Mapping[str, int | None], seconds: int) -> dict[str, Answers]:
    """Ask with a wrk for each kind in `rates`, all at once; return what each told.

    A rate is the requests a second that are offered; None offers as many as are answered.
    """
    wrk = program("wrk", "wrk")
    running = {}
    for kind, rate in rates.items():
        delay = f"function delay() return {round(1000 * CONNECTIONS / rate)} end" if rate else ""
        script = folder / f"{kind}.lua"
        script.write_text(_LUA.replace("FILE", str(folder / kind)).replace("DELAY", delay), encoding="utf-8")
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", str(script)]
        running[kind] = subprocess.Popen([wrk, *options, address], stdout=subprocess.PIPE, text=True)
    return {kind: _read(process.communicate()[0]) for kind, process in running.items()}


def _read(report: str) -> Answers:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", report)
    requests = re.search(r"(\d+) requests in", report)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    lost = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    if rate is None or p99 is None or requests is None:
        raise RuntimeError(f"wrk told no figures: {report}")
    scale = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[p99[2]]
    errors = int(refused[1]) if refused else 0
    good = int(requests[1]) - errors
    return Answers(float(rate[1]), float(p99[1]) * scale, good, errors + sum(map(int, lost.groups() if lost else ())))
