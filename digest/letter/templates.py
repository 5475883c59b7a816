"""Finds the letter's templates and renders them; every mistake names the file, the line and the cure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, select_autoescape
from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError

from digest.errors import ConfigError


def environment(folders: Sequence[Path]) -> Environment:
    """Return the Jinja environment of template `folders`; the first one that has a file wins.

    Undefined names are errors, html escapes by itself, `.txt.j2` files write plain text.
    """
    return _environment(tuple(folders), frozenset(_stamps(folders)))


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[Path, int, int, int, int]]:
    """Yield what is there, and when it was changed."""
    for path in (path for folder in folders for path in folder.glob("**/*")):
        with suppress(OSError):  # gone meanwhile
            status = path.stat()
            # What is put in a file's place may bring its own time of change with it.
            yield path, status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


@lru_cache(maxsize=4)
def _environment(folders: tuple[Path, ...], _stamps: frozenset[tuple[Path, int, int, int, int]]) -> Environment:
    """Return the same one, with all that it has compiled, until a file of the folders is changed, new or gone."""
    return Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=select_autoescape((), disabled_extensions=("txt.j2",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(env: Environment, name: str, values: Mapping[str, object]) -> str:
    """Return template `name` filled with `values`; ConfigError names the file and line of a mistake."""
    try:
        return env.get_template(name).render(values)
    except TemplateNotFound as error:
        folders = ", ".join(env.loader.searchpath) if isinstance(env.loader, FileSystemLoader) else "none"
        raise ConfigError([f"template {error.name}: not found in {folders}; put the file in one"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"template {name}, or one it includes: is not UTF-8 ({error}); save it as UTF-8"]
        ) from error
    except RecursionError as error:
        raise ConfigError([f"{_place(error, name)}: includes itself, or is nested without end; mend it"]) from error
    except TemplateSyntaxError as error:
        place = f"{error.filename or error.name}, line {error.lineno}"
        raise ConfigError([f"{place}: {error.message}; mend the template"]) from error
    except UndefinedError as error:
        known = ", ".join(sorted(values))
        raise ConfigError([f"{_place(error, name)}: {error.message}; templates know {known}"]) from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigError([f"{_place(error, name)}: {error}; mend the template"]) from error


def _place(error: BaseException, name: str) -> str:
    """Return "file, line n" of the innermost template frame that `error` passed through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith((".j2", ".css"))]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else name
