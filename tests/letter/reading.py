"""Read a letter as a mail program does, with a parser that shares no code with the product."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """Read an html part: its `tags` in order, `links` as (href, text), `headings` as (level, text), `text`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[tuple[str, str]] = []
        self.headings: list[tuple[int, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "a":
            self.links.append((dict(attrs).get("href") or "", ""))
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.words.append(data)
        if "a" in self._open:
            href, text = self.links[-1]
            self.links[-1] = (href, text + data)
        if (self._open and self._open[-1] in ("h1", "h2", "h3", "h4")) or (
            "a" in self._open and self._open[-2][0] == "h"
        ):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    @property
    def text(self) -> str:
        """Return every word that a reader may see or hear, in order, single spaced."""
        return " ".join("".join(self.words).split())
