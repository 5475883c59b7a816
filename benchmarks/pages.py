"""Write the pages that show the figures: a section of README.md, one of docs/figures.md, and docs/speed.svg.

`texts` returns what each file must hold, so that a test can compare it with the committed one.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks import picture, table
from benchmarks.results import ModuleResult, load_results

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- speed: written by `make bench` from benchmarks/results.json -->", "<!-- end of speed -->"


def write(results: Sequence[ModuleResult]) -> None:
    """Write every page anew."""
    for name, text in texts(results).items():
        (ROOT / name).write_text(text, encoding="utf-8")


def texts(results: Sequence[ModuleResult]) -> dict[str, str]:
    """Return the text of each page by its path from the root; outside the markers it is as it stands now."""
    return {
        "README.md": _between_markers("README.md", _short_section(results)),
        "docs/figures.md": _between_markers("docs/figures.md", _whole_section(results)),
        "docs/speed.svg": picture.draw(table.all_figures(results)),
    }


def _short_section(results: Sequence[ModuleResult]) -> list[str]:
    """Return the README's lines: how many figures are reached, the picture, and the first figure of each module."""
    wanted = [figure for figure in table.all_figures(results) if figure.reach is not None]
    reached = sum(figure.is_reached for figure in wanted)
    unmeasured = [result.module for result in results if result.failed]
    verdict = f"{reached} of {len(wanted)} figures reach what the project wants"
    if unmeasured:
        verdict += f", and {', '.join(unmeasured)} {'is' if len(unmeasured) == 1 else 'are'} not measured"
    return [
        *_wrapped(
            f"{_where(results)} `make bench` repeats it. {verdict}: [all figures, and why some are short]"
            "(docs/figures.md#speed)."
        ),
        "",
        "![Bars: how many times as fast as each peer, and what the project wants](docs/speed.svg)",
        "",
        *table.markdown([result.figures[0] for result in results if result.figures]),
    ]


def _whole_section(results: Sequence[ModuleResult]) -> list[str]:
    """Return the lines of docs/figures.md: every figure, and a sentence for each that falls short."""
    lines = [*_wrapped(_where(results)), "", *table.markdown(table.all_figures(results))]
    sentences = [f"- {sentence}" for sentence in table.shortfalls(results)]
    return [*lines, "", *sentences] if sentences else lines


def _wrapped(paragraph: str) -> list[str]:
    return textwrap.wrap(paragraph, 118, break_long_words=False, break_on_hyphens=False)


def _where(results: Sequence[ModuleResult]) -> str:
    """Return the sentence that tells when and on what the figures were measured."""
    run = [result for result in results if result.figures]
    if not run:
        return "Nothing has been measured yet."
    cores = max(result.cores for result in run)
    days = sorted({result.date for result in run})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"Medians and spreads on {cores} shared cores, Python {run[0].python}, {when}; ours and the peer in turn,"
        " over the loopback interface."
    )


def _between_markers(name: str, lines: Sequence[str]) -> str:
    """Return the text of a page with these lines between its markers. Raises ValueError when it has no markers."""
    page = (ROOT / name).read_text(encoding="utf-8")
    section = "\n".join((BEGIN, "", *lines, "", END))
    text, count = re.subn(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: section, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{name} has {count} sections between {BEGIN} and {END}; it needs one")
    return text


if __name__ == "__main__":
    write(load_results())
