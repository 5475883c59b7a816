"""Compare a whole run with the plain way to the same letters: `python -m benchmarks.naive [REPETITIONS]`.

The plain way, for each reader: match by sets, render by jinja2, inline by premailer, compose by EmailMessage, send by
smtplib over one connection; it writes no ledger. Ours: `digest run`, which freezes and sends, in a process of its
own, its start included. Both have their readers from the same database and send into the same smtp-sink.
"""

from __future__ import annotations

import smtplib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

from benchmarks.cost import Cost, cost_of
from benchmarks.figures import Figure, count_off, report
from benchmarks.population import DUE, Population, accepted, make
from benchmarks.sample import check_first_letters
from benchmarks.sinks import smtp_sink, smtp_transport
from digest.delivery.parcel import links_of, reader_facts
from digest.letter import views
from digest.letter.compile import Letter, render_whole
from digest.letter.inliner import inline_styles
from digest.letter.words import counts
from digest.model import CASE_STUDY, NATIONAL, Digest, Edition, Entry, Group, Placed, Reason, Section
from digest.render import Letters
from digest.store import entries
from digest.store.engine import reading
from subscribers import store as people
from subscribers.model import Subscriber

READERS, PLAIN = 50_000, 60  # readers of a run of ours, and of a run of the plain way
CAP, ELSEWHERE = 12, 3
SHORT = "reading, freezing and claiming cost as much a reader as the letter, and the plain way does none of it"


@dataclass(frozen=True, slots=True)
class Plain:
    """Hold what the plain way works with: the edition's entries, its letter as templates, and the readers."""

    letters: Letters
    letter: Letter
    pool: Sequence[Entry]
    readers: Sequence[Subscriber]
    keys: Sequence[bytes]


def measure(repetitions: int) -> list[Figure]:
    """Return how many times less processor time, and wall time, a letter of `digest run` takes than a plain one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        population = make(folder / "installation", READERS)
        check_first_letters(population, folder / "checked", "run")
        plain = _plain(population)
        processor, wall = [], []
        for number in count_off(repetitions):
            with smtp_sink() as port:
                theirs = _plainly(plain, port)
                twin = population.copy(folder / f"run{number}", transport=smtp_transport(port))
                ours = cost_of(twin.command("run"))
            letters = accepted(twin)
            processor.append((theirs.processor / PLAIN) / (ours.processor / letters))
            wall.append((theirs.wall / PLAIN) / (ours.wall / letters))
    against = "sets, jinja2, premailer, EmailMessage and smtplib"
    return [
        Figure(
            f"naive-pipeline{suffix}",
            f"`digest run`, {READERS:,} readers, SMTP: {kind} time a letter, vs {against}",
            tuple(ratios), "×", reach=60, stretch=400, more=True, short=SHORT,
        )
        for suffix, kind, ratios in (("", "processor", processor), ("-wall", "wall", wall))
    ]  # fmt: skip


def _plain(population: Population) -> Plain:
    """Read what the plain way works with; this is not timed, which favours the plain way."""
    installation = population.installation()
    with reading(installation.engine) as conn:
        pool = list(entries.listing(conn, state="ready"))
        readers = list(people.many(conn, range(1, PLAIN + 1)).values())
    edition = Edition(1, "weekly", DUE.date().isoformat(), "frozen", False, "", 0, "", key="0" * 16)
    letters = Letters(installation.settings, edition, pool)
    letter = replace(letters.of("en"), inline=inline_styles.__wrapped__)  # without its cache of pages
    keys = installation.link_keys
    installation.engine.dispose()
    return Plain(letters, letter, pool, readers, keys)


def _plainly(plain: Plain, port: int) -> Cost:
    """Match, render, inline, compose and send the letter of each reader by itself; return the cost."""
    processor, wall = time.process_time(), time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for reader in plain.readers:
            connection.send_message(_message(plain, reader, _matched(plain.pool, reader)))
    return Cost(time.process_time() - processor, time.perf_counter() - wall, 0)


def _matched(pool: Sequence[Entry], reader: Subscriber) -> Digest:
    """Return the first entries in the reader's areas and regions, and case studies from elsewhere."""
    areas, regions = reader.interests.policy_areas, reader.interests.regions | {NATIONAL}
    groups: dict[str, list[Placed]] = {}
    near: list[Entry] = []
    far: list[Placed] = []
    for entry in pool:
        shared = areas & set(entry.facets.policy_areas)
        if not shared:
            continue
        slug = sorted(shared)[0]
        if regions & set(entry.facets.regions):
            near.append(entry)
            groups.setdefault(slug, []).append(Placed(entry.id, Reason("area", slug, entry.facets.regions[0])))
        elif entry.kind == CASE_STUDY and len(far) < ELSEWHERE:
            far.append(Placed(entry.id, Reason("elsewhere-area", slug, entry.facets.regions[0])))
        if len(near) + len(far) == CAP:
            break
    sections = []
    if groups:
        sections.append(Section("areas", tuple(Group(slug, tuple(placed)) for slug, placed in groups.items())))
    if far or not groups:
        sections.append(Section("elsewhere", (Group("", tuple(far or [Placed(pool[0].id, Reason("area"))])),)))
    return Digest(tuple(sections))


def _message(plain: Plain, reader: Subscriber, digest: Digest) -> EmailMessage:
    """Return a reader's letter, rendered and inlined as a whole, as a message of the standard library."""
    letters, letter = plain.letters, plain.letter
    site, book = letters.settings.site, letter.book
    links = links_of(site, letters.edition, reader, plain.keys)
    facts = reader_facts(letter, reader, links)
    shared = views.digest_values(digest, book, "")
    own = views.reader_values(facts, book.words, letter.edition.cadence, counts(digest))
    html, text = render_whole(letter, digest, shared | own)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = site.sender.address, reader.email, shared["subject"]
    message["List-Unsubscribe"] = f"<{links.unsubscribe}>"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
