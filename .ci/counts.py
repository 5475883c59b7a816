"""Count long functions, unclear names and riddles in the code, and fail on any over a bound: counts.py [FOLDER]

`make check` runs it. A parameter counts unless it is `self` or `cls`; a function's lines count from its `def`.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MOST_FILES, MOST_LINES, MOST_PARAMETERS = 14, 45, 6
PRONOUNS = {"one", "found", "said", "made", "known"}
# One verb in each implementation of a seam, and one verb of the store in each noun's module, may share a name.
ONE_VERB_EACH = (
    "digest/transports/",
    "digest/commands/",
    "digest/store/",
    "digest/letter/lint/",
    "subscribers/store.py",
)
# The same act, told by a story and done by the function that it calls: `pipeline.gather` locks and calls `gather`.
SAME_ACT = {"gather"}
# A script's own entry point.
ENTRY = {"main"}
_RIDDLE = re.compile(r"(?:Who|What)\b[^?]*?(?:[.:;]|$)")
_SENTENCE = re.compile(r"(?<=[.:;])\s+|\n\s*\n")

Place = tuple[str, int, str]  # file, line, name or sentence


def main(folder: Path) -> int:
    """Print each count, and the places behind each that is over its bound; return 1 when one is."""
    trees = {
        path: path.read_text(encoding="utf-8")
        for name in ("digest", "subscribers")
        for path in (folder / name).rglob("*.py")
    }
    root = sorted((folder / "digest").glob("*.py"))
    rows: list[tuple[str, int, list[Place]]] = [
        (f"files at the root of digest/ (at most {MOST_FILES})", MOST_FILES, [(str(path), 1, "") for path in root])
    ]
    counts: dict[str, list[Place]] = defaultdict(list)
    classes: dict[str, list[Place]] = defaultdict(list)
    functions: dict[str, list[Place]] = defaultdict(list)
    for path, source in sorted(trees.items()):
        tree, file = ast.parse(source), path.relative_to(folder).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                _function(node, file, counts)
            elif isinstance(node, ast.ClassDef):
                classes[node.name].append((file, node.lineno, node.name))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in PRONOUNS:
                counts["names"].append((file, node.lineno, node.id))
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef)
                and not node.name.startswith("_")
                and not file.startswith(ONE_VERB_EACH)
            ):
                functions[node.name].append((file, node.lineno, node.name))
        counts["riddles"] += [(file, line, text) for line, text in _riddles(source, tree)]
    twice = {name: places for name, places in functions.items() if len(places) > 1 and name not in SAME_ACT | ENTRY}
    rows += [
        (f"functions over {MOST_LINES} lines", 0, counts["long"]),
        (f"functions over {MOST_PARAMETERS} parameters", 0, counts["wide"]),
        ("classes defined twice", 0, [place for places in classes.values() if len(places) > 1 for place in places]),
        ("public functions named twice", 0, [place for places in twice.values() for place in places]),
        (f"variables named {'|'.join(sorted(PRONOUNS))}", 0, counts["names"]),
        ("sentences in docstrings and comments that begin with Who or What", 0, counts["riddles"]),
    ]
    for title, most, places in rows:
        print(f"{len(places):5}  {title}")
        if len(places) > most:
            print("".join(f"         {file}:{line} {text}\n" for file, line, text in places), end="")
    return int(any(len(places) > most for _, most, places in rows))


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, file: str, counts: dict[str, list[Place]]) -> None:
    parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [parameter.arg for parameter in parameters if parameter.arg not in ("self", "cls")]
    if (node.end_lineno or node.lineno) - node.lineno + 1 > MOST_LINES:
        counts["long"].append((file, node.lineno, node.name))
    if len(names) > MOST_PARAMETERS:
        counts["wide"].append((file, node.lineno, node.name))
    counts["names"] += [(file, node.lineno, name) for name in names if name in PRONOUNS]


def _riddles(source: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, sentence) for each sentence that begins with Who or What and is no question."""
    for line, text in [*_docstrings(tree), *_comments(source)]:
        for sentence in _SENTENCE.split(text):
            if _RIDDLE.match(sentence.strip()):
                yield line, " ".join(sentence.split())[:90]


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield (first line, text) for each group of consecutive comment lines."""
    first, last, lines = 0, 0, [""]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, text = token.start[0], token.string.lstrip("#: ")
        if line != last + 1:
            yield first, " ".join(lines)
            first, lines = line, []
        lines.append(text)
        last = line
    yield first, " ".join(lines)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
