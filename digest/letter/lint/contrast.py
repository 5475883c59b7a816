"""Computes the contrast of every run of text, as each kind of mail program would colour it.

The cascade is followed for colours and sizes alone: inline styles, then the rules of kept style elements
that a scene switches on. What Outlook.com does to colours that no rule of ours overrides is approximated.
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
SMALLEST = 14.0  # CSS pixels
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
    """One way a letter is shown: the readers it stands for, and the colours where nothing is said."""

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
    """Yield text of too little contrast or size in any scene; one finding for a place's first bad scene."""
    seen: set[tuple[str, str]] = set()
    for scene in SCENES:
        look = _Look(page, scene)
        for text in page.body_texts:
            for finding in _judge(text, look, scene):
                if (finding.rule, finding.where) not in seen:
                    seen.add((finding.rule, finding.where))
                    yield finding


def colour(value: str) -> Colour | None:
    """Return a CSS colour as red, green and blue from 0 to 1, an opaque one only; None when it is another value."""
    value = _NAMES.get(value.strip().lower(), value.strip().lower())
    if match := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255
    if match := re.fullmatch(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+1(?:\.0*)?)?\s*\)", value):
        return min(int(match[1]) / 255, 1.0), min(int(match[2]) / 255, 1.0), min(int(match[3]) / 255, 1.0)
    return None


def ratio(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(of: Colour) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in of)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _judge(text: Text, look: _Look, scene: Scene) -> Iterator[LintFinding]:
    element = text.parent
    where = element.where
    unread, front, back = look.colours(element)
    if unread:
        yield LintFinding(
            WARNING, "contrast-unknown", where, "", f"the colour {unread!r} cannot be read", "write it as #rrggbb"
        )
        return
    shown = ratio(front, back)
    if look.hidden(element):
        if shown < 1.5 and scene.name == "light":
            problem = "hidden text has the colour of its background, which spam filters count against a letter"
            yield LintFinding(
                WARNING, "hidden-colour", where, "", problem, "hide it by display:none in an ordinary colour"
            )
        return
    size = look.size(element)
    large = size >= 24 or (size >= 18.66 and look.bold(element))
    needed = ENOUGH_LARGE if large else ENOUGH
    if shown < needed:
        problem = (
            f"contrast {shown:.1f} of {_hex(front)} on {_hex(back)} in the scene “{scene.name}”, {needed} is needed"
        )
        yield LintFinding(
            ERROR, "contrast", where, scene.client, problem, "darken one of the two colours or lighten the other"
        )
    if size < SMALLEST:
        problem = f"text of {size:g} px in the scene “{scene.name}”"
        yield LintFinding(ERROR, "text-size", where, scene.client, problem, f"make it {SMALLEST:g} px or more")


class _Look:
    """The colours and sizes of a page's elements in one scene."""

    def __init__(self, page: LetterPage, scene: Scene) -> None:
        self._scene = scene
        self._rules = [] if scene.name == "styles removed" else list(_switched_on(page, scene))
        self._known: dict[Element, dict[str, tuple[str, bool]]] = {}

    def own(self, element: Element) -> dict[str, tuple[str, bool]]:
        """Return the wanted properties said of an element itself: value, and whether a rule overrode it."""
        if element not in self._known:
            self._known[element] = self._cascade(element)
        return self._known[element]

    def _cascade(self, element: Element) -> dict[str, tuple[str, bool]]:
        said: list[tuple[tuple[object, ...], str, str, bool]] = []
        if back := element.attrs.get("bgcolor"):
            said.append(((False, False, (), -1), "background-color", back, False))
        for order, one in enumerate(css.declarations(element.attrs.get("style", ""))):
            said.append(((one.important, True, (), order), one.name, one.value, False))
        for order, (steps, declared) in enumerate(self._rules):
            if css.matches(element, steps):
                said += [
                    ((one.important, False, css.specificity(steps), order), one.name, one.value, True)
                    for one in declared
                ]
        found: dict[str, tuple[str, bool]] = {}
        for _, name, value, ruled in sorted(said, key=lambda one: one[0]):
            if name in _WANTED:
                found["background-color" if name == "background" else name] = (value, ruled)
        return found

    def colours(self, element: Element) -> tuple[str, Colour, Colour]:
        """Return ("", text, background), or a value that cannot be read as a colour and two stand-ins."""
        front, back = self._scene.text, self._scene.back
        painted = spoken = ""
        for up in element.ancestors():
            own = self.own(up)
            if not painted and own.get("background-color", ("transparent", False))[0] != "transparent":
                painted, back_ruled = own["background-color"]
                read = colour(painted.split()[0])
                if read is None:
                    return painted, front, back
                back = read if back_ruled else self._dimmed(read)
            if not spoken and "color" in own and own["color"][0] != "inherit":
                spoken, front_ruled = own["color"]
                read = colour(spoken)
                if read is None:
                    return spoken, front, back
                front = read if front_ruled else self._lit(read)
            if not spoken and up.tag == "a" and "href" in up.attrs:
                spoken, front = "link", self._scene.link
        return "", front, back

    def hidden(self, element: Element) -> bool:
        """Return whether an element is not shown."""
        return any(self.own(up).get("display", ("", False))[0] == "none" for up in element.ancestors())

    def size(self, element: Element) -> float:
        """Return the size of an element's text in CSS pixels."""
        around = self.size(element.parent) if element.parent else 16.0
        said = self.own(element).get("font-size", ("", False))[0]
        read = css.pixels(said, around) if said else _HEADINGS.get(element.tag, around)
        return around if read is None else read

    def bold(self, element: Element) -> bool:
        """Return whether an element's text is bold."""
        for up in element.ancestors():
            weight = self.own(up).get("font-weight", ("", False))[0]
            if weight or up.tag in _BOLD:
                return weight in ("", "bold", "bolder") or (weight.isdigit() and int(weight) >= 700)
        return False

    def _lit(self, of: Colour) -> Colour:
        return _with_lightness(of, max) if self._scene.name == "outlook dark" else of

    def _dimmed(self, of: Colour) -> Colour:
        return _with_lightness(of, min) if self._scene.name == "outlook dark" else of


_Steps = tuple[css.Compound, ...]


def _switched_on(page: LetterPage, scene: Scene) -> Iterator[tuple[_Steps, tuple[css.Declaration, ...]]]:
    """Yield the rules of kept style elements that hold in a scene."""
    for _, sheet in page.sheets:
        for rule in css.rules(sheet):
            outlook = _OUTLOOK.match(rule.selector)
            dark = any(_DARK.search(at) for at in rule.at)
            if (outlook and scene.name != "outlook dark") or (dark and scene.name != "dark"):
                continue
            if rule.at and not dark:  # narrow screens and the like change no colour
                continue
            steps = css.compounds(rule.selector[outlook.end() :] if outlook else rule.selector)
            if steps:
                yield steps, rule.declarations


def _with_lightness(of: Colour, choose: Callable[[float, float], float]) -> Colour:
    hue, light, saturation = colorsys.rgb_to_hls(*of)
    return colorsys.hls_to_rgb(hue, choose(light, 1 - light), saturation)


def _hex(of: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in of)
