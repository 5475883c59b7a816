"""Find the letter's templates and render them; every mistake names the file, the line and the cure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, select_autoescape
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError, UndefinedError

from digest.errors import ConfigError
from digest.letter.sandbox import Folders, Sandbox, limited_steps


def environment(folders: Sequence[Path]) -> Environment:
    """Return the sandboxed Jinja environment of template `folders`; the first folder that has a file wins.

    Undefined names are errors; values are escaped in html, and left as they are in `.txt.j2` files.
    """
    return _environment(tuple(folders), frozenset(_stamps(folders)))


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[Path, int, int, int, int]]:
    """Yield each file and folder inside `folders` with its times, size and inode, to notice any change."""
    for path in (path for folder in folders for path in folder.glob("**/*")):
        with suppress(OSError):  # the file was removed since it was listed
            status = path.stat()
            # Inode and ctime count too, because a file that replaces another may keep its own modification time.
            yield path, status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


@lru_cache(maxsize=4)
def _environment(folders: tuple[Path, ...], _stamps: frozenset[tuple[Path, int, int, int, int]]) -> Environment:
    """Return one environment, with its compiled templates, until a file in the folders is new, changed or removed."""
    return Sandbox(
        loader=Folders([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=select_autoescape((), disabled_extensions=("txt.j2",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(env: Environment, name: str, values: Mapping[str, object]) -> str:
    """Return template `name` filled with `values`; ConfigError names the file and line of a mistake."""
    parts = values.get("parts", ())
    try:
        with limited_steps(len(parts) if isinstance(parts, Sequence) else 0):
            return env.get_template(name).render(values)
    except TemplateNotFound as error:
        if "; " in (error.message or ""):
            raise ConfigError([f"template {error.name}: {error.message}"]) from error
        folders = ", ".join(env.loader.searchpath) if isinstance(env.loader, FileSystemLoader) else "none"
        raise ConfigError([f"template {error.name}: not found in {folders}; put the file in one"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"template {name}, or one it includes: is not UTF-8 ({error}); save it as UTF-8"]
        ) from error
    except RecursionError as error:
        raise ConfigError(
            [f"{_position(error, name)}: includes itself, or is nested without end; mend it"]
        ) from error
    except TemplateSyntaxError as error:
        position = f"{error.filename or error.name}, line {error.lineno}"
        raise ConfigError([f"{position}: {error.message}; mend the template"]) from error
    except UndefinedError as error:
        names = ", ".join(sorted(values))
        raise ConfigError([f"{_position(error, name)}: {error.message}; templates know {names}"]) from error
    except SecurityError as error:
        problem = f"{error}".removesuffix(".")
        cure = "" if "; " in problem else "; a template may only show values: take this out"
        raise ConfigError([f"{_position(error, name)}: {problem}{cure}"]) from error
    except MemoryError as error:
        raise ConfigError([f"{_position(error, name)}: makes a value that is too long; shorten it"]) from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigError([f"{_position(error, name)}: {error}; mend the template"]) from error


def _position(error: BaseException, name: str) -> str:
    """Return "file, line n" of the innermost template that raised `error`, or `name` when there is none."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith((".j2", ".css"))]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else name
