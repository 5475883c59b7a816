"""Turn a list of feeds in OPML into [[source]] tables to paste, and the configured sources into such a list."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from digest.config.source_table import free_name, source_table
from digest.errors import counted, without_secrets
from digest.facets.known import known_facets
from digest.installation import Installation
from digest.sources.formats.opml import Outline, read_opml, write_opml
from digest.sources.links import address_key
from digest.sources.web.guard import why_not_fetchable
from subscribers.invisible import one_line


@dataclass(frozen=True, slots=True)
class ReadList:
    """Hold what a list of feeds becomes: the `text` of its [[source]] tables, and how many these are.

    `skipped` has a line for each feed that is there already, `problems` one for each that cannot be a source.
    """

    text: str
    count: int
    skipped: tuple[str, ...]
    problems: tuple[str, ...]


def tables_of_list(installation: Installation, body: bytes) -> ReadList:
    """Return the [[source]] tables of an OPML file, in its order, below the names of its folders as comments.

    Feeds that are configured already, or stand twice, are left out, and so are addresses that cannot be fetched.
    Categories that are policy areas become those of the source. Raises WrongUse for what is no OPML.
    """
    settings = installation.settings
    facets = known_facets(settings.taxonomy)
    names = {source.name for source in settings.sources}
    taken = {
        address_key(source.url): f"is the source {source.name!r} already" for source in settings.sources if source.url
    }
    tables: list[str] = []
    skipped, problems = [], []
    folders: tuple[str, ...] = ()
    for feed in read_opml(body):
        where = f"line {feed.line}: {feed.name or without_secrets(feed.url) or '(no name)'}"
        if why := _why_not(feed):
            problems.append(f"{where}: {why}")
        elif already := taken.get(address_key(feed.url)):
            skipped.append(f"{where}: {already}")
        else:
            name = free_name(feed.name, names, urlsplit(feed.url).hostname or "")
            names.add(name)
            taken[address_key(feed.url)] = f"stands in line {feed.line} already"
            areas = [slug for each in feed.categories if (slug := facets.slug("policy_areas", each.split("/")[-1]))]
            if feed.folders != folders:
                folders = feed.folders
                tables.append(f"# {' / '.join(map(one_line, folders)) or '(in no folder)'}\n")
            tables.append(source_table(name, feed.url, policy_areas=list(dict.fromkeys(areas))))
    count = sum(table.startswith("[[source]]") for table in tables)
    return ReadList("\n".join(tables), count, tuple(skipped), tuple(problems))


def _why_not(feed: Outline) -> str:
    """Return why a feed of a list cannot be a source, with the cure, or ""."""
    if not feed.url:
        return "has no xmlUrl, the address of its feed; add it, or take the line out"
    return why_not_fetchable(feed.url, allow_private=False)


def list_of_sources(installation: Installation) -> tuple[str, list[str]]:
    """Return the configured feeds as OPML, with their policy areas as categories, and lines for a person."""
    settings = installation.settings
    feeds = [source for source in settings.sources if source.url]
    text = write_opml(
        settings.site.name,
        [Outline(0, each.name, str(each.url), (), each.policy_areas) for each in feeds],
        installation.clock(),
    )
    lines = []
    if files := [source.name for source in settings.sources if not source.url]:
        lines.append(f"{counted(len(files), 'source')} without an address left out: {', '.join(files)}")
    keys = [each.name for each in feeds if without_secrets(str(each.url)) != each.url]
    if keys:
        lines.append(f"the list holds addresses that may hold a key, so keep it to yourself: {', '.join(keys)}")
    return text, lines
