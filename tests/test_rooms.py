"""Check the rooms' floors: an import only goes down, one library has one home, and decisions only decide.

A room is a module at the root of `digest`, or a folder there. Each stands on one floor (docs/architecture.md).
A new room is added to FLOORS; a library that touches the world, or that should have one home, to WORLD or HOMES.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import digest
from tests.counts import table

ROOT = Path(digest.__file__).parents[1]

# Highest floor first. A room stands for every module in it that has no line of its own.
FLOORS: dict[str, str] = {
    "entry points": "digest.__main__ digest.cli digest.daemon digest.commands digest.web digest.cluster",
    "stories": "digest.pipeline digest.gather digest.render digest.send digest.installation"
    " digest.desk digest.operations digest.editions digest.delivery digest.notices digest.readers",
    "doors": "digest.config digest.transports digest.store digest.sources digest.system"
    " subscribers.asked subscribers.changes subscribers.confirmations subscribers.csv subscribers.followed"
    " subscribers.joining subscribers.kept subscribers.leaving subscribers.link_keys subscribers.links"
    " subscribers.mailable subscribers.moves subscribers.moving subscribers.rows subscribers.secret subscribers.store"
    " subscribers.suppression subscribers.tables subscribers.told",
    "decisions": "digest.classify digest.group digest.schedule digest.letter digest.facets digest.learning"
    " digest.ledger subscribers.addresses subscribers.characters subscribers.consent subscribers.facets"
    " subscribers.invisible"
    " subscribers.forms subscribers.join_form subscribers.languages subscribers.pauses subscribers.tokens"
    " subscribers.zones",
    "ground": "digest digest.model digest.errors"
    " subscribers subscribers.database subscribers.errors subscribers.keyed subscribers.keyring subscribers.model",
}
# These stand with the doors they serve, and decide like decisions: values in, values out.
ALSO_PURE = (
    "digest.sources.formats.charset", "digest.sources.formats.date_forms", "digest.sources.formats.date_words",
    "digest.sources.formats.dates", "digest.sources.formats.feed",
    "digest.sources.formats.jsonfeed", "digest.sources.formats.notfeed", "digest.sources.formats.pictures",
    "digest.sources.formats.front_matter", "digest.sources.formats.tidy", "digest.sources.formats.tombstones",
    "digest.sources.formats.tags",
    "digest.sources.formats.unreleased", "digest.sources.links", "digest.sources.newness", "digest.sources.sanitise",
    "digest.sources.blocks", "digest.sources.marks", "digest.sources.placeholders", "digest.sources.post",
    "digest.sources.prints", "digest.sources.tails", "digest.sources.title_tags",
    "digest.sources.withdrawal", "digest.sources.web.answers", "digest.sources.web.unpack",
    "digest.sources.sandbox.page", "digest.sources.sandbox.wire",
    "digest.transports.tag", "digest.transports.mailbox.complaints", "digest.transports.mailbox.reports",
    "digest.transports.sendgrid.events",
    "subscribers.csv.lines", "subscribers.csv.rows",
)  # fmt: skip

# One library, one home.
HOMES: dict[str, tuple[str, ...]] = {
    "alembic": ("digest.store",),
    "apscheduler": ("digest.daemon",),
    "cronsim": ("digest.config.hours", "digest.schedule"),
    "cssutils": ("digest.letter.inliner",),
    "dns": ("digest.system.txt_records",),
    "feedparser": ("digest.sources.formats.feed",),
    "holidays": ("digest.config.days_off",),
    "itsdangerous": ("subscribers.tokens",),
    "markdown_it": ("digest.sources.formats",),
    "nh3": ("digest.sources.sanitise", "digest.letter.inert"),
    "premailer": ("digest.letter.inliner",),
    "procrastinate": ("digest.cluster",),
    "prometheus_client": ("digest.web.metrics",),
    "protego": ("digest.sources.web.robots",),
    "rapidfuzz": ("digest.learning.likeness",),
    "regex": ("subscribers.characters",),
    "rich": ("digest.cli", "digest.commands"),
    "sendgrid": ("digest.transports.sendgrid",),
    "smtplib": ("digest.transports.smtp",),
    "starlette": ("digest.web",),
    "trafilatura": ("digest.sources.sandbox",),
    "uvicorn": ("digest.web.server",),
}
# A provider's name stands in its own room, where its settings are read, and in help texts.
PROVIDERS = {"sendgrid": ("digest/transports/sendgrid/", "digest/config/", "digest/commands/")}

# What touches network, disk, processes or the database: not for decisions, nor for the ground.
WORLD = (
    "alembic", "click", "fcntl", "httpx2", "imaplib", "mailbox", "multiprocessing", "psycopg", "requests", "rich",
    "shutil", "smtplib", "socket", "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "urllib.request",
    "urllib3",
)  # fmt: skip
# These name a library's types and do nothing with it.
TYPES_ONLY = {"digest.sources.web.answers": ("httpx2",), "subscribers.database": ("sqlalchemy",)}
CLOCK = ("now", "utcnow", "today", "time", "monotonic", "perf_counter", "sleep")


@dataclass(frozen=True)
class House:
    """Modules by full name with their source, and the floor of each room."""

    sources: Mapping[str, str]
    packages: frozenset[str]
    floors: Mapping[str, str]
    _imported: dict[str, frozenset[str]] = field(default_factory=dict)
    _heights: dict[str, int] = field(default_factory=dict)

    def rooms(self) -> dict[str, str]:
        """Return floor by room."""
        return {room: floor for floor, rooms in self.floors.items() for room in rooms.split()}

    def floor(self, module: str) -> str | None:
        """Return the floor of the longest room that a module is, or is in; a root package is no room for others."""
        rooms = self.rooms()
        parts = module.split(".")
        names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        return next((rooms[name] for name in names if name in rooms and ("." in name or name == module)), None)

    def height(self, module: str) -> int:
        """Return how high a module stands; 0 is the ground (each is looked up once)."""
        if module not in self._heights:
            floor = self.floor(module)
            self._heights[module] = list(reversed(self.floors)).index(floor) if floor else 0
        return self._heights[module]

    def pure(self) -> list[str]:
        """Return the modules that turn values into values."""
        return [name for name in self.sources if self.floor(name) in ("decisions", "ground") or name in ALSO_PURE]

    def imports(self, module: str) -> frozenset[str]:
        """Return the full name of every module that a module imports anywhere in it (each is parsed once)."""
        if module not in self._imported:
            self._imported[module] = frozenset(self._imports(module))
        return self._imported[module]

    def _imports(self, module: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(self.sources[module])):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(module, node)
                below = {f"{base}.{alias.name}" for alias in node.names}
                ours = base.partition(".")[0] in ("digest", "subscribers")
                # `from package import module` means the module, not only the package around it.
                yield from (below & self.sources.keys() if ours else below)
                if not (ours and below <= self.sources.keys()):
                    yield base

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        keep = len(parts) - node.level + (module in self.packages)
        return ".".join([*parts[:keep], *([node.module] if node.module else [])])

    def arrows(self) -> Iterator[tuple[str, str]]:
        """Yield (importing, imported) for each import of one of our modules by another."""
        for name in self.sources:
            yield from ((name, used) for used in sorted(self.imports(name)) if used in self.sources and used != name)

    def faults(self) -> list[str]:
        """Return every upward import, every module in no room, and every room that does not exist."""
        upward = [
            f"{importer} ({self.floor(importer)}) imports {imported} ({self.floor(imported)})"
            for importer, imported in self.arrows()
            if self.height(importer) < self.height(imported)
        ]
        homeless = [f"{name} is in no room" for name in self.sources if self.floor(name) is None]
        stale = [f"{room} does not exist" for room in self.rooms() if room not in self.sources]
        return upward + homeless + stale


def _house() -> House:
    sources, packages = {}, set()
    for package in ("digest", "subscribers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            # Alembic runs the migrations by their path; nothing imports them.
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            sources[name] = path.read_text(encoding="utf-8")
            if parts[-1] == "__init__":
                packages.add(name)
    return House(sources, frozenset(packages), FLOORS)


HOUSE = _house()


def test_every_module_has_a_room_and_an_import_only_goes_down() -> None:
    assert HOUSE.faults() == []


def test_every_named_module_exists() -> None:
    homes = {home for names in HOMES.values() for home in names}
    assert sorted({*ALSO_PURE, *TYPES_ONLY, *homes} - set(HOUSE.sources)) == []


def test_modules_import_in_no_circle() -> None:
    waiting = {
        name: {used for used in HOUSE.imports(name) if used in HOUSE.sources} - {name} for name in HOUSE.sources
    }
    # A package's own __init__ may gather what is below it.
    waiting = {name: {used for used in needs if not used.startswith(name + ".")} for name, needs in waiting.items()}
    while free := [name for name, needs in waiting.items() if not needs & set(waiting)]:
        for name in free:
            del waiting[name]
    assert sorted(waiting) == []


def test_subscribers_know_nothing_of_feeds_or_letters() -> None:
    assert [
        arrow for arrow in HOUSE.arrows() if arrow[0].startswith("subscribers") and arrow[1].startswith("digest")
    ] == []


def test_doors_do_not_read_the_config() -> None:
    """Settings are read in stories and entry points; a door gets values."""
    readers = {importer for importer, imported in HOUSE.arrows() if imported.startswith("digest.config")}
    low = {name for name in readers if HOUSE.floor(name) not in ("entry points", "stories")}
    assert {name for name in low if not name.startswith("digest.config")} == set()


@table("library", HOMES)
def test_one_library_has_one_home(library: str) -> None:
    users = {name for name in HOUSE.sources if any(_within(used, [library]) for used in HOUSE.imports(name))}
    assert {name for name in users if not _within(name, HOMES[library])} == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_named_in_its_own_room_only(provider: str) -> None:
    files = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "digest").rglob("*")
        if path.suffix in (".py", ".j2") and provider in path.read_text(encoding="utf-8").lower()
    ]
    assert [file for file in files if not file.startswith(PROVIDERS[provider])] == []


def test_decisions_and_ground_touch_nothing_outside() -> None:
    touching = [
        f"{name} imports {used}"
        for name in HOUSE.pure()
        for used in sorted(HOUSE.imports(name))
        if _within(used, WORLD) and not _within(used, TYPES_ONLY.get(name, ()))
    ]
    assert touching == []


def test_decisions_and_ground_do_not_read_the_clock() -> None:
    reading = [
        f"{name}:{node.lineno} calls {node.func.attr}()"
        for name in HOUSE.pure()
        if any(f".{clock}(" in HOUSE.sources[name] for clock in CLOCK)
        for node in ast.walk(ast.parse(HOUSE.sources[name]))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("datetime", "date", "time")
    ]
    assert reading == []


TRIAL = {"digest": "", "digest.send": "from digest.store import rows", "digest.store": "", "digest.store.rows": ""}
TRIAL_FLOORS = {"stories": "digest.send", "doors": "digest.store", "ground": "digest"}


@pytest.mark.parametrize(
    ("sources", "floors", "fault"),
    [
        ({}, {}, ""),
        (
            {"digest.store.rows": "from digest import send"},
            {},
            "digest.store.rows (doors) imports digest.send (stories)",
        ),
        ({"digest.attic": ""}, {}, "digest.attic is in no room"),
        ({}, {"doors": "digest.store digest.cellar"}, "digest.cellar does not exist"),
    ],
    ids=["nothing", "an upward import", "an unknown room", "a stale name"],
)
def test_a_fault_is_seen(sources: dict[str, str], floors: dict[str, str], fault: str) -> None:
    house = House(TRIAL | sources, frozenset({"digest", "digest.store"}), TRIAL_FLOORS | floors)
    assert house.faults() == ([fault] if fault else [])


@table(
    "importer, source, imported",
    [
        ("digest.group", "import digest.gather", "digest.gather"),
        ("digest.group", "from digest import gather", "digest.gather"),
        ("digest.group", "def f():\n    from digest.gather import gather", "digest.gather"),
        ("digest.sources.feed", "from . import fetch", "digest.sources.fetch"),
        ("digest.sources.feed", "from ..gather import gather", "digest.gather"),
        ("digest.sources", "from .fetch import fetch", "digest.sources.fetch"),
        ("digest.group", "from digest.model import Entry", "digest.model"),
        ("digest.group", "from __future__ import annotations\nimport urllib.request", "urllib.request"),
        ("digest.group", "from urllib import request", "urllib.request"),
    ],
)
def test_every_way_to_write_an_import_is_seen(importer: str, source: str, imported: str) -> None:
    modules = ("digest", "digest.gather", "digest.model", "digest.sources", "digest.sources.fetch")
    house = House(dict.fromkeys(modules, "") | {importer: source}, frozenset({"digest", "digest.sources"}), {})
    assert imported in house.imports(importer)


def _within(name: str, homes: Iterable[str]) -> bool:
    return any(name == home or name.startswith(home + ".") for home in homes)


# These change people or suppressions. A function that calls one lets the fence's file follow.
CHANGES_CONSENT = frozenset(
    {"add", "change", "confirm", "end_pause", "erase_again", "forget", "leave", "lift", "pause", "set_cadence",
     "suppress", "take_mailbox", "update_interests"}
)  # fmt: skip
PEOPLE = ("events_in", "people", "store")
CHANGES_BY_NAME = frozenset({"import_csv", "move_address", "take_body", "suppress_hashes", "suppress_keys"})
_TOUCHES_PEOPLE = re.compile(
    rf"\b(?:(?:{'|'.join(PEOPLE)})\.(?:{'|'.join(CHANGES_CONSENT)})|{'|'.join(CHANGES_BY_NAME)})\("
)
# Of these the callers let it follow, a page by `changing(pages)`; after `_learn_again` its caller opens the fence,
# which writes the file anew.
FOLLOWED_BY_CALLERS = {
    "digest.store.events._act", "digest.store.events._leave", "digest.store.events._count_strikes",
    "digest.operations.resume._learn_again", "digest.commands.serving._from_mailbox",
    "digest.readers.erase.erase_reader", "digest.readers.move.settle_move", "digest.readers.move.undo_move",
}  # fmt: skip


FOLLOWING = ("fence.follow(", "with changing(pages)")  # the second is digest.web.readers.choosing


def test_the_fence_follows_wherever_consent_changes() -> None:
    changing, missing = set(), set()
    for name, source in HOUSE.sources.items():
        # Searched first, because parsing a module takes far longer.
        if not name.startswith("digest.") or not _TOUCHES_PEOPLE.search(source):
            continue
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef) and _changes_consent(function):
                changing.add(f"{name}.{function.name}")
                if not any(way in ast.unparse(function) for way in FOLLOWING):
                    missing.add(f"{name}.{function.name}")
    assert len(changing) > 12, "the names that change people are no longer found"
    assert missing == FOLLOWED_BY_CALLERS


def _changes_consent(function: ast.FunctionDef) -> bool:
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(
        call.attr in CHANGES_CONSENT and isinstance(call.value, ast.Name) and call.value.id in PEOPLE
        if isinstance(call, ast.Attribute)
        else isinstance(call, ast.Name) and call.id in CHANGES_BY_NAME
        for call in called
    )
