"""config.toml and the environment become frozen settings; every mistake at once, by key, with the cure."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.config import cadences
from digest.config.brand import BrandPart, brand_of, check_brand
from digest.config.cadences import CadencePart
from digest.config.dkim import DkimPart, dkim_of
from digest.config.events import EventsPart, EventsSettings, events_of
from digest.config.settings import Settings
from digest.config.site import check_base_url, check_language, check_mailbox
from digest.config.sources import SourcePart, check_sources, sources_of
from digest.config.spans import Span
from digest.config.terms import TermPart, check_terms, terms_of
from digest.config.transport import TransportPart, TransportSettings, capabilities_of, transport_of
from digest.errors import ConfigError, TryLater, of_disk
from digest.facets.known import known_facets
from digest.letter import catalogue
from digest.model import Dkim, Site, Taxonomy
from digest.system.resources import resource


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Site(_Part):
    name: str = Field(min_length=1, description="The name of the newsletter, in letters and on the web pages.")
    base_url: str = Field(description="The address where `digest serve` is reached; links in letters begin with it.")
    from_: str = Field(
        alias="from",
        min_length=3,
        description="The sender of every letter: a name and an address, or an address alone.",
    )
    reply_to: str = Field(default="", description="Where answers to letters go. Empty: to the sender.")
    postal_address: str = Field(
        default="", description="The organisation's postal address, in the footer of letters."
    )
    language: str = Field(
        default="en", description="The language tag of entries, of the editor's note and of new subscribers."
    )
    zone: str = Field(default="Europe/London", description="The time zone that slots and dates are in.")


class _Storage(_Part):
    url: str = Field(
        default="sqlite:///digest.db",
        description="The database: a SQLite file, or PostgreSQL as `postgresql+psycopg://user@host/name`.",
    )
    secret_file: str = Field(
        default="digest.secret",
        description="The key of links and suppressions; made on first use. Keep a copy with your backups.",
    )
    fence_file: str = Field(
        default="digest.fence",
        description="The half of the fence that is outside the database; made on first use. Never copy it.",
    )


class _Gather(_Part):
    every: Span = Field(
        default=timedelta(minutes=30), description="`digest run` asks a source no more often than this."
    )
    timeout: float = Field(default=30, gt=0, le=300, description="Seconds that reading one source may take in all.")
    workers: int = Field(default=8, ge=1, le=64, description="How many sources are read at the same time.")


class _Letter(_Part):
    cap: int = Field(
        default=12, ge=1, le=100, description='The most entries that a letter shows; the rest is counted as "N more".'
    )
    elsewhere: int = Field(
        default=3, ge=0, le=20, description="Of them, the most case studies in the section *From elsewhere*."
    )
    templates: str | None = Field(
        default=None, description="A folder of your own templates, searched before the shipped ones."
    )
    welcome: Span = Field(
        default=timedelta(0),
        description="How far before their joining the first letter of a new subscriber may reach.",
    )


class _Lint(_Part):
    clients: list[str] = Field(
        default=[],
        description="Mail programs that `digest preview --lint` checks against, as Can I email names them. Empty: "
        "five that many readers have.",
    )


class _File(_Part):
    site: _Site = Field(description="Whose newsletter it is, and the words and addresses that every letter carries.")
    storage: _Storage = Field(
        default_factory=_Storage, description="Where the database and the two files beside it are."
    )
    transport: TransportPart = Field(default_factory=TransportPart, description="How letters leave.")
    gather: _Gather = Field(default_factory=_Gather, description="How often and how patiently sources are read.")
    letter: _Letter = Field(default_factory=_Letter, description="How much a letter shows, and with which templates.")
    lint: _Lint = Field(default_factory=_Lint, description="What `digest preview --lint` checks against.")
    brand: BrandPart = Field(
        default_factory=BrandPart, description="The letter's own look; everything here may be left out."
    )
    events: EventsPart = Field(
        default_factory=EventsPart, description="What comes back after a hand-over: bounces, complaints, a webhook."
    )
    dkim: DkimPart | None = Field(
        default=None, description="The signature of letters that go by SMTP. Without this table they are not signed."
    )
    source: list[SourcePart] = Field(default=[], description="One table for each source: a feed or a folder.")
    cadence: dict[str, CadencePart] = Field(
        default={},
        description="One table for each cadence that readers may choose: `daily`, `weekly`, `monthly`.",
    )
    policy_area: list[TermPart] = Field(default=[], description="One table for each policy area.")
    theme: list[TermPart] = Field(default=[], description="One table for each theme.")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `path` and the DIGEST_SECTION__KEY overrides. Raises ConfigError holding every mistake at once.

    TryLater when the machine cannot read it now.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: no such file; make one with `digest init`, or name yours with --config or DIGEST_CONFIG"]
        ) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder; name the config.toml in it"]) from None
    except (ValueError, RecursionError) as error:  # also numbers too long to read, and nesting without end
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    except OSError as error:
        if isinstance(passing := of_disk(error, f"{path}: {error.strerror}; run again later"), TryLater):
            raise passing from None
        raise ConfigError([f"{path}: {error.strerror}; check its permissions"]) from None
    problems = _override(raw, environ)
    parsed, found = _parse(raw)
    problems += found
    home = path.resolve().parent
    dkim, transport, events = None, None, EventsSettings()
    if parsed is not None:
        dkim, wrong = dkim_of(parsed.dkim, parsed.site.from_, home)
        own = [home / parsed.letter.templates] if parsed.letter.templates else []
        languages = catalogue.languages([*own, resource("templates") / "email"])
        problems += _check(parsed) + check_brand(parsed.brand, languages) + wrong
        transport, wrong = transport_of(parsed.transport, _site(parsed.site), home, environ)
        problems += wrong
        events, wrong = events_of(parsed.events, home, environ)
        problems += wrong
    if parsed is None or transport is None or problems:
        raise ConfigError([f"{path.name}: {p}" for p in problems])
    return _settings(parsed, home, dkim, transport, events)


def _parse(raw: dict[str, Any]) -> tuple[_File | None, list[str]]:
    """Return the file and its mistakes of form; with those taken out, the rest can still be looked at."""
    try:
        return _File.model_validate(raw), []
    except ValidationError as error:
        problems = _pydantic_problems(error)
        for detail in error.errors():
            _take_out(raw, detail["loc"])
    try:
        return _File.model_validate(raw), problems
    except ValidationError:
        return None, problems


def _take_out(raw: Any, loc: tuple[int | str, ...]) -> None:
    *way, key = loc
    for step in way:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(raw, dict):
        raw.pop(key, None)


def _override(raw: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Lay DIGEST_SECTION__KEY over the file; return what could not be laid."""
    problems = []
    for name in sorted(environ):
        if not name.startswith("DIGEST_") or "__" not in name:
            continue
        *sections, key = name.removeprefix("DIGEST_").lower().split("__")
        table: Any = raw
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            problems.append(f"{name}: names no single key; only tables can be overridden, not lists")
            continue
        table[key] = _toml_value(environ[name])
    return problems


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _pydantic_problems(error: ValidationError) -> list[str]:
    lines = []
    for detail in error.errors():
        *_, key = where = [str(part) for part in detail["loc"]]
        place = ".".join(where)
        if detail["type"] == "extra_forbidden":
            known = _known_keys(detail["loc"])
            near = difflib.get_close_matches(key, known, 1)
            cure = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
            lines.append(f"{place}: unknown key; {cure}")
        elif detail["type"] == "missing":
            lines.append(f"{place}: is missing; add it")
        elif place == "transport.kind":
            lines.append(f'{place}: {detail["input"]!r} is not a transport; use "file", "smtp" or "sendgrid"')
        else:
            lines.append(f"{place}: {detail['msg'].removeprefix('Value error, ')}")
    return lines


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed in the table that holds `loc`, by walking the models."""
    model: type[BaseModel] = _File
    for step in loc[:-1]:
        # An index of a list or the name of a table of tables is no field, and stays in the model it chooses from.
        fields = [field for name, field in model.model_fields.items() if step == (field.alias or name)]
        model = next((inner for field in fields if (inner := _model_in(field.annotation))), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in a type such as `list[Part]`, `dict[str, Part]` or `Part | None`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)


def _check(file: _File) -> list[str]:
    """What a model of one table cannot see: slugs that refer to each other, zones, hours, addresses."""
    problems = []
    problems += check_base_url(file.site.base_url)
    problems += check_mailbox("site.from", file.site.from_)
    problems += check_mailbox("site.reply_to", file.site.reply_to) if file.site.reply_to else []
    problems += check_language(file.site.language)
    try:
        ZoneInfo(file.site.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(f'site.zone: {file.site.zone!r} is not a time zone; write one like "Europe/London"')
    problems += _check_clients(file.lint.clients)
    problems += check_terms("policy_area", file.policy_area) + check_terms("theme", file.theme)
    problems += check_sources(file.source, known_facets(_taxonomy(file)))
    return problems + cadences.cadence_mistakes(file.cadence, can_wait=capabilities_of(file.transport.kind).can_wait)


def _check_clients(names: list[str]) -> list[str]:
    if not names:
        return []
    from digest.letter.lint import known_clients  # reads a table that few commands need

    problems = []
    for name in names:
        if name not in known_clients():
            near = difflib.get_close_matches(name, known_clients(), 1)
            cure = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known_clients())}"
            problems.append(f"lint.clients: {name!r} is not a mail program of Can I email; {cure}")
    return problems


def _taxonomy(file: _File) -> Taxonomy:
    return Taxonomy(terms_of(file.policy_area), terms_of(file.theme))


def _site(site: _Site) -> Site:
    return Site(
        site.name,
        site.base_url.rstrip("/"),
        site.from_,
        site.reply_to,
        site.postal_address,
        site.language,
        site.zone,
    )


def _settings(
    file: _File, home: Path, dkim: Dkim | None, transport: TransportSettings, events: EventsSettings
) -> Settings:
    taxonomy = _taxonomy(file)
    return Settings(
        home=home,
        site=_site(file.site),
        storage_url=_storage_url(file.storage.url, home),
        secret_file=home / file.storage.secret_file,
        fence_file=home / file.storage.fence_file,
        only=tuple(one.strip().casefold() for one in file.transport.only),
        transport=transport,
        events=events,
        templates=home / file.letter.templates if file.letter.templates else None,
        sources=sources_of(file.source, home, known_facets(taxonomy)),
        cadences=cadences.cadences_of(file.cadence),
        taxonomy=taxonomy,
        gather_every=file.gather.every,
        gather_timeout=file.gather.timeout,
        gather_workers=file.gather.workers,
        letter_cap=file.letter.cap,
        elsewhere_cap=file.letter.elsewhere,
        welcome=file.letter.welcome,
        lint_clients=tuple(file.lint.clients),
        brand=brand_of(file.brand),
        dkim=dkim,
    )


def _storage_url(url: str, home: Path) -> str:
    """Make a relative SQLite path relative to the config file, not to wherever cron happens to stand."""
    prefix = "sqlite:///"
    if url.startswith(prefix) and url != prefix + ":memory:" and not url.startswith(prefix + "/"):
        return prefix + str(home / url.removeprefix(prefix))
    return url
