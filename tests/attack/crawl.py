"""Find every address of a running site that takes something: pages with a query, and forms, with sample values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import httpx2

_SAMPLES = {"email": "canary@example.org", "date": "2027-01-31", "url": "https://example.org/a", "number": "1"}
_MOST = 400  # pages


@dataclass(frozen=True)
class Target:
    """An address with its query, or a form: `data` is what its POST sends, "" for a GET."""

    url: str
    data: str = ""


@dataclass
class _Page(HTMLParser):
    """Collects the links of a page, and its forms as (method, action, fields)."""

    address: str
    links: list[str] = field(default_factory=list)
    forms: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, a form or a field."""
        given = {name: value or "" for name, value in attrs}
        if tag in ("a", "iframe", "link"):
            self.links.append(urljoin(self.address, given.get("href") or given.get("src") or ""))
        elif tag == "form":
            self.forms.append(
                (given.get("method", "get").lower(), urljoin(self.address, given.get("action", "")), {})
            )
        elif self.forms and given.get("name"):
            fields = self.forms[-1][2]
            fields[given["name"]] = given.get("value") or _SAMPLES.get(given.get("type", ""), "text")


def targets(client: httpx2.Client, begin: Iterable[str]) -> list[Target]:
    """Return what the site of `begin` takes, by following all its links and forms that only ask.

    Addresses that differ in numbers alone count once, because the same code answers them.
    """
    todo, seen, found_targets = list(begin), set[str](), dict[str, Target]()
    host = urlsplit(todo[0]).netloc
    while todo and len(seen) < _MOST:
        url = urldefrag(todo.pop()).url
        if urlsplit(url).netloc != host or _shape(url) in seen:
            continue
        seen.add(_shape(url))
        answer = client.get(url)
        if urlsplit(url).query:
            found_targets.setdefault(_shape(url), Target(url))
        if "html" not in answer.headers.get("content-type", ""):
            continue
        page = _Page(str(answer.url))
        page.feed(answer.text)
        todo += page.links
        for method, action, fields in page.forms:
            target = (
                Target(action, urlencode(fields)) if method == "post" else Target(f"{action}?{urlencode(fields)}")
            )
            found_targets.setdefault(f"{method} {_shape(action)} {sorted(fields)}", target)
            todo += [target.url] if method == "get" else []
    return list(found_targets.values())


def _shape(url: str) -> str:
    parts = urlsplit(url)
    path = "/".join("#" if step.isdecimal() else step for step in parts.path.split("/"))
    names = sorted(pair.partition("=")[0] for pair in parts.query.split("&"))
    return f"{path}?{'&'.join(names)}"
