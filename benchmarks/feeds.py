"""Serve generated feeds from a process of its own, for the benchmark of gathering.

    python -m benchmarks.feeds FEEDS

Prints the port, and answers on every address of the loopback network: feed N is `http://127.0.0.N:PORT/N.xml`, half
of them RSS and half Atom, about 84 KB with 45 entries, one a week. `/round/R` moves to round R: 70 % of the feeds
answer 304 to a validator, 20 % send the same body whatever they are asked, and 10 % have one new entry a round.
"""

from __future__ import annotations

import asyncio
import html
import random
import sys
from datetime import UTC, datetime, timedelta

ENTRIES = 45
NEWEST = datetime(2026, 11, 27, 9, tzinfo=UTC)
_PROSE = (
    "the council and its partners met residents to plan a family hub that brings early help health visitors housing"
    " advice and debt support under a single roof after two years the service has fewer referrals shorter waits"
    " more volunteers and a budget that the cabinet agreed in spring every team shares data with consent learning"
    " what works from schools police charities libraries clinics and carers across the region where children older"
    " people and tenants said that trust matters most"
)
_PLACES = ("Leeds", "Cornwall", "Telford", "Gateshead", "Norwich", "Swansea", "Dundee", "Derry", "Croydon", "Kent")
_bodies: dict[tuple[int, int], bytes] = {}


def body(feed: int, arrivals: int) -> bytes:
    """Return feed number `feed` (from 1) after so many new entries, which push the oldest ones off its end."""
    entries = [(_atom if feed % 2 else _rss)(feed, number) for number in range(arrivals + ENTRIES, arrivals, -1)]
    if feed % 2:
        head = (
            '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
            f"<title>Journal {feed}</title><id>tag:feeds.example,2026:{feed}</id><updated>2026-11-27T09:00:00Z"
            f'</updated><link href="https://journal{feed}.example.org/"/>\n'
        )
        return (head + "\n".join(entries) + "\n</feed>\n").encode()
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Gazette {feed}</title><link>https://gazette{feed}.example.org/</link><description>News</description>\n"
    )
    return (head + "\n".join(entries) + "\n</channel></rss>\n").encode()


def entry_of(feed: int, number: int) -> tuple[str, str, datetime]:
    """Return the title, the HTML and the date of an entry; the same for the same numbers."""
    chance = random.Random(feed * 10_000 + number)
    title = f"{chance.choice(_PLACES)}: {' '.join(chance.choices(_PROSE.split(), k=6))} {number}"
    paragraphs = (" ".join(chance.choices(_PROSE.split(), k=48)) for _ in range(4))
    text = "".join(
        f'<p>{words}. <a href="/notes/{number}?utm_source=feed&amp;page={n}"><em>More</em> on it</a></p>'
        for n, words in enumerate(paragraphs)
    )
    return title, text, NEWEST - timedelta(weeks=ENTRIES - number, seconds=chance.randrange(6 * 24 * 3600))


def _rss(feed: int, number: int) -> str:
    title, text, date = entry_of(feed, number)
    link = f"https://gazette{feed}.example.org/{number}-{title.lower().replace(': ', '-').replace(' ', '-')}"
    return (
        f'<item><title>{title}</title><link>{link}</link><guid isPermaLink="false">gazette-{feed}-{number}</guid>'
        f"<dc:creator>The editors</dc:creator><pubDate>{date:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
        f"<category>Practice</category><content:encoded><![CDATA[{text}]]></content:encoded></item>"
    )


def _atom(feed: int, number: int) -> str:
    title, text, date = entry_of(feed, number)
    return (
        f"<entry><id>tag:feeds.example,2026:{feed}/{number}</id><title>{title}</title>"
        f'<link rel="alternate" href="https://journal{feed}.example.org/{number}"/><updated>{date:%Y-%m-%dT%H:%M:%SZ}'
        f'</updated><author><name>The editors</name></author><category term="Practice"/>'
        f'<content type="html">{html.escape(text)}</content></entry>'
    )


class _Answers(asyncio.Protocol):
    """Answer the requests of one connection; `round_` is shared by all connections."""

    round_ = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come in whole."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head))  # type: ignore[attr-defined]

    def _answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/round/"):
            _Answers.round_ = int(path.removeprefix("/round/"))
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        feed = int(path.strip("/").removesuffix(".xml"))
        kind = feed % 10
        key = (feed, self.round_ if kind == 0 else 0)
        if key not in _bodies:
            _bodies[key] = body(*key)
        etag = f'"{key[0]}-{key[1]}"'.encode()
        if kind > 2 and b"\r\nif-none-match: " + etag in head.lower():
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
        validator = b"ETag: " + etag + b"\r\n" if kind > 2 else b""
        answer = _bodies[key]
        size = str(len(answer)).encode()
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + validator + b"Content-Length: " + size
            + b"\r\n\r\n" + answer
        )  # fmt: skip


async def _serve(feeds: int) -> None:
    for feed in range(1, feeds + 1):
        _bodies[feed, 0] = body(feed, 0)
    server = await asyncio.get_running_loop().create_server(_Answers, "0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
