"""Find what a run could not do with these settings, for `digest check`; change nothing, ask only the database."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine

from digest.config.settings import Settings
from digest.config.site import begins_as_ours
from digest.desk.receipts import page_folder
from digest.errors import ConfigError, DigestError
from digest.facets.words import keys
from digest.installation import is_secret_used, stored_link_keys, stored_secret
from digest.letter import catalogue
from digest.readers.words import page_folders
from digest.sources.links import is_reserved
from digest.sources.web.guard import why_not_fetchable
from digest.store import migrate, rights
from digest.store.engine import make_engine, reading
from digest.system.resources import resource
from digest.transports.mailbox.mailbox import mailbox_problem
from subscribers.errors import BadSecret

_PATIENCE = 5.0  # seconds to wait for the database


def source_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each source that can never be read."""
    for source in settings.sources:
        key = f"{source.named_in}: source {source.name!r}"
        if source.url is not None:
            if why := why_not_fetchable(source.url, allow_private=source.allow_private):
                yield f"{key}: url: {why}"
        elif source.path is not None and not Path(source.path).exists():
            yield f"{key}: {source.path} is not there; correct its path"
        elif source.path is not None and not os.access(source.path, os.R_OK):
            yield f"{key}: {source.path} cannot be read; let this account read it"


def region_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each place that two regions of config.toml name, because an entry would get one by chance."""
    regions_of: dict[tuple[str, ...], dict[str, str]] = {}  # by place: its name as written, by region
    for region in settings.taxonomy.regions:
        for place, _ in region.words:
            regions_of.setdefault(keys(place), {}).setdefault(region.slug, place)
    for written in regions_of.values():
        if len(written) > 1:
            places = " and ".join(f"{place!r} in {slug!r}" for slug, place in written.items())
            yield f"region: the same place stands as {places}; leave it in one of them"


def storage_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each path in [storage] that does not fit, and for a database that cannot be used."""
    for key, file in (("secret_file", settings.secret_file), ("fence_file", settings.fence_file)):
        if file.is_dir():
            yield f"storage.{key}: {file} is a folder; name a file in it"
        elif not file.parent.is_dir():
            yield f"storage.{key}: no folder {file.parent}; make it, or name another"
        elif not file.exists() and not os.access(file.parent, os.W_OK | os.X_OK):
            yield f"storage.{key}: {file.parent} cannot be written to; let this account write, or name another"
    try:
        engine = make_engine(settings.storage_url, wait=_PATIENCE, create=False)
    except ConfigError as error:
        yield from error.problems
        return
    if engine.dialect.name == "sqlite":
        yield from _file_problems(engine, settings)
    else:
        yield from _database_problems(engine, settings)
    engine.dispose()


def transport_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each example address that a real transport would send from, and for a missing `ca_file`."""
    transport = settings.transport
    if transport.kind == "smtp" and transport.ca_file is not None and not transport.ca_file.is_file():
        yield f"transport.ca_file: no file {transport.ca_file}; correct its path, or leave it out"
    part = transport.part
    host = part.host if transport.kind == "smtp" else urlsplit(part.base_url).hostname or "the provider"
    if transport.kind == "file" or part.sandbox or _is_here(host):
        return
    addresses = {
        "site.from": settings.site.sender.address,
        "site.reply_to": settings.site.reply_to.address if settings.site.reply_to else "",
        "site.base_url": urlsplit(settings.site.base_url).hostname or "",
        "transport.bounces": part.bounces or "",
    }
    for key, address in addresses.items():
        domain = address.rpartition("@")[2].lower().rstrip(".")
        if is_reserved(domain):
            yield f"{key}: {domain} is a name for examples, where nothing arrives; write your own"


def address_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for an address of the web pages that cannot be told from those of the pages themselves."""
    root = urlsplit(settings.site.base_url).path
    if begins_as_ours(root):
        yield (
            f"site.base_url: its path {root!r} begins as a page of ours does, so that no request tells which is "
            "meant; write another, such as /digest"
        )


def mailbox_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for a mailbox of bounces that cannot be opened; its server is not asked."""
    events = settings.events
    if events.mailbox and (problem := mailbox_problem(events.mailbox, events.password)):
        yield f"events.mailbox: {problem}"


# Without these an own template shows a letter that says less than it must, or something that is not so.
_MUST_SHOW = {
    "card": (
        ("part.reason", "a card from elsewhere says why it is there"),
        ("part.exception", "a card says what its group's reason does not"),
        ("part.lines", "a case study with lines has no summary"),
    ),
    "group": (("part.reason", "a group says once why its entries are there"),),
}


def template_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each own template that lacks what it must show.

    So with one that no letter uses, because it is in another folder or misspelt.
    """
    own = settings.templates
    if own is None:
        return
    if not own.is_dir():
        yield f"letter.templates: {own} is not a folder; make it or remove the key"
        return
    shipped = resource("templates") / "email"
    names = [path.name for path in shipped.iterdir() if path.is_file()]
    files = [path for path in own.rglob("*") if path.is_file() and not path.name.startswith(".")]
    texts = {path: path.read_bytes() for path in files if path.suffix in (".j2", ".css")}
    for path in files:
        name = path.relative_to(own).as_posix()
        for part, because in _MUST_SHOW.get(name.partition(".")[0], ()) if path in texts else ():
            if part.encode() not in texts[path]:
                yield f"letter.templates: {path} shows no {{{{ {part} }}}}; add it, because {because}"
        near = difflib.get_close_matches(path.name, names, 1, 0.85)
        if name in names or path.parent == own / "words" or not (near or path in texts):
            continue
        # A template of the operator's own may include a part with a name of its own.
        if any(name.encode() in text for other, text in texts.items() if other != path):
            continue
        cure = f"name it {near[0]!r}, in the folder itself" if near else "known: " + ", ".join(sorted(names))
        yield f"letter.templates: {path} is used by no letter; {cure}"


def word_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each mistake in the organisation's own words of readers' pages: web/words in its templates.

    Words that a language lacks are no mistake, because the pages show the English ones.
    """
    folders = page_folders(settings)
    for language in sorted(catalogue.languages(folders[:-1])):
        try:
            catalogue.load_catalogue(folders, language, all_later=True)
        except ConfigError as error:
            yield from error.problems


def folder_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each folder of letters and receipts that a run could not write to."""
    folders = {"receipts": page_folder(settings)}
    if settings.transport.kind == "file":
        folders["transport.directory"] = settings.transport.directory
    for key, folder in folders.items():
        # A run creates missing folders, so the nearest path that exists must be a folder that it may write to.
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if not nearest.is_dir():
            yield (
                f"{key}: {nearest} is a file; name a folder" if "." in key else f"{key}: {nearest} is a file; move it"
            )
        elif not os.access(nearest, os.W_OK | os.X_OK):
            yield f"{key}: {nearest} cannot be written to; let this account write, or name another folder"


def _file_problems(engine: Engine, settings: Settings) -> Iterator[str]:
    """Yield why an SQLite database cannot be used; a new installation has no file yet."""
    if engine.url.database in (None, "", ":memory:"):
        return
    path = Path(str(engine.url.database))
    if path.is_dir():
        yield f"storage.url: {path} is a folder; name a file in it"
        return
    for needed in (path, path.parent):  # the folder too, because the log of changes is written beside the file
        if needed.exists() and not os.access(needed, os.W_OK):
            yield f"storage.url: {needed} cannot be written to; let this account write the file and its folder"
            return
    if path.exists() or settings.fence_file.exists():
        yield from _database_problems(engine, settings)


def _database_problems(engine: Engine, settings: Settings) -> Iterator[str]:
    """Yield why a database, or its secret, cannot be used; one without tables gets them at the first run."""
    server = engine.dialect.name == "postgresql"
    try:
        if migrate.current(engine) is None:
            if server:
                rights.try_to_make_tables(engine)
            return
        if not migrate.check_schema(engine):
            cure = "back it up, then run `digest db upgrade`"
            yield f"storage.url: the database's schema is older than this program; {cure}"
            return
        if server:
            rights.try_to_write(engine)
        with reading(engine) as conn:
            secret = stored_secret(conn, settings.secret_file) if is_secret_used(conn) else b""
            stored_link_keys(conn, settings.secret_file, secret)
    except BadSecret as error:
        yield f"storage.secret_file: {error}"
    except DigestError as error:
        yield f"storage.url: {error}"


def _is_here(host: str) -> bool:
    """Return whether a host is this machine, as a server for tests is."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
