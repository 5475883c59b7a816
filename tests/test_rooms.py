"""The rooms' floors: an import only goes down, one library has one home, and decisions only decide.

Hands > stories > doors > decisions > ground (CONTRIBUTING.md). A new module is added to FLOORS here; a new
outside library that touches the world, or that should have one home, to WORLD or HOMES.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import digest

ROOT = Path(digest.__file__).parents[1]

# A package stands for every module below it that is not named itself. Highest floor first.
FLOORS: dict[str, tuple[str, ...]] = {
    "hands": (
        "digest.__main__",
        "digest.cli",
        "digest.commands",
        "digest.daemon",
        "digest.desk",
        "digest.web.letters",
        "digest.commands.demo",
        "digest.web.app",
        "subscribers.pages.routes",
    ),
    "stories": (
        "digest.operations.doctor",
        "digest.delivery.claim",
        "digest.desk.edit",
        "digest.editions",
        "digest.desk.explain",
        "digest.gather",
        "digest.operations.status",
        "digest.delivery.events_in",
        "digest.installation",
        "digest.delivery",
        "digest.pipeline",
        "digest.editions.draft",
        "digest.desk.preview",
        "digest.desk.receipts",
        "digest.operations.resume",
        "digest.render",
        "digest.send",
        "digest.delivery.recover",
        "digest.operations.settle",
        "digest.delivery.take_back",
    ),
    "doors": (
        "digest.cluster",
        "digest.config",
        "digest.system.flush",
        "digest.system.resources",
        "digest.sources.sandbox.child",
        "digest.sources.web.fetch",
        "digest.sources.formats.folder",
        "digest.sources.web.guard",
        "digest.sources.web.politeness",
        "digest.sources.read",
        "digest.sources.sandbox.zygote",
        "digest.store",
        "digest.system",
        "digest.system.timed",
        "digest.transports",
        "subscribers.csv.cells",
        "subscribers.csv.exporting",
        "subscribers.followed",
        "subscribers.csv.importing",
        "subscribers.mailable",
        "subscribers.rows",
        "subscribers.secret",
        "subscribers.store",
        "subscribers.suppression",
        "subscribers.tables",
    ),
    "decisions": (
        "digest.operations.check_labels",
        "digest.classify",
        "digest.ledger.events",
        "digest.facets",
        "digest.system.failpoint",
        "digest.group",
        "digest.ledger",
        "digest.letter",
        "digest.facets.regions",
        "digest.facets.places",
        "digest.config.cadences",
        "digest.schedule",
        "digest.config.site",
        "digest.config.sources",
        "digest.config.spans",
        "digest.system.stopping",
        "digest.sources.web.answers",
        "digest.sources.formats.charset",
        "digest.sources.formats.dates",
        "digest.sources.newness",
        "digest.sources.formats.feed",
        "digest.sources.frontmatter",
        "digest.sources.formats.jsonfeed",
        "digest.sources.links",
        "digest.sources.formats.notfeed",
        "digest.sources.formats.pictures",
        "digest.sources.sanitise",
        "digest.sources.formats.tidy",
        "digest.sources.web.unpack",
        "digest.sources.sandbox.wire",
        "digest.config.terms",
        "digest.facets.lexicon",
        "digest.transports.mailbox.reports",
        "digest.transports.sendgrid.events",
        "digest.transports.tag",
        "digest.transports.webhook",
        "subscribers.addresses",
        "subscribers.consent",
        "subscribers.csv.lines",
        "subscribers.csv.rows",
        "subscribers.facets",
        "subscribers.pages.forms",
        "subscribers.invisible",
        "subscribers.languages",
        "subscribers.tokens",
    ),
    "ground": (
        "digest",
        "digest.errors",
        "digest.model",
        "digest.sources",
        "subscribers",
        "subscribers.database",
        "subscribers.errors",
        "subscribers.model",
    ),
}
HEIGHT = {floor: height for height, floor in enumerate(reversed(FLOORS))}

# A package's own __init__ is ground here, so a new module in it must be named above.
EXACT = {"digest", "digest.sources", "subscribers"}

# One library, one home.
HOMES: dict[str, tuple[str, ...]] = {
    "alembic": ("digest.store",),
    "apscheduler": ("digest.daemon", "digest.schedule"),
    "cssutils": ("digest.letter.compile",),
    "feedparser": ("digest.sources.formats.feed",),
    "itsdangerous": ("subscribers.tokens",),
    "markdown_it": ("digest.sources",),
    "nh3": ("digest.sources.sanitise", "digest.letter.inert"),
    "premailer": ("digest.letter.compile",),
    "rich": ("digest.cli", "digest.commands"),
    "sendgrid": ("digest.transports.sendgrid",),
    "smtplib": ("digest.transports.smtp",),
    "starlette": ("digest.desk", "digest.web.app", "subscribers.pages.routes"),
    "uvicorn": ("digest.commands.serving",),
}

# What touches network, disk, processes or the database: not for decisions, nor for the ground.
WORLD = {
    "alembic", "click", "fcntl", "httpx2", "imaplib", "mailbox", "multiprocessing", "psycopg", "requests", "rich",
    "shutil", "smtplib",
    "socket", "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "urllib.request", "urllib3",
}  # fmt: skip
# These name a library's types and do nothing with it.
TYPES_ONLY = {"digest.sources.web.answers": {"httpx2"}, "subscribers.database": {"sqlalchemy"}}
CLOCK = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "sleep"}


def test_every_module_stands_on_a_floor() -> None:
    homeless = [name for name in MODULES if _floor(name) is None]
    assert not homeless, "add to FLOORS in tests/test_rooms.py:\n" + "\n".join(homeless)


def test_an_import_only_goes_down() -> None:
    upward = [
        f"{importer} ({_floor(importer)}) imports {imported} ({_floor(imported)})"
        for importer, imported in _arrows()
        if _height(importer) < _height(imported)
    ]
    assert not upward, "\n".join(upward)


def test_subscribers_know_nothing_of_feeds_or_letters() -> None:
    wrong = [arrow for arrow in _arrows() if arrow[0].startswith("subscribers") and arrow[1].startswith("digest")]
    assert wrong == []


def test_doors_do_not_read_the_config() -> None:
    """Settings are read in stories and hands; a door gets values."""
    read = ("digest.config.load", "digest.config.settings")
    readers = {name for name, imported in _arrows() if imported in read and not _within(name, ("digest.config",))}
    assert {one for one in readers if _floor(one) not in ("hands", "stories")} == set()


@pytest.mark.parametrize("library", HOMES)
def test_one_library_has_one_home(library: str) -> None:
    users = {name for name in MODULES for used in _imports(name) if used == library or used.startswith(library + ".")}
    assert {name for name in users if not _within(name, HOMES[library])} == set()


def test_decisions_and_ground_touch_nothing_outside() -> None:
    touching = [
        f"{name} imports {used}"
        for name in MODULES
        if _floor(name) in ("decisions", "ground")
        for used in _imports(name)
        if any(used == one or used.startswith(one + ".") for one in WORLD - TYPES_ONLY.get(name, set()))
    ]
    assert not touching, "\n".join(touching)


def test_decisions_and_ground_do_not_read_the_clock() -> None:
    reading = [
        f"{name}:{node.lineno} calls {node.func.attr}()"
        for name in MODULES
        if _floor(name) in ("decisions", "ground")
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("datetime", "date", "time")
    ]
    assert not reading, "\n".join(reading)


@pytest.mark.parametrize(
    ("importer", "source", "found"),
    [
        ("digest.group", "import digest.gather", {"digest.gather"}),
        ("digest.group", "from digest import gather", {"digest.gather"}),
        ("digest.group", "def f():\n    from digest.gather import gather", {"digest.gather"}),
        ("digest.sources.formats.feed", "from . import fetch", {"digest.sources.web.fetch"}),
        ("digest.sources.formats.feed", "from ..gather import gather", {"digest.gather"}),
        ("digest.group", "from digest.model import Entry", {"digest.model"}),
        ("digest.group", "from __future__ import annotations\nimport urllib.request", {"urllib.request"}),
        ("digest.group", "from urllib import request", {"urllib.request"}),
    ],
)
def test_every_way_to_write_an_import_is_seen(importer: str, source: str, found: set[str]) -> None:
    modules = {"digest.gather", "digest.model", "digest.sources.web.fetch", "digest.sources", "digest"}
    assert found <= set(_names(importer, ast.parse(source), modules))


def _modules() -> dict[str, Path]:
    found = {}
    for package in ("digest", "subscribers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            # Alembic runs the migrations by their path; nothing imports them.
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def _arrows() -> Iterator[tuple[str, str]]:
    """Yield (importing, imported) for each import of one of our modules by another."""
    for name in MODULES:
        for used in _imports(name):
            if used in MODULES and used != name:
                yield name, used


@cache
def _imports(name: str) -> frozenset[str]:
    return frozenset(_names(name, _tree(name), set(MODULES)))


def _names(importer: str, tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Yield the full name of every module that `tree`, the source of `importer`, imports anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(importer, node)
            below = {f"{base}.{alias.name}" for alias in node.names}
            ours = base.partition(".")[0] in ("digest", "subscribers")
            # `from package import module` means the module, not only the package around it.
            yield from (below & modules if ours else below)
            if not (ours and below <= modules):
                yield base


def _base(importer: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    inside = MODULES.get(importer)
    parts = importer.split(".")
    if inside is None or inside.name != "__init__.py":
        parts = parts[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _floor(name: str) -> str | None:
    """Return the floor of a module: that of the longest name in FLOORS that it is, or is below."""
    best, found = "", None
    for floor, members in FLOORS.items():
        for member in members:
            inside = name == member or (member not in EXACT and name.startswith(member + "."))
            if inside and len(member) > len(best):
                best, found = member, floor
    return found


def _height(name: str) -> int:
    floor = _floor(name)
    return HEIGHT[floor] if floor else 0


def _within(name: str, homes: tuple[str, ...]) -> bool:
    return any(name == home or name.startswith(home + ".") for home in homes)
