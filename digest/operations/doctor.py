"""Examine an installation for `digest doctor`: find what is wrong, and name the cure. Changes nothing."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.desk.sources import silence_in_words, source_health
from digest.editions.silence import find_silent
from digest.errors import SchemaTooOld, WrongTables, counted, without_secrets
from digest.facets.known import known_facets
from digest.installation import Installation, is_secret_used, stored_link_keys, stored_secret
from digest.model import REGIONS
from digest.operations.alarms import alarms
from digest.operations.check_templates import template_findings
from digest.operations.edition_findings import edition_findings, last_run_findings
from digest.operations.file_findings import file_findings
from digest.operations.file_problems import file_problems, in_short, keeps_back
from digest.operations.finding import Finding
from digest.operations.host_findings import clock_findings, disk_findings, placeholder_findings, schema_finding
from digest.operations.letter_facts import letter_facts
from digest.operations.mailbox_findings import mailbox_findings
from digest.operations.owed import span_in_words
from digest.operations.sender_domain import domain_findings
from digest.operations.status import Status, source_rows, status
from digest.operations.workers import cluster_findings
from digest.store import entry_texts, migrate, rules
from digest.store.engine import reading
from digest.store.hold import cure_of_hold
from digest.store.moved import move_noted
from digest.store.open_letters import open_editions
from digest.store.sources import State
from subscribers.errors import BadSecret
from subscribers.facets import KnownFacets
from subscribers.followed import Followed, followed
from subscribers.suppression import is_sealed

_LEVELS = ("wrong", "person", "note")  # the worst first
_TRICKY_HOURS = (1, 2)  # local hours that a clock change can skip or repeat


def examine(installation: Installation) -> list[Finding]:
    """Return the findings of an installation, the worst first; an empty list means that nothing is wrong.

    Of a database with an older schema, or with tables of none, nothing can be read but that.
    """
    settings = installation.settings
    try:
        state = status(installation)
        migrate.compare(installation.engine)
    except SchemaTooOld:
        mailbox = mailbox_findings(installation, can_ask_database=False)
        return _worst_first([schema_finding(settings.storage_url), *_of_host(installation), *mailbox])
    except WrongTables as error:
        mailbox = mailbox_findings(installation, can_ask_database=False)
        wrong = Finding("wrong", "database", error.problem, error.cure)
        return _worst_first([wrong, *_of_host(installation), *mailbox])
    with reading(installation.engine) as conn:
        findings = [
            *_hold(state.hold),
            *_unended_move(conn, state.hold),
            *edition_findings(conn, installation, state),
            *_late_runs(conn, installation),
            *cluster_findings(conn, settings),
            *_sources(state.sources, settings),
            *_muted_and_silent(installation),
            *_unread_pages(conn, installation),
            *_of_host(installation),
            *mailbox_findings(installation),
            *(() if installation.has_fixed_clock else clock_findings(conn, installation.clock())),
            *_secret(conn, settings),
            *_followed(conn, settings),
            *_rules(conn, settings),
            *_alarms(conn, installation.clock()),
            *_people_and_entries(state),
            *_silent(conn, installation, state),
            *file_findings(installation),
        ]
    return _worst_first(findings)


def _of_host(installation: Installation) -> list[Finding]:
    """Return the findings that need no table of the database."""
    settings = installation.settings
    host = [*disk_findings(installation), *placeholder_findings(settings), *domain_findings(settings)]
    return [*host, *template_findings(settings), *_schedule(settings)]


def examine_briefly(conn: Connection, installation: Installation) -> list[Finding]:
    """Return those findings of `examine` that a few queries tell, whatever the size; the worst first.

    They are about HOLD, the last run, sources, the timetable and alarms. Receipts, choices of readers, rules, keys
    and files are left to `digest doctor`, because it reads all of them.
    """
    settings, now = installation.settings, installation.clock()
    findings = [
        *_hold(installation.fence.why_by(conn)),
        *last_run_findings(conn),
        *_sources(source_rows(conn, settings), settings),
        *_schedule(settings),
        *_alarms(conn, now),
    ]
    return _worst_first(findings)


def _worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: _LEVELS.index(finding.level))


def _alarms(conn: Connection, now: datetime) -> Iterator[Finding]:
    for alarm in alarms(conn, now):
        yield Finding("person", alarm.place, alarm.problem, alarm.cure)


def _hold(hold: str) -> Iterator[Finding]:
    if hold:
        problem = f"is in HOLD, nothing is mailed: {hold}"
        yield Finding("person", "database", problem, cure_of_hold(hold))


def _unended_move(conn: Connection, hold: str) -> Iterator[Finding]:
    if not hold and (move := move_noted(conn)):
        problem = f"a move to {move.address} began on {move.day} and has not ended; this database is still in use"
        yield Finding("note", "database", problem, "give `digest db move` again, or leave it")


def _late_runs(conn: Connection, installation: Installation) -> Iterator[Finding]:
    """Yield that runs do not come any more; where none has ever come, nothing was set up yet."""
    facts = letter_facts(conn, installation, open_editions(conn))
    if facts.runs_late and facts.runs.began is not None:
        problem = f"none has come for more than {span_in_words(facts.patience)}"
        cure = "check that cron, the daemon or a worker runs; [gather] every says how often one is expected"
        yield Finding("wrong", "runs", problem, cure)


def _people_and_entries(state: Status) -> Iterator[Finding]:
    if not state.subscribers:
        yield Finding("note", "subscribers", "there are none", "import them with `digest subscribers import FILE`")
    if held := state.entries.get("held", 0):
        cure = "list them with `digest entries --state held`, then release or drop them"
        yield Finding("person", "entries", f"{counted(held, 'waits', 'wait')} for an editor", cure)


def _silent(conn: Connection, installation: Installation, state: Status) -> Iterator[Finding]:
    """Yield how many readers have heard nothing, where it is known who is suppressed."""
    if state.suppressed is None:
        return
    settings, now = installation.settings, installation.clock()
    # Without a seal nobody is suppressed, so that no secret is needed.
    secret = stored_secret(conn, settings.secret_file) if is_sealed(conn) else b""
    if silent := len(find_silent(conn, settings, secret, now)):
        have = "has" if silent == 1 else "have"
        problem = f"{silent} of {counted(state.subscribers, 'reader')} {have} had nothing for four weeks"
        yield Finding(
            "note", "subscribers", problem, "`digest status --silent` lists them, and what would have helped"
        )


def _secret(conn: Connection, settings: Settings) -> Iterator[Finding]:
    """Yield a finding when the secret file, or the file of link keys, is not what this database was used with."""
    try:
        secret = stored_secret(conn, settings.secret_file) if is_secret_used(conn) else b""
        stored_link_keys(conn, settings.secret_file, secret)
    except BadSecret as error:
        problem, _, cure = str(error).partition("; ")
        yield Finding("wrong", "storage.secret_file", problem, cure)


def _followed(conn: Connection, settings: Settings) -> Iterator[Finding]:
    """Yield each cadence and facet of active subscribers that config.toml does not have."""
    counts = followed(conn)
    configured = {cadence.name for cadence in settings.cadences}
    for name, count in sorted(counts.cadences.items()):
        if name not in configured:
            yield Finding(
                "wrong",
                f"cadence.{name}",
                f"{counted(count, 'reader follows', 'readers follow')} cadence {name!r}, which config.toml does not"
                f" have: {'this reader gets' if count == 1 else 'they get'} nothing",
                f"add [cadence.{name}] to config.toml, or change these readers' cadence"
                " (`digest subscribers export`, then `import`)",
            )
    for zone, count in sorted(counts.zones.items()):
        if zone not in (settings.site.zone, *settings.site.reader_zones):
            yield Finding(
                "note",
                "site.reader_zones",
                f"{counted(count, 'reader has', 'readers have')} the time zone {zone}, which is not in it: their"
                " letters come at the hour of the site",
                "add it there, or leave it as it is",
            )
    facets = known_facets(settings.taxonomy)
    for facet in ("policy_areas", "regions", "themes"):
        yield from _unknown_slugs(facet, counts, facets)


def _unknown_slugs(facet: str, counts: Followed, facets: KnownFacets) -> Iterator[Finding]:
    """Yield a finding for the values of a facet that readers follow and config.toml does not have.

    It is wrong when somebody follows no other value: they get nothing for their policy areas, or of their regions.
    A theme only adds to what a reader gets.
    """
    by_slug: Counter[str] = getattr(counts, facet)
    missing = {slug: count for slug, count in by_slug.most_common() if facets.slug(facet, slug) != slug}
    if not missing:
        return
    listed = ", ".join(f"{slug!r} ({counted(count, 'reader')})" for slug, count in missing.items())
    problem = f"readers follow {facet.replace('_', ' ')} that config.toml does not have: {listed}"
    lost = sum(count for slugs, count in counts.sets[facet].items() if slugs <= missing.keys())
    if lost and facet != "themes":
        problem += f"; {counted(lost, 'reader follows', 'readers follow')} no other, and nothing matches that"
    # Without a [[region]] of its own, because one would take the place of all the shipped regions.
    shipped = facet == "regions" and set(facets.regions) == set(REGIONS)
    table = f"[[{facet.removesuffix('s')}]]"
    add = "" if shipped else f"add them to config.toml as {table} (a new name needs no new slug), or "
    cure = add + "correct the readers (`digest subscribers export`, then `import`)"
    yield Finding("wrong" if lost and facet != "themes" else "note", f"subscribers.{facet}", problem, cure)


def _rules(conn: Connection, settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each rule with values that config.toml does not have."""
    facets = known_facets(settings.taxonomy)
    for rule in rules.every_rule(conn):
        within = rule.within(facets)
        lost = [slug for _, slug in {*rule.added, *rule.removed} - {*within.added, *within.removed}]
        if lost:
            problem = f"changes {', '.join(map(repr, sorted(lost)))}, which config.toml does not have"
            cure = f"add it there, or `digest rules remove {rule.number}`"
            yield Finding("note", f"rule {rule.number}", problem, cure)


def _sources(states: Sequence[tuple[str, State]], settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the sources, and the file that names each."""
    files = {source.name: source.named_in for source in settings.sources}
    for name, source in states:
        if (problems := file_problems(source.error)) and not source.failures:
            level = "person" if keeps_back(problems) else "note"
            cure = f"correct them; `digest gather --source {shlex.quote(name)} -v` names them all"
            yield Finding(level, name, in_short(problems), cure)
        if source.gone:
            cure = f"correct its address in {files[name]}, or remove it there"
            yield Finding("wrong", name, "answers that it is gone for good (410)", cure)
        elif source.failures:
            yield _failing(name, source, files[name])
        elif source.cut:
            cure = "ask its publisher for a shorter feed, or move older files out of the folder"
            yield Finding("note", name, f"shows too much: {source.cut.partition(';')[0]}", cure)
        elif source.error and not file_problems(source.error):
            told = source.error.rpartition("; ")[0] or source.error
            yield Finding("note", name, f"was read with trouble: {told[:300]}", "tell its publisher, if it lasts")
        elif source.moved_to and source.moved_since:
            yield Finding(
                "note",
                name,
                f"has moved to {without_secrets(source.moved_to)}",
                f"put the new address in {files[name]}",
            )


def _muted_and_silent(installation: Installation) -> Iterator[Finding]:
    """Yield a note for each source that an editor has muted, and for each that can be read and brings nothing."""
    for row in source_health(installation):
        name = row.source.name
        if row.mute:
            problem = f"muted by {row.mute.by} since {row.mute.at:%Y-%m-%d}: what is new in it is held"
            yield Finding("note", name, problem, f"`digest sources unmute {shlex.quote(name)}` lets it go out again")
        elif row.standing == "silent":
            problem, _, cure = silence_in_words(row).partition("; ")
            yield Finding("note", name, problem, cure)


def _unread_pages(conn: Connection, installation: Installation) -> Iterator[Finding]:
    """Yield a finding for each source of which pages were lately given up."""
    names = [source.name for source in installation.settings.sources if source.full_text != "none"]
    problems = entry_texts.given_up(conn, names, installation.clock() - entry_texts.WINDOW)
    for name, lately in problems.items():
        problem = f"{counted(len(lately), 'page')} of its entries cannot be read, the newest: {lately[0]}"
        cure = 'they are judged by what the feed shows; full_text = "none" asks for no page'
        yield Finding("note", name, problem, cure)


def _failing(name: str, source: State, file: str) -> Finding:
    """Return the finding of a source that fails; most of its errors end in their own cure."""
    problem, _, cure = (source.error or "").rpartition("; ")
    if source.ok_at or not problem:
        problem, cure = source.error or "", f"check its address in {file}"
    if source.ok_at:
        cure = f"last read on {source.ok_at:%Y-%m-%d}; try `digest gather --source {shlex.quote(name)}`"
    return Finding("wrong", name, f"failed {counted(source.failures, 'time')}: {problem}", cure)


def _schedule(settings: Settings) -> Iterator[Finding]:
    for cadence in settings.cadences:
        if cadence.at.hour in _TRICKY_HOURS:
            yield Finding(
                "note",
                f"cadence.{cadence.name}.at",
                "falls between 01:00 and 02:59, which clock changes skip or repeat",
                "choose another hour, which is easier to explain; each date still runs once",
            )
