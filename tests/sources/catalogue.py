"""The whole catalogue of hostile sources, by group, each as what a web server says (or an address to refuse)."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.counts import rows_of
from tests.sources import hostile, test_links
from tests.sources.formats import test_titles
from tests.sources.web import test_fetch_meaning, test_fetch_transport, test_guard
from tests.sources.webserver import Script, answer, redirect

Case = Script | bytes | str  # a str is an address by itself


def every(scale: float = 1.0) -> dict[str, list[Case]]:
    """Groups A to D, F, G and I: what `make test` goes through one by one. `scale` shrinks the XML floods."""
    answers = rows_of(test_fetch_transport.test_a_hostile_answer_ends_with_a_reason)
    targets = rows_of(test_fetch_transport.test_a_redirect_goes_nowhere_it_should_not)
    titles = rows_of(test_titles.test_a_title_is_one_line_of_plain_text)
    refusals = rows_of(test_fetch_meaning.test_a_refusal_has_a_reason_and_a_cure)
    moves = rows_of(test_fetch_meaning.test_only_permanent_redirects_in_a_row_move_a_source)
    page = b"<html>challenge</html>"
    return {
        "A": [*(script() for script, _ in answers), *(redirect(to.format(denied=9)) for to, _ in targets)],
        "B": list(test_guard.SPELLINGS),
        "C": [answer(body) for body in hostile.xml_tricks("/nowhere", 9, scale=scale).values()],
        "D": [answer(body, kind=_header(kind)) for body, kind in hostile.encodings().values()],
        "F": [answer(_item(link=raw)) for raw in test_links.REFUSED],
        "G": [answer(_item(title=raw)) for raw, _ in titles],
        "I": [
            *(answer(page, status=status, kind="text/html") for status, _ in refusals),
            *(redirect("/elsewhere", statuses[0]) for statuses, _ in moves),
        ],
    }


def _header(kind: str) -> str:
    return kind.replace("\0", "").encode("latin-1", "replace").decode("latin-1")


def _item(title: str = "Good", link: str = "https://x.example/1") -> bytes:
    tame = "".join(c if c >= " " or c in "\t\r\n" else f"&#{ord(c)};" for c in escape(f"{title}\0{link}"))
    title, _, link = tame.encode("utf-8", "replace").decode().partition("&#0;")
    return hostile.rss(f"<item><guid>g1</guid><title>{title}</title><link>{link}</link></item>")
