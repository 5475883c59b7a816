"""Open pages as mail scanners and link previews do: each address of a letter, and what the answered pages lead to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import httpx2
from starlette.testclient import TestClient

BASE = "https://digest.example.org"
METHODS = ("GET", "HEAD", "OPTIONS")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36"
    " OneOutlook/1.2024 SafeLinks",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "curl/8.5.0",
)


@dataclass(frozen=True, order=True)
class Form:
    """A form of a page: the address that it posts to, and the fields that a reader who presses its button sends."""

    action: str
    fields: tuple[tuple[str, str], ...]
    asks_address: bool


@dataclass
class _Found(HTMLParser):
    """Collect the addresses and the forms of a page."""

    page: str
    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    _form: dict[str, str] | None = None
    _fields: list[tuple[str, str]] = field(default_factory=list)
    _asks: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "src", "action", "formaction") if name in given]
        if tag == "form":
            self._form, self._fields, self._asks = given, [], False
        elif self._form is not None and tag in ("input", "button", "select", "textarea"):
            self._take(tag, given)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        """Take a field as a reader sends it who changes nothing; of choices without any chosen, the first."""
        name, kind = given.get("name", ""), given.get("type", "")
        self._asks = self._asks or kind == "email"
        names = [key for key, _ in self._fields]
        chosen = kind not in ("checkbox", "radio") or "checked" in given or (kind == "radio" and name not in names)
        if kind == "radio" and "checked" in given:
            self._fields = [pair for pair in self._fields if pair[0] != name]
        if name and chosen and (tag != "button" or name not in names):
            self._fields.append((name, given.get("value", "on" if kind == "checkbox" else "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            if self._form.get("method", "get").lower() == "post":
                action = urljoin(self.page, self._form.get("action") or self.page)
                self.forms.append(Form(action, tuple(self._fields), self._asks))
            self._form = None


def forms_of(page: str, answer: httpx2.Response) -> list[Form]:
    """Return the forms of an answered page that post."""
    found = _Found(page)
    found.feed(answer.text)
    return found.forms


def addresses_of(letter: Path) -> set[str]:
    """Return every address of this site in a letter: in its headers, its text and its html."""
    message = BytesParser(policy=policy.default).parsebytes(letter.read_bytes())
    texts = [str(value) for value in message.values()]
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None, f"the letter has no {kind} part"
        texts.append(unescape(part.get_content()))
    return set(re.findall(rf"{re.escape(BASE)}[^\s\"'<>()]*", " ".join(texts)))


def scanned(client: TestClient, addresses: Iterable[str], *, deep: int, thorough: bool) -> dict[str, httpx2.Response]:
    """Open addresses, and `deep` levels of what they lead to within the site; return {address: answer to the GET}.

    Each address with all methods, twice, by every agent; without `thorough`, those below the first level once.
    """
    answers: dict[str, httpx2.Response] = {}
    level = {urldefrag(address).url for address in addresses}
    for depth in range(deep + 1):
        for address in sorted(level):
            answers[address] = _opened(client, address, often=thorough or not depth)
        level = {link for address in level for link in _links_of(address, answers[address])} - set(answers)
    return answers


def _opened(client: TestClient, address: str, *, often: bool) -> httpx2.Response:
    """Open an address by each method and return the answer to the GET; each must be the same every time."""
    codes: dict[str, set[int]] = {}
    for agent in AGENTS if often else AGENTS[:1]:
        for method in METHODS * (2 if often else 1):
            answer = client.request(method, address, headers={"User-Agent": agent}, follow_redirects=False)
            assert answer.status_code < 500, (method, address, answer.text)
            assert "set-cookie" not in answer.headers, (method, address)
            codes.setdefault(method, set()).add(answer.status_code)
            if method == "GET":
                got = answer
    assert len(codes["GET"]) == 1 and codes["HEAD"] == codes["GET"], (address, codes)
    return got


def _links_of(address: str, answer: httpx2.Response) -> Iterator[str]:
    """Yield the addresses within the site to which an answer leads; those of forms too."""
    page = _Found(address)
    if "html" in answer.headers.get("content-type", ""):
        page.feed(answer.text)
    elif "location" not in answer.headers:  # a feed, a sitemap, JSON
        page.links += re.findall(rf"{re.escape(BASE)}[^\s\"'<>()\\]*", unescape(answer.text))
    for link in (*page.links, answer.headers.get("location", address)):
        absolute = urldefrag(urljoin(address, link)).url
        if absolute == BASE or absolute.startswith(f"{BASE}/"):
            yield absolute
