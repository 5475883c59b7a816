"""Reads a letter's html into a plain tree that knows its lines, without mending anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_NOT_READ = frozenset({"style", "script", "title", "head"})


@dataclass(slots=True, eq=False)
class Text:
    """A run of text as readers see it (entities resolved), and the line it begins on."""

    text: str
    parent: Element
    line: int


@dataclass(slots=True, eq=False)
class Element:
    """One element: `tag` and attribute names are lower case, an attribute without value is ""."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None
    line: int
    inside: list[Element | Text] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """The element's classes."""
        return self.attrs.get("class", "").split()

    def ancestors(self) -> Iterator[Element]:
        """Yield the element and everything around it, innermost first."""
        at: Element | None = self
        while at is not None:
            yield at
            at = at.parent

    def walk(self) -> Iterator[Element]:
        """Yield the element and everything in it, in reading order."""
        yield self
        for child in self.inside:
            if isinstance(child, Element):
                yield from child.walk()

    def texts(self) -> Iterator[Text]:
        """Yield every run of text in the element, in reading order."""
        for child in self.inside:
            if isinstance(child, Text):
                yield child
            else:
                yield from child.texts()

    @property
    def words(self) -> str:
        """The element's text, single spaced; an image counts as its alternative text."""
        return " ".join("".join(_said(self)).split())

    @property
    def where(self) -> str:
        """Where a person finds the element: line, tag and its first words."""
        words = self.words
        shown = f" “{words[:40]}{'…' if len(words) > 40 else ''}”" if words else ""
        return f"html line {self.line}, <{self.tag}>{shown}"


class LetterPage(HTMLParser):
    """A letter's html: `root` holds everything, `doctype` is what stands after "<!"."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, None, 1)
        self.doctype = ""
        self._at = self.root
        self.feed(html)
        self.close()

    @property
    def elements(self) -> Iterator[Element]:
        """Every element in reading order."""
        walk = self.root.walk()
        next(walk)
        return walk

    def all(self, *tags: str) -> list[Element]:
        """Return the elements of these tags in reading order."""
        return [element for element in self.elements if element.tag in tags]

    @property
    def sheets(self) -> list[tuple[Element, str]]:
        """Each style element and its rules, as written."""
        return [(element, "".join(t.text for t in element.texts())) for element in self.all("style")]

    @property
    def body_texts(self) -> list[Text]:
        """Every run of words that a mail program could show, hidden ones too."""
        return [
            text
            for text in self.root.texts()
            if text.text.strip() and not any(up.tag in _NOT_READ for up in text.parent.ancestors())
        ]

    def handle_decl(self, decl: str) -> None:
        """Remember the document type."""
        self.doctype = self.doctype or decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        made = Element(tag, {name: value or "" for name, value in attrs}, self._at, self.getpos()[0])
        self._at.inside.append(made)
        if tag not in _VOID:
            self._at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write an element that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost open element of this tag, and what was left open in it."""
        for element in self._at.ancestors():
            if element.tag == tag and element.parent is not None:
                self._at = element.parent
                return

    def handle_data(self, data: str) -> None:
        """Add text to the open element."""
        self._at.inside.append(Text(data, self._at, self.getpos()[0]))


def _said(element: Element) -> Iterator[str]:
    if element.tag in _NOT_READ:
        return
    if element.tag == "img":
        yield f" {element.attrs.get('alt', '')} "
    if element.tag == "br":
        yield " "
    for child in element.inside:
        if isinstance(child, Text):
            yield child.text
        else:
            yield from _said(child)
