"""Read config.toml and the environment into frozen settings.

Every mistake in them comes at once, a line each that names the key and the cure. Each table has its file here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from digest.config.answers import AnswersPart
from digest.config.archive import ArchivePart, archive_of, check_archive
from digest.config.brand import BrandPart, brand_of, check_brand
from digest.config.cadences import CadencePart, cadences_of, check_cadences
from digest.config.cluster import ClusterPart, check_cluster, cluster_of
from digest.config.days_off import DaysOffPart, check_days_off, days_off_of
from digest.config.dkim import DkimPart, dkim_of
from digest.config.environment import override
from digest.config.events import EventsPart, EventsSettings, events_of
from digest.config.gather import GatherPart, check_proxy
from digest.config.include import source_files
from digest.config.join import JoinPart, check_origins, join_of
from digest.config.legal import (
    Accessibility,
    AccessibilityPart,
    LegalDefaults,
    Privacy,
    PrivacyPart,
    accessibility_of,
    privacy_of,
)
from digest.config.letter import LetterPart
from digest.config.lint import LintPart, check_clients
from digest.config.mistakes import EMPTY, validate
from digest.config.notices import NoticesPart
from digest.config.operate import NOBODY_WATCHES, OperatePart, OperateSettings, operate_of
from digest.config.places import PlacesPart, RegionPart, check_regions, regions_of
from digest.config.retention import RetentionPart, retention_of
from digest.config.secret_files import SecretFile, secret_files
from digest.config.settings import Settings
from digest.config.site import SitePart, check_site, mailbox_of, site_of
from digest.config.sources import SourceFile, SourcePart, check_sources, sources_of
from digest.config.storage import StoragePart, storage_url
from digest.config.terms import PolicyAreaPart, TermPart, check_terms, terms_of
from digest.config.toml_file import read_toml
from digest.config.transport import TransportPart, TransportSettings, capabilities_of, transport_of
from digest.errors import ConfigError
from digest.facets.known import known_facets
from digest.letter import catalogue
from digest.model import Dkim, NamedAddress, Source, Taxonomy
from digest.system.resources import resource

Legal = tuple[Privacy, Accessibility]
# Values that are checked beyond the forms of keys: sources, signature, ways out and in, statements, who watches.
Checked = tuple[tuple[Source, ...], Dkim | None, TransportSettings, EventsSettings, Legal, OperateSettings]


class ConfigFile(BaseModel):
    """The tables of config.toml, in the order in which docs/configuration.md lists them."""

    model_config = ConfigDict(extra="forbid", defer_build=True, validate_default=True)

    include: list[str] = Field(
        default=[],
        description='Names of files beside this one that hold only `[[source]]` tables, such as `["sources.toml"]`. '
        "Their sources come after those of this file, in this order. Write it above the first table.",
    )
    site: SitePart = Field(
        description="Whose newsletter it is, and the words and addresses that every letter carries."
    )
    storage: StoragePart = Field(default=EMPTY, description="Where the database and the two files beside it are.")
    retention: RetentionPart = Field(
        default=EMPTY,
        description="How old things get before `digest run` removes them; see docs/how-it-decides.md.",
    )
    transport: TransportPart = Field(default=EMPTY, description="How letters leave.")
    gather: GatherPart = Field(default=EMPTY, description="How often and how patiently sources are read.")
    letter: LetterPart = Field(default=EMPTY, description="How much a letter shows, and with which templates.")
    notices: NoticesPart = Field(default=EMPTY, description="Which notices readers get without asking.")
    join: JoinPart = Field(default=EMPTY, description="How people ask for letters on the web.")
    answers: AnswersPart = Field(default=EMPTY, description="Let readers answer the entries that they had.")
    archive: ArchivePart = Field(default=EMPTY, description="The public pages of what was sent.")
    lint: LintPart = Field(
        default=EMPTY,
        description="The mail programs that `digest preview --lint` checks against.",
    )
    privacy: PrivacyPart = Field(
        default=EMPTY, description="Add facts to the privacy notice at `/privacy`; each key has a default."
    )
    accessibility: AccessibilityPart = Field(
        default=EMPTY,
        description="Add facts to the accessibility statement at `/accessibility`; each key has a default.",
    )
    brand: BrandPart = Field(
        default=EMPTY,
        description="Names, logo, colours and words of your own in letters; all of it may be left out.",
    )
    events: EventsPart = Field(
        default=EMPTY,
        description="Where the provider's events, bounces and complaints arrive.",
    )
    dkim: DkimPart | None = Field(
        default=None, description="The signature of letters that go by SMTP. Without this table they are not signed."
    )
    operate: OperatePart = Field(
        default=EMPTY, description="Tell monitors and operators when something keeps letters back."
    )
    cluster: ClusterPart = Field(default=EMPTY, description="Let workers on several machines share the work.")
    source: list[SourcePart] = Field(default=[], description="One table for each source: a feed or a folder.")
    cadence: dict[str, CadencePart] = Field(
        default={},
        description="One table for each cadence that readers may choose: `daily`, `weekly`, `monthly`.",
    )
    days_off: DaysOffPart = Field(default=EMPTY, description="Days on which no edition is due, for every cadence.")
    policy_area: list[PolicyAreaPart] = Field(default=[], description="One table for each policy area.")
    theme: list[TermPart] = Field(default=[], description="One table for each theme.")
    places: PlacesPart = Field(default=EMPTY, description="Which places are known.")
    region: list[RegionPart] = Field(
        default=[], description="One table for each region. Without any, they are those of the United Kingdom."
    )


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the file at `path`, with the environment's DIGEST_SECTION__KEY laid over it.

    Raises ConfigError with a line for every mistake, and TryLater when the machine cannot read the file now.
    """
    raw = read_toml(path)
    problems = override(raw, environ)
    file, mistakes = validate(ConfigFile, raw)
    problems += mistakes
    home = path.resolve().parent
    dkim, transport, events, legal, operate = None, None, EventsSettings(), None, NOBODY_WATCHES
    files: list[SourceFile] = []
    elsewhere: list[str] = []  # mistakes in included files
    if file is not None:
        included, elsewhere = source_files(path, file.include)
        files = [SourceFile(path.name, file.source), *included]
        own, of_included = check_sources(files, known_facets(_taxonomy(file)), home)
        elsewhere += of_included
        problems += _check(file) + own + check_brand(file.brand, _languages(file, home))
        sender, _ = mailbox_of("site.from", file.site.from_, mailed=False)
        if sender is not None:  # its mistake is told by `_check`
            dkim, mistakes = dkim_of(file.dkim, sender, home)
            problems += mistakes
            transport, mistakes = transport_of(file.transport, sender, home, environ)
            problems += mistakes
            legal, mistakes = _legal_of(file, sender, home)
            problems += mistakes
        events, mistakes = events_of(file.events, home, environ)
        problems += mistakes
        operate, mistakes = operate_of(file.operate, home, environ, mailed=file.transport.kind != "file")
        problems += mistakes
    if file is None or transport is None or legal is None or problems or elsewhere:
        raise ConfigError([*(f"{path.name}: {problem}" for problem in problems), *elsewhere])
    sources = sources_of(files, home, known_facets(_taxonomy(file)))
    settings = _settings(file, home, (sources, dkim, transport, events, legal, operate))
    return replace(settings, secret_files=_secret_files(file, files[1:], home))


def _check(file: ConfigFile) -> list[str]:
    """Return a line for each mistake that a model of one table cannot see, such as a slug that no table defines."""
    problems = check_site(file.site, mailed=file.transport.kind != "file") + check_clients(file.lint.clients)
    problems += check_terms("policy_area", file.policy_area) + check_terms("theme", file.theme)
    problems += check_regions(file.region) + check_origins(file.join.origins)
    problems += check_archive(file.archive, file.cadence) + check_days_off(file.days_off)
    problems += check_proxy(file.gather.proxy)
    problems += check_cluster(file.cluster, file.storage.url)
    can_wait = capabilities_of(file.transport.kind).can_wait
    return problems + check_cadences(file.cadence, can_wait=can_wait, zoned=bool(file.site.reader_zones))


def _secret_files(file: ConfigFile, included: Sequence[SourceFile], home: Path) -> tuple[SecretFile, ...]:
    """Return the files of secrets that config.toml and the files that it includes name."""
    of_included = (
        SecretFile(f"{other.name}: source {part.name!r}: {key}", path)
        for other in included
        for part in other.parts
        for key, path in secret_files(part, home)
    )
    return (*secret_files(file, home), *of_included)


def _languages(file: ConfigFile, home: Path) -> frozenset[str]:
    """Return the languages that the operator's and the shipped templates have a catalogue for."""
    own = [home / file.letter.templates] if file.letter.templates else []
    return catalogue.languages([*own, resource("templates") / "email"])


def _taxonomy(file: ConfigFile) -> Taxonomy:
    return Taxonomy(terms_of(file.policy_area), terms_of(file.theme), regions_of(file.region))


def _legal_of(file: ConfigFile, sender: NamedAddress, home: Path) -> tuple[Legal, list[str]]:
    """Return what the privacy notice and the accessibility statement say, and a line for each mistake in it."""
    asked, _ = mailbox_of("site.reply_to", file.site.reply_to or file.site.from_, mailed=False)
    defaults = LegalDefaults(
        name=file.site.name,
        address=file.brand.address or file.site.postal_address,
        contact=(asked or sender).address,
        british=file.places.gazetteer == "uk" and not file.region,
        delivered_by_company=file.transport.kind == "sendgrid",
    )
    privacy, mistakes = privacy_of(file.privacy, defaults, home)
    accessibility, more = accessibility_of(file.accessibility, defaults, home)
    # Mistakes in `site.reply_to` are told by `_check`.
    return (privacy, accessibility), [*mistakes, *more]


def _settings(file: ConfigFile, home: Path, checked: Checked) -> Settings:
    """Return the settings of a file without mistakes."""
    sources, dkim, transport, events, (privacy, accessibility), operate = checked
    taxonomy = _taxonomy(file)
    return Settings(
        home=home,
        site=site_of(file.site),
        storage_url=storage_url(file.storage.url, home),
        secret_file=home / file.storage.secret_file,
        fence_file=home / file.storage.fence_file,
        receipts=home / file.storage.receipts,
        only=tuple(address.strip().casefold() for address in file.transport.only),
        transport=transport,
        events=events,
        operate=operate,
        templates=home / file.letter.templates if file.letter.templates else None,
        sources=sources,
        cadences=cadences_of(file.cadence, days_off_of(file.days_off), site_of(file.site).reader_zones),
        taxonomy=taxonomy,
        gather_every=file.gather.every,
        gather_timeout=file.gather.timeout,
        gather_workers=file.gather.workers,
        check_pages=file.gather.check_pages,
        gather_proxy=file.gather.proxy,
        letter_cap=file.letter.cap,
        elsewhere_cap=file.letter.elsewhere,
        carry_over=file.letter.carry_over,
        steps=tuple(file.letter.steps),
        welcome=file.letter.welcome,
        silence_notices=file.notices.silence,
        join=join_of(file.join),
        answers=file.answers.enabled,
        lint_clients=tuple(file.lint.clients),
        archive=archive_of(file.archive),
        cluster=cluster_of(file.cluster),
        brand=brand_of(file.brand),
        dkim=dkim,
        retention=retention_of(file.retention),
        privacy=privacy,
        accessibility=accessibility,
        gazetteer=file.places.gazetteer,
    )
