"""An independent judge of markup: two parsers look for anything that could act, load or submit."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from lxml import html as lxml_html

HARMLESS_NAMES = """
    a address article aside b blockquote br center code dd del details div dl dt em figcaption figure footer
    h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark ol p pre q s section small strong sub summary sup table
    tbody td tfoot th thead tr u ul
"""
HARMLESS_TAGS = frozenset(HARMLESS_NAMES.split())
HARMLESS_ATTRIBUTES = frozenset({"href", "lang", "dir", "start", "colspan", "rowspan"})
_LINK = re.compile(r"https?://[a-z0-9_.\[\]:-]+(:\d+)?/[!-~]*")


class _Judge(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.faults += judge(tag, dict(attrs))

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:30]!r}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl[:30]!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data[:30]!r}")


def judge(tag: str, attributes: dict[str, str | None]) -> list[str]:
    """What is wrong with one element."""
    faults = [] if tag in HARMLESS_TAGS else [f"element {tag}"]
    for name, value in attributes.items():
        if name not in HARMLESS_ATTRIBUTES:
            faults.append(f"attribute {tag}.{name}")
        elif name == "href" and not _LINK.fullmatch(value or ""):
            faults.append(f"address {value!r}")
    return faults


def faults_in(html: str) -> list[str]:
    """Everything active, foreign or deceptive in `html`, as two parsers see it."""
    parser = _Judge()
    parser.feed(html)
    parser.close()
    faults = parser.faults
    if html.strip():
        for part in lxml_html.fragments_fromstring(html):
            if isinstance(part, str):
                continue
            for element in part.iter():
                tag = element.tag if isinstance(element.tag, str) else "comment"
                faults += judge(tag, dict(element.attrib))
    return faults
