"""The ways in which a letter is looked at, and a headless Chromium that looks.

Chromium is Debian's (or any other that is found); the axe-core script comes from npm. Nothing is downloaded.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

HERE = Path(__file__).parent
REQUIRED = os.environ.get("DIGEST_REQUIRE_BROWSER") == "1"
MISSING = "a part of the letter checks is missing; `make browser` installs it, or says how"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# What stands for any picture that a letter names.
_SIZE = "width='480' height='270'"
_DRAWN = f"<svg xmlns='http://www.w3.org/2000/svg' {_SIZE}><rect {_SIZE} fill='#789'/></svg>"


class Scene(NamedTuple):
    """One way to look at a letter: `change` is a script run in the page before anything is judged."""

    name: str
    width: int
    scheme: Literal["light", "dark"] = "light"
    change: str = ""
    forced: bool = False


# A mail program that drops every style element, and with it all classes' meaning.
_NO_STYLES = "document.querySelectorAll('style').forEach(one => one.remove())"
_NO_IMAGES = "document.querySelectorAll('img').forEach(one => one.removeAttribute('src'))"
# Outlook.com in the dark: it marks what it has recoloured, and recolours what no rule of ours names. Here only the
# marks are set, around everything, so that our own rules must do the whole work.
_OUTLOOK = (
    "document.documentElement.setAttribute('data-ogsc', ''); document.documentElement.setAttribute('data-ogsb', '')"
)
# A program that inverts a letter whatever its own dark rules say, as Gmail's apps do.
_NO_DARK_RULES = """
document.querySelectorAll('meta[name=color-scheme], meta[name=supported-color-schemes]').forEach(one => one.remove());
for (const sheet of document.styleSheets)
    for (let at = sheet.cssRules.length - 1; at >= 0; at--)
        if (/prefers-color-scheme|^:root/.test(sheet.cssRules[at].cssText)) sheet.deleteRule(at);
"""
SCENES = (
    Scene("light, 640", 640),
    Scene("light, 375", 375),
    Scene("light, 320", 320),
    Scene("dark, 640", 640, "dark"),
    Scene("dark, 320", 320, "dark"),
    Scene("styles removed", 640, change=_NO_STYLES),
    Scene("styles removed, 320", 320, change=_NO_STYLES),
    Scene("images off", 640, change=_NO_IMAGES),
    Scene("Outlook.com dark", 640, change=_OUTLOOK),
    Scene("forced inversion", 640, change=_NO_DARK_RULES, forced=True),
)


def chromium() -> str | None:
    """Return the path of a Chromium: $CHROMIUM, else the first one on the path."""
    named = os.environ.get("CHROMIUM")
    return next((path for name in (named, *_CHROMIUMS) if name and (path := shutil.which(name))), None)


def npm(path: str) -> Path | None:
    """Return a file of an npm package that `make browser` installs here, or None."""
    found = HERE / "node_modules" / path
    return found if found.exists() else None


def node(lacking: Callable[[str], None]) -> Path:
    """Return the Node that playwright brings: the system's may be too old for what npm brings."""
    found = find_spec("playwright")
    if not found or not found.origin:
        lacking("no playwright")
    assert found and found.origin
    return Path(found.origin).parent / "driver" / "node"


@cache
def axe() -> str:
    """Return the axe-core script."""
    found = npm("axe-core/axe.min.js")
    assert found, MISSING
    return found.read_text(encoding="utf-8")


@contextmanager
def looking() -> Iterator[Callable[[Scene], Any]]:
    """Yield a function that gives the page of a scene: load a letter into it with `show`."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    assert path, MISSING
    with sync_playwright() as play:
        browsers: dict[bool, Any] = {}
        pages: dict[Scene, Any] = {}

        def page_of(scene: Scene) -> Any:
            if scene.forced not in browsers:
                # Root, as in CI, may not use Chromium's sandbox.
                arguments = ["--no-sandbox", "--force-color-profile=srgb", "--font-render-hinting=none"]
                if scene.forced:
                    arguments.append("--blink-settings=forceDarkModeEnabled=true")
                browsers[scene.forced] = play.chromium.launch(executable_path=path, args=arguments)
            if scene not in pages:
                context = browsers[scene.forced].new_context(
                    viewport={"width": scene.width, "height": 900},
                    color_scheme=scene.scheme,
                    device_scale_factor=2 if scene.forced else 1,
                )
                # Nothing leaves the machine: every picture is a small one of our own, everything else is refused.
                context.route("**/*", _answer)
                pages[scene] = context.new_page()
            return pages[scene]

        yield page_of
        for browser in browsers.values():
            browser.close()


def _answer(route: Any) -> None:
    if route.request.resource_type == "image":
        route.fulfill(body=_DRAWN, content_type="image/svg+xml")
    else:
        route.abort()


def show(page: Any, html: str, scene: Scene) -> None:
    """Show a letter in a page as the scene wants it."""
    page.set_content(html, wait_until="load")
    if scene.change:
        page.evaluate(scene.change)


def violations(page: Any) -> list[str]:
    """Return what axe-core finds on the page by WCAG 2.2 AA and best practice, one line each."""
    page.wait_for_load_state()
    page.evaluate(axe())
    found = page.evaluate(
        """() => axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values:
        ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}})
        .then(all => all.violations.map(v => [v.id, v.help, v.nodes.length, v.nodes[0].html.slice(0, 200)]))"""
    )
    return [f"{rule}: {text} ({count} times, first {html})" for rule, text, count, html in found]


def layout(page: Any) -> list[str]:
    """Return what does not fit the window, and text under 14 px, one line each."""
    page.wait_for_load_state()
    found: list[str] = page.evaluate(
        """() => {
        const faults = [], root = document.documentElement;
        const over = Math.max(root.scrollWidth, document.body.scrollWidth) - window.innerWidth;
        if (over > 0) faults.push(`scrolls ${over} px sideways`);
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node; (node = walk.nextNode());) {
            const box = node.parentElement, size = parseFloat(getComputedStyle(box).fontSize);
            if (node.data.trim() && box.getClientRects().length && size < 14 && !/^\\s*$/.test(node.data))
                faults.push(`${size} px: ${node.data.trim().slice(0, 60)}`);
        }
        return faults;
        }"""
    )
    return found


def sampled_contrast(page: Any) -> list[str]:
    """Return blocks of text whose lightest and darkest points differ too little, by the picture itself.

    For what a browser does to colours after all style rules, which no script can ask for.
    """
    shot = base64.b64encode(page.screenshot(full_page=True)).decode("ascii")
    found: list[str] = page.evaluate(
        """async shot => {
        const image = new Image(); image.src = 'data:image/png;base64,' + shot; await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext('2d');
        pen.drawImage(image, 0, 0);
        const part = Array.from({length: 256}, (_, c) =>
            (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const faults = [], scale = image.width / window.innerWidth;
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node; (node = walk.nextNode());) {
            if (!/\\w/.test(node.data)) continue;
            const range = document.createRange(); range.selectNodeContents(node);
            const box = range.getClientRects()[0];
            if (!box || box.width < 8 || box.height < 8) continue;
            const [x, y] = [(box.x + scrollX) * scale, (box.y + scrollY) * scale].map(Math.round);
            const [w, h] = [box.width * scale, box.height * scale].map(Math.floor);
            const points = pen.getImageData(x, y, w, h).data;
            let low = 1, high = 0;
            for (let at = 0; at < points.length; at += 4) {
                const light = 0.2126 * part[points[at]]
                    + 0.7152 * part[points[at + 1]] + 0.0722 * part[points[at + 2]];
                low = Math.min(low, light); high = Math.max(high, light);
            }
            const ratio = (high + 0.05) / (low + 0.05);
            if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(1)}: ${node.data.trim().slice(0, 60)}`);
        }
        return faults;
        }""",
        shot,
    )
    return found


def corner(page: Any) -> list[int]:
    """Return red, green and blue of the first point of the page's picture."""
    shot = base64.b64encode(page.screenshot()).decode("ascii")
    found: list[int] = page.evaluate(
        """async shot => {
        const image = new Image(); image.src = 'data:image/png;base64,' + shot; await image.decode();
        const pen = new OffscreenCanvas(1, 1).getContext('2d');
        pen.drawImage(image, 0, 0);
        return Array.from(pen.getImageData(0, 0, 1, 1).data).slice(0, 3);
        }""",
        shot,
    )
    return found
