"""Read a letter's html into a plain tree of elements with their lines, without mending anything.

A page does not change once it is read, so what is computed from it is remembered: the lint asks for the same words
and elements thousands of times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

from subscribers.characters import cut_anywhere

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_NOT_SHOWN = frozenset({"style", "script", "title", "head"})


@dataclass(slots=True, eq=False)
class Text:
    """Hold a run of text as readers see it (entities resolved), its element, and the line on which it begins."""

    text: str
    parent: Element
    line: int


@dataclass(eq=False)
class Element:
    """Hold an element: `tag` and the names of `attrs` are lower case; an attribute without value is ""."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None
    line: int
    inside: list[Element | Text] = field(default_factory=list)

    @cached_property
    def classes(self) -> list[str]:
        """Return the element's classes."""
        return self.attrs.get("class", "").split()

    def ancestors(self) -> Iterator[Element]:
        """Yield the element and every element around it, innermost first."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent

    def walk(self) -> Iterator[Element]:
        """Yield the element and every element inside it, in reading order."""
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

    @cached_property
    def words(self) -> str:
        """Return the element's text, single spaced; an image counts as its alternative text."""
        return " ".join(self._shown.split())

    @cached_property
    def where(self) -> str:
        """Return the line, the tag and the first words of the element, by which a person finds it."""
        words = self.words
        shown = f" “{cut_anywhere(words, 41)}”" if words else ""
        return f"html line {self.line}, <{self.tag}>{shown}"

    @cached_property
    def _shown(self) -> str:
        """Return the element's text as it stands, built from its children's."""
        if self.tag in _NOT_SHOWN:
            return ""
        if self.tag == "img":
            return f" {self.attrs.get('alt', '')} "
        if self.tag == "br":
            return " "
        return "".join(child.text if isinstance(child, Text) else child._shown for child in self.inside)


class LetterPage(HTMLParser):
    """Hold a letter's html: `root` has everything inside it, `doctype` is the text after "<!"."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, None, 1)
        self.doctype = ""
        self._open = self.root
        self.feed(html)
        self.close()

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """Return every element in reading order."""
        return tuple(self.root.walk())[1:]

    def all(self, *tags: str) -> list[Element]:
        """Return the elements with one of these tags in reading order."""
        return [element for element in self.elements if element.tag in tags]

    @cached_property
    def sheets(self) -> list[tuple[Element, str]]:
        """Return each style element and its rules, as written."""
        return [(element, "".join(t.text for t in element.texts())) for element in self.all("style")]

    @cached_property
    def body_texts(self) -> list[Text]:
        """Return every run of words that a mail program could show, hidden ones too."""
        return [
            text
            for text in self.root.texts()
            if text.text.strip() and not any(up.tag in _NOT_SHOWN for up in text.parent.ancestors())
        ]

    def handle_decl(self, decl: str) -> None:
        """Remember the document type."""
        self.doctype = self.doctype or decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open, self.getpos()[0])
        self._open.inside.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element and close it at once."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost open element with this tag, and every element that was left open in it."""
        for element in self._open.ancestors():
            if element.tag == tag and element.parent is not None:
                self._open = element.parent
                return

    def handle_data(self, data: str) -> None:
        """Add text to the open element."""
        self._open.inside.append(Text(data, self._open, self.getpos()[0]))
