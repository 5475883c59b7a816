"""Compute the contrast of every run of text, as each kind of mail program would colour it.

The CSS cascade is followed for colours and sizes only: inline styles, then the rules of style elements that apply in
a scene. Outlook.com changes colours that no rule of ours overrides; that change is approximated.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from digest.letter.lint import css
from digest.letter.lint.finding import ERROR, WARNING, LintFinding
from digest.letter.lint.page import Element, LetterPage, Text

Colour = tuple[float, float, float]

ENOUGH, ENOUGH_LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3
SMALLEST = 14.0  # CSS pixels: our own rule, because WCAG names no least size
_WHITE, _BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
_NAMES = {
    "black": "#000000", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080", "white": "#ffffff",
    "maroon": "#800000", "red": "#ff0000", "purple": "#800080", "fuchsia": "#ff00ff", "green": "#008000",
    "lime": "#00ff00", "olive": "#808000", "yellow": "#ffff00", "navy": "#000080", "blue": "#0000ff",
    "teal": "#008080", "aqua": "#00ffff", "orange": "#ffa500",
}  # fmt: skip
_HEADINGS = {"h1": 32.0, "h2": 24.0, "h3": 18.72, "h4": 16.0, "h5": 13.28, "h6": 10.72}
_BOLD = {"h1", "h2", "h3", "h4", "h5", "h6", "th", "b", "strong"}
_WANTED = {"color", "background-color", "background", "font-size", "font-weight", "display"}
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark")
_OUTLOOK = re.compile(r"^(?:html|body)?\[data-ogs[cb]\]\s+")


class Scene(NamedTuple):
    """Describe a way in which mail programs show a letter: its name, the programs, and their default colours."""

    name: str
    client: str
    text: Colour = _BLACK
    back: Colour = _WHITE
    link: Colour = (0.0, 0.0, 0.93)


_NIGHT = {"text": _WHITE, "back": (0.07, 0.07, 0.07), "link": (0.62, 0.62, 1.0)}
SCENES = (
    Scene("light", ""),
    Scene("styles removed", "gmail with other accounts"),
    Scene("dark", "apple-mail, samsung-email, outlook apps", **_NIGHT),
    Scene("outlook dark", "outlook-com", **_NIGHT),
)


def check(page: LetterPage) -> Iterator[LintFinding]:
    """Yield text with too little contrast or size; for each rule and element, a finding for the first bad scene."""
    seen: set[tuple[str, str]] = set()
    for scene in SCENES:
        look = _Look(page, scene)
        for text in page.body_texts:
            for finding in _judge(text, look, scene):
                if (finding.rule, finding.where) not in seen:
                    seen.add((finding.rule, finding.where))
                    yield finding


def colour(value: str) -> Colour | None:
    """Return an opaque CSS colour as red, green and blue from 0 to 1; None for any other value."""
    value = _NAMES.get(value.strip().lower(), value.strip().lower())
    if match := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255
    if match := re.fullmatch(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+1(?:\.0*)?)?\s*\)", value):
        return min(int(match[1]) / 255, 1.0), min(int(match[2]) / 255, 1.0), min(int(match[3]) / 255, 1.0)
    return None


def ratio(front: Colour, back: Colour) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(front), _luminance(back)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(shade: Colour) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shade)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _judge(text: Text, look: _Look, scene: Scene) -> Iterator[LintFinding]:
    element = text.parent
    where = element.where
    unreadable, front, back = look.colours(element)
    if unreadable:
        yield LintFinding(
            WARNING, "contrast-unknown", where, "", f"the colour {unreadable!r} cannot be read", "write it as #rrggbb"
        )
        return
    contrast = ratio(front, back)
    if look.hidden(element):
        if contrast < 1.5 and scene.name == "light":
            problem = "hidden text has the colour of its background, which spam filters count against a letter"
            yield LintFinding(
                WARNING, "hidden-colour", where, "", problem, "hide it by display:none in an ordinary colour"
            )
        return
    size = look.size(element)
    large = size >= 24 or (size >= 18.66 and look.bold(element))
    needed = ENOUGH_LARGE if large else ENOUGH
    if contrast < needed:
        pair = f"{_hex(front)} on {_hex(back)}"
        problem = f"contrast {contrast:.1f} of {pair} in the scene “{scene.name}”, {needed} is needed"
        yield LintFinding(
            ERROR, "contrast", where, scene.client, problem, "darken one of the two colours or lighten the other"
        )
    if size < SMALLEST:
        problem = f"text of {size:g} px in the scene “{scene.name}”"
        yield LintFinding(ERROR, "text-size", where, scene.client, problem, f"make it {SMALLEST:g} px or more")


class _Look:
    """Compute the colours and sizes of a page's elements in one scene."""

    def __init__(self, page: LetterPage, scene: Scene) -> None:
        self._scene = scene
        self._rules = [] if scene.name == "styles removed" else list(_switched_on(page, scene))
        self._properties: dict[Element, dict[str, tuple[str, bool]]] = {}
        self._sizes: dict[Element, float] = {}

    def own(self, element: Element) -> dict[str, tuple[str, bool]]:
        """Return an element's own properties: each value, and whether a rule of a style element set it."""
        if element not in self._properties:
            self._properties[element] = self._cascade(element)
        return self._properties[element]

    def _cascade(self, element: Element) -> dict[str, tuple[str, bool]]:
        # (weight in the cascade, property, value, whether a rule of a style element sets it)
        settings: list[tuple[tuple[object, ...], str, str, bool]] = []
        if back := element.attrs.get("bgcolor"):
            settings.append(((False, False, (), -1), "background-color", back, False))
        for order, inline in enumerate(css.declarations(element.attrs.get("style", ""))):
            settings.append(((inline.important, True, (), order), inline.name, inline.value, False))
        for order, (steps, declarations) in enumerate(self._rules):
            if css.matches(element, steps):
                settings += [
                    ((ruled.important, False, css.specificity(steps), order), ruled.name, ruled.value, True)
                    for ruled in declarations
                ]
        properties: dict[str, tuple[str, bool]] = {}
        for _, name, value, by_rule in sorted(settings, key=lambda setting: setting[0]):
            if name in _WANTED:
                properties["background-color" if name == "background" else name] = (value, by_rule)
        return properties

    def colours(self, element: Element) -> tuple[str, Colour, Colour]:
        """Return ("", text colour, background colour); instead of "" a value that cannot be read as a colour."""
        front, back = self._scene.text, self._scene.back
        painted = inked = ""
        for up in element.ancestors():
            own = self.own(up)
            if not painted and own.get("background-color", ("transparent", False))[0] != "transparent":
                painted, back_ruled = own["background-color"]
                read = colour(painted.split()[0])
                if read is None:
                    return painted, front, back
                back = read if back_ruled else self._dimmed(read)
            if not inked and "color" in own and own["color"][0] != "inherit":
                inked, front_ruled = own["color"]
                read = colour(inked)
                if read is None:
                    return inked, front, back
                front = read if front_ruled else self._lit(read)
            if not inked and up.tag == "a" and "href" in up.attrs:
                inked, front = "link", self._scene.link
        return "", front, back

    def hidden(self, element: Element) -> bool:
        """Return whether an element is not shown."""
        return any(self.own(up).get("display", ("", False))[0] == "none" for up in element.ancestors())

    def size(self, element: Element) -> float:
        """Return the size of an element's text in CSS pixels."""
        if element not in self._sizes:
            around = self.size(element.parent) if element.parent else 16.0
            value = self.own(element).get("font-size", ("", False))[0]
            size = css.pixels(value, around) if value else _HEADINGS.get(element.tag, around)
            self._sizes[element] = around if size is None else size
        return self._sizes[element]

    def bold(self, element: Element) -> bool:
        """Return whether an element's text is bold."""
        for up in element.ancestors():
            weight = self.own(up).get("font-weight", ("", False))[0]
            if weight or up.tag in _BOLD:
                return weight in ("", "bold", "bolder") or (weight.isdigit() and int(weight) >= 700)
        return False

    def _lit(self, shade: Colour) -> Colour:
        return _with_lightness(shade, max) if self._scene.name == "outlook dark" else shade

    def _dimmed(self, shade: Colour) -> Colour:
        return _with_lightness(shade, min) if self._scene.name == "outlook dark" else shade


_Steps = tuple[css.Compound, ...]


def _switched_on(page: LetterPage, scene: Scene) -> Iterator[tuple[_Steps, tuple[css.Declaration, ...]]]:
    """Yield the rules of style elements that apply in a scene."""
    for _, sheet in page.sheets:
        for rule in css.rules(sheet):
            outlook = _OUTLOOK.match(rule.selector)
            dark = any(_DARK.search(at) for at in rule.at)
            if (outlook and scene.name != "outlook dark") or (dark and scene.name != "dark"):
                continue
            if rule.at and not dark:  # skipped, because rules for narrow screens and the like change no colour
                continue
            steps = css.compounds(rule.selector[outlook.end() :] if outlook else rule.selector)
            if steps:
                yield steps, rule.declarations


def _with_lightness(shade: Colour, choose: Callable[[float, float], float]) -> Colour:
    """Return a colour with the lightness that `choose` takes of its own and the opposite one."""
    hue, light, saturation = colorsys.rgb_to_hls(*shade)
    return colorsys.hls_to_rgb(hue, choose(light, 1 - light), saturation)


def _hex(shade: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in shade)
