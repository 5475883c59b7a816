"""Find what a run could not do with these settings, for `digest check`; change nothing, ask only the database."""

from __future__ import annotations

import errno
import ipaddress
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from digest.config.secret_files import SecretFile
from digest.config.settings import Settings
from digest.config.site import begins_as_ours
from digest.errors import ConfigError, DigestError, SchemaTooOld, SourceError
from digest.facets.known import known_facets
from digest.facets.words import keys
from digest.installation import is_secret_used, stored_link_keys, stored_secret
from digest.operations.file_problems import file_problems, keeps_back
from digest.sources.links import is_reserved
from digest.sources.web.guard import why_not_fetchable
from digest.store import migrate, rights
from digest.store.engine import make_engine, reading
from digest.system.disk import cure_of, reason_of, why_unwritable
from digest.system.private import open_to_others
from digest.transports.mailbox.mailbox import reach_mailbox
from subscribers.errors import BadSecret
from subscribers.link_keys import link_key_path

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


def text_problems(settings: Settings, now: datetime) -> Iterator[str]:
    """Yield a line for each file of a folder of texts that is left out, with its line, its fault and the cure."""
    folders = [source for source in settings.sources if source.path is not None and Path(source.path).is_dir()]
    if not folders:
        return
    from digest.sources.formats.folder import read_folder  # here, because Markdown is slow to import

    zone, facets = ZoneInfo(settings.site.zone), known_facets(settings.taxonomy)
    for source in folders:
        with suppress(SourceError):  # because a folder that cannot be read has a line of its own
            snapshot = read_folder(Path(source.path or ""), now=now, zone=zone, facets=facets)
            for problem in snapshot.problems:
                if file_problems(problem) and keeps_back([problem]):
                    yield f"{source.named_in}: source {source.name!r}: {problem}"


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
        elif error := why_unwritable(file.parent if key == "fence_file" or not file.exists() else file):
            yield f"storage.{key}: {_told(error)}"
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
    """Yield a line for a mailbox of bounces that cannot be opened; its server is asked, and nothing marked."""
    events = settings.events
    if events.ca_file is not None and not events.ca_file.is_file():
        yield f"events.ca_file: no file {events.ca_file}; correct its path, or leave it out"
    elif events.mailbox and (error := reach_mailbox(events.mailbox, events.password, events.ca_file)):
        yield from error.problems if isinstance(error, ConfigError) else [f"events.mailbox: {error}"]


def key_files(settings: Settings) -> list[SecretFile]:
    """Return every file that holds a key or a password of this installation, whether or not it is there."""
    of_links = SecretFile("storage.secret_file", link_key_path(settings.secret_file))
    return [*dict.fromkeys([*settings.secret_files, of_links])]


def key_problems(settings: Settings, is_open: Callable[[Path], bool] = open_to_others) -> Iterator[str]:
    """Yield a line for each file of a key or password that other accounts may read, or that this one may not."""
    for key, file in key_files(settings):
        if not file.is_file():
            continue
        if not os.access(file, os.R_OK):
            yield f"{key}: {file} cannot be read; let this account read it"
        elif is_open(file):
            yield (
                f"{key}: {file} can be read by other accounts of this machine; `chmod 600 {shlex.quote(str(file))}`"
            )


def folder_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each folder of letters and receipts that a run could not write to."""
    folders = {"storage.receipts": settings.receipts}
    if settings.transport.kind == "file":
        folders["transport.directory"] = settings.transport.directory
    for key, folder in folders.items():
        # A run makes missing folders, so the nearest path that exists must be a folder that it may write to.
        error = why_unwritable(folder)
        if folder.is_file() or (error and error.errno == errno.ENOTDIR):
            yield f"{key}: {error.filename if error else folder} is a file; name a folder"
        elif error:
            yield f"{key}: {_told(error)}"


def _told(error: OSError) -> str:
    """Return why a path of config.toml cannot be written to, and the cure. The key stands before it."""
    return f"{error.filename} cannot be written to: {reason_of(error)}; {cure_of(error, 'name another here')}"


def _file_problems(engine: Engine, settings: Settings) -> Iterator[str]:
    """Yield why an SQLite database cannot be used; a new installation has no file yet."""
    if engine.url.database in (None, "", ":memory:"):
        return
    path = Path(str(engine.url.database))
    if path.is_dir():
        yield f"storage.url: {path} is a folder; name a file in it"
        return
    for needed in (path, path.parent):  # the folder too, because the log of changes is written beside the file
        if needed.exists() and (error := why_unwritable(needed)):
            yield f"storage.url: {_told(error)}"
            return
    if path.exists() or settings.fence_file.exists():
        yield from _database_problems(engine, settings)


def _database_problems(engine: Engine, settings: Settings) -> Iterator[str]:
    """Yield why a database, or its secret, cannot be used; one without tables gets them at the first run."""
    server = engine.dialect.name == "postgresql"
    try:
        fits = migrate.check_schema(engine)
        if fits is None and migrate.holds_nothing(engine):
            if server:
                rights.try_to_make_tables(engine)
            return
        migrate.compare(engine)
        if not fits:
            yield f"storage.url: {SchemaTooOld()}"
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
