"""Compare a database's tables with the schema that its stamp names, before anything is changed.

The stamp is the row of the table `alembic_version`. The tables of each schema are read from a database in memory; the
migrations build it in a third of a second, so that only `digest db upgrade`, `digest doctor`, `digest check`, and the
message of a database that cannot be used compare.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, text

from digest.errors import WrongTables, without_secrets
from digest.store.first_form import is_first_form
from digest.store.shape import Difference, Shape, differences, shape_of

if TYPE_CHECKING:
    from alembic.config import Config

# The shapes that `shapes_built` has built: by the folder of the migrations, and by revision.
_BUILT: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
_STAMPED = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"),
    "postgresql": text("SELECT to_regclass('alembic_version')::text"),
}
_TOLD = 3  # differences in a message
_ANOTHER = {"sqlite": "name another file in storage.url", "postgresql": "name another database in storage.url"}


@dataclass(frozen=True, slots=True)
class Fit:
    """The schema that the tables of a database have: None when it has none of this program's tables yet.

    `stamped`: its stamp says so. `first_form`: they lack what the first schema got later (`digest.store.first_form`).
    """

    revision: str | None
    stamped: bool
    first_form: bool = False


def fit_of(connection: Connection, stamps: Sequence[str], revisions: Sequence[str], shipped: Config) -> Fit:
    """Return which of `revisions`, oldest first, the tables of a database have; raise WrongTables if none.

    `stamps`: what the database is stamped with, mostly one revision or none. Nothing is changed.
    """
    has = shape_of(connection)
    if not stamps and not has:
        return Fit(None, stamped=False)
    stamp = stamps[0] if len(stamps) == 1 and stamps[0] in revisions else ""
    shapes = shapes_built(shipped, {stamp, revisions[-1]} if stamp else set(revisions))
    if not stamps and not has.keys() & shapes[revisions[-1]].keys() and connection.dialect.name == "postgresql":
        return Fit(None, stamped=False)  # because a server's database may be shared with other programs
    if stamp and (fit := _fitting(stamp, has, shapes)):
        return Fit(stamp, stamped=True, first_form=fit.first_form)
    if stamp:
        shapes = shapes_built(shipped, set(revisions))
    others = [fit for revision in reversed(revisions) if (fit := _fitting(revision, has, shapes))]
    if others and not stamps:
        return others[0]
    where = f"database {without_secrets(connection.engine.url.render_as_string(hide_password=True))}"
    raise WrongTables(where, *_problem_and_cure(stamps, has, shapes, others, _ANOTHER[connection.dialect.name]))


def shapes_built(shipped: Config, wanted: Collection[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the shapes of the wanted revisions: build the schemas in memory, one after the other, once a process."""
    built = _BUILT.setdefault(shipped.get_main_option("script_location") or "", {})
    if missing := set(wanted) - built.keys():
        built |= _build(shipped, missing)
    return {revision: built[revision] for revision in wanted}


def _build(shipped: Config, wanted: Collection[str]) -> dict[str, dict[str, dict[str, str]]]:
    from alembic import command

    shapes = {}
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:

            def note(step: Any, **_: object) -> None:
                if step.up_revision_id in wanted:
                    shapes[step.up_revision_id] = shape_of(connection)

            shipped.attributes.update(connection=connection, on_step=note)
            command.upgrade(shipped, "head")
    finally:
        engine.dispose()
    return shapes


def _fitting(revision: str, has: Shape, shapes: Mapping[str, Shape]) -> Fit | None:
    left = list(differences(shapes[revision], has, shapes[max(shapes)]))
    first_form = is_first_form(revision, left)
    return Fit(revision, stamped=False, first_form=first_form) if not left or first_form else None


def _problem_and_cure(
    stamps: Sequence[str], has: Shape, shapes: Mapping[str, Shape], others: Sequence[Fit], another: str
) -> tuple[str, str]:
    """Return what does not fit, and the cure. `others`: the schemas that fit, but for the stamp."""
    stamped = f"it is stamped as schema {' and '.join(stamps)}" if stamps else "it has no stamp"
    if others:
        return (
            f"{stamped}, but its tables are those of schema {others[0].revision}",
            "back it up, remove the stamp (`DELETE FROM alembic_version`), then run `digest db upgrade`, which stamps"
            " it anew",
        )
    newest = shapes[max(shapes)]
    ours, foreign = has.keys() & newest.keys(), sorted(has.keys() - newest.keys())
    is_judged = len(stamps) == 1 and stamps[0] in shapes
    left = {
        revision: list(differences(shapes[revision], has, newest)) for revision in (stamps if is_judged else shapes)
    }
    nearest = min(left, key=lambda revision: len(left[revision]))
    # Most of its tables are missing, and others are there: a name that both programs use does not make it ours.
    if foreign and len(left[nearest]) > len(ours):
        return f"it holds {foreign[0]!r} and is not this program's", another
    whose = "that schema" if is_judged else f"any schema of this program, the nearest is {nearest}"
    return (
        f"{stamped}, and its tables are not those of {whose}: {_in_words(left[nearest])}",
        f"restore a backup of before its tables were changed, or undo these differences; or {another}",
    )


def _in_words(left: Sequence[Difference]) -> str:
    words = "; ".join(map(str, left[:_TOLD]))
    return words if len(left) <= _TOLD else f"{words}; and {len(left) - _TOLD} more"


def stamps_of(connection: Connection) -> list[str]:
    """Return what a database is stamped with, mostly one revision or none."""
    # Not by an inspector: it keeps the dialects of 128 engines, and a daemon has an engine for each run.
    if connection.scalar(_STAMPED[connection.dialect.name]) is None:
        return []
    return [str(stamp) for stamp in connection.scalars(text("SELECT version_num FROM alembic_version ORDER BY 1"))]
