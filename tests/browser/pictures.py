"""Draws the letters: `python -m tests.browser.pictures [OUT]`, which `make letters` runs.

OUT (default letters/) gets a picture of every letter in every scene, index.html to look through them,
contact-sheet.png of a few, and letter.png, one letter in the light and in the dark. The last two are copied
to docs/ with --docs.
"""

from __future__ import annotations

import base64
import html
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.browser import letters, scenes
from tests.browser.letters import Sample
from tests.browser.scenes import SCENES, Scene

READERS, OF_REAL_FEEDS, ON_SHEET = 30, 6, 4
_DOCS = Path(__file__).parents[2] / "docs"
_FEEDS = Path(__file__).parents[3] / "shared" / "data" / "feeds"
_PLAIN = Scene("a page of ours", 1320)
_SHEET = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Letters</title><style>
body {{ font: 13px/1.4 sans-serif; margin: 12px; background: #fff; color: #222 }}
table {{ border-collapse: collapse }} th {{ text-align: left; font-weight: normal; padding: 4px }}
td {{ padding: 4px; vertical-align: top }} td div {{ height: {height}px; overflow: hidden; border: 1px solid #bbb }}
img {{ width: {width}px; display: block }}
</style><table><tr><th></th>{heads}</tr>{rows}</table></html>"""


def main(arguments: list[str]) -> int:
    """Draw everything; return the exit code."""
    out = Path(next((a for a in arguments if not a.startswith("--")), "letters"))
    if not scenes.chromium() or not find_spec("playwright"):
        print(scenes.MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        shown = letters.demo(Path(folder) / "demo", READERS)
        if _FEEDS.is_dir():
            shown += letters.real(Path(folder) / "real", _FEEDS, OF_REAL_FEEDS)
    with scenes.looking() as page_of:
        rows = [(one, _draw(one, out / one.name, page_of)) for one in shown]
        _write_sheet(out / "index.html", rows, 200, 320, lambda picture: str(picture.relative_to(out)))
        few = [rows[round(n * (READERS - 1) / (ON_SHEET - 1))] for n in range(ON_SHEET)]
        sheet = out / "contact-sheet.html"
        _write_sheet(sheet, few, 112, 190, _inside)
        _picture_of(sheet.read_text(encoding="utf-8"), out / "contact-sheet.png", page_of)
        _picture_of(_side_by_side(rows[READERS // 2][1]), out / "letter.png", page_of)
    if "--docs" in arguments:
        for name in ("letter.png", "contact-sheet.png"):
            shutil.copyfile(out / name, _DOCS / name)
    print(f"{len(shown)} letters in {len(SCENES)} scenes: open {out / 'index.html'}")
    return 0


def _draw(letter: Sample, folder: Path, page_of: Callable[[Scene], Any]) -> list[Path]:
    """Write the picture of a letter in every scene; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for scene in SCENES:
        page = page_of(scene)
        scenes.show(page, letter.html, scene)
        drawn.append(folder / f"{scene.name.replace(', ', '-').replace(' ', '-')}.png")
        page.screenshot(path=drawn[-1], full_page=True)
    return drawn


def _write_sheet(
    path: Path, rows: list[tuple[Sample, list[Path]]], width: int, height: int, source: Callable[[Path], str]
) -> None:
    heads = "".join(f"<th>{scene.name}</th>" for scene in SCENES)
    body = "".join(
        f"<tr><th>{html.escape(letter.name)}</th>"
        + "".join(f'<td><div><a href="{source(p)}"><img src="{source(p)}" alt=""></a></div></td>' for p in pictures)
        + "</tr>"
        for letter, pictures in rows
    )
    path.write_text(_SHEET.format(heads=heads, rows=body, width=width, height=height), encoding="utf-8")


def _side_by_side(pictures: list[Path]) -> str:
    light = pictures[[scene.name for scene in SCENES].index("light, 640")]
    dark = pictures[[scene.name for scene in SCENES].index("dark, 640")]
    both = "".join(
        f'<div style="float:left;width:640px;height:1080px;overflow:hidden;margin:0 10px">'
        f'<img src="{_inside(picture)}" alt=""></div>'
        for picture in (light, dark)
    )
    return f'<!DOCTYPE html><title>A letter</title><body style="margin:0;width:1320px">{both}<br style="clear:both">'


def _picture_of(page_html: str, path: Path, page_of: Callable[[Scene], Any]) -> None:
    page = page_of(_PLAIN)
    scenes.show(page, page_html, _PLAIN)
    page.screenshot(path=path, full_page=True)


def _inside(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
