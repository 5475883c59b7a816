"""Find mistakes in an organisation's own templates and words: unread files, empty ones, and what is not shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from digest.config.settings import Settings
from digest.delivery.trial import template_faults
from digest.errors import ConfigError
from digest.letter import catalogue
from digest.letter.words import primary
from digest.operations.finding import Finding
from digest.readers.words import page_folders
from digest.system.resources import resource

_CONDITIONAL = {
    "card": (
        ("part.reason", "a card from elsewhere says why it is there"),
        ("part.exception", "a card says what its group's reason does not"),
        ("part.lines", "a case study with lines has no summary"),
    ),
    "group": (("part.reason", "a group says once why its entries are there"),),
}
_OF_EDITORS = re.compile(r"^\.|~$|^#.*#$|\.(?:bak|orig|rej|swp|swo|tmp|md|txt)$")  # files that editors of texts leave
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def template_findings(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each mistake in the organisation's own templates, because a run stops at it."""
    if settings.templates is None:
        return
    for line in dict.fromkeys([*template_problems(settings), *word_problems(settings), *template_faults(settings)]):
        problem, _, cure = line.removeprefix("letter.templates: ").rpartition("; ")
        yield Finding(
            "wrong", "letter.templates", problem or cure, cure if problem else "mend it, then `digest check`"
        )


def template_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each own template that is empty, that lacks what it must show, or that no letter uses."""
    own = settings.templates
    if own is None:
        return
    if not own.is_dir():
        yield f"letter.templates: {own} is not a folder; make it or remove the key"
        return
    for problem in (*_unread(own), *_unused(own), *_unsaid(own)):
        yield f"letter.templates: {problem}"


def _unread(own: Path) -> Iterator[str]:
    """Yield each path that has the name of a template or of words and is no file in this folder."""
    names = {path.relative_to(_shipped()).as_posix() for path in _shipped().rglob("*") if path.is_file()}
    for path in sorted(own.rglob("*")):
        name = path.relative_to(own).as_posix()
        if path.suffix not in (".j2", ".css", ".toml") and name not in ("words", "web", "web/words"):
            continue
        if path.is_symlink() and not path.exists():
            yield f"{path} is a link to nothing; remove it, or put the file there"
        elif path.is_symlink() and not path.resolve().is_relative_to(own.resolve()):
            yield f"{path} is a link that leads out of the folder; put the file itself there"
        elif path.is_dir() and (name in names or path.suffix in (".j2", ".css", ".toml")):
            yield f"{path} is a folder; put a file of this name there"


def _unused(own: Path) -> Iterator[str]:
    """Yield each file that no letter and no page uses, because its name or its folder is another."""
    names = [path.name for path in _shipped().iterdir() if path.is_file()]
    texts = _texts(own)
    for path in (path for path in sorted(own.rglob("*")) if path.is_file() and not _OF_EDITORS.search(path.name)):
        name, folder = path.relative_to(own).as_posix(), path.relative_to(own).parent.as_posix()
        if path.suffix == ".toml":
            if folder not in ("words", "web/words"):
                yield f"{path} is used by no letter; words of a language stand in words/, as words/{path.name}"
            elif not _LANGUAGE.fullmatch(path.stem):
                right = primary(path.stem)
                cure = f"words/{right}.toml" if _LANGUAGE.fullmatch(right) else "words/cy.toml (for Welsh)"
                yield f"{path} is used by no letter; name it by the short code of its language, as {cure}"
            continue
        near = difflib.get_close_matches(path.name, names, 1, 0.85)
        # A template of the operator's own may include a part with a name of its own.
        included = any(name.encode() in text for other, text in texts.items() if other != path)
        if name in names or included or not (near or path in texts):
            continue
        cure = f"name it {near[0]!r}, in the folder itself" if near else "known: " + ", ".join(sorted(names))
        yield f"{path} is used by no letter; {cure}"


def _unsaid(own: Path) -> Iterator[str]:
    """Yield each template without any text, and each that does not name a value that only some letters have."""
    for path, text in _texts(own).items():
        if path.parent == own and not text.strip():
            if not path.name.startswith("letter."):  # of which the trial letter tells that
                yield f"{path} is empty; write it, or remove it: then the shipped one is used"
            continue
        for part, because in _CONDITIONAL.get(path.name.partition(".")[0], ()):
            if part.encode() not in text:
                yield f"{path} shows no {{{{ {part} }}}}; add it, because {because}"


def _texts(own: Path) -> Mapping[Path, bytes]:
    files = (path for path in sorted(own.rglob("*.*")) if path.is_file() and not _OF_EDITORS.search(path.name))
    return {path: path.read_bytes() for path in files if path.suffix in (".j2", ".css")}


def _shipped() -> Path:
    return resource("templates") / "email"


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
