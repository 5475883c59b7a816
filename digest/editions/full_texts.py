"""Read the pages that new entries link to, and classify those entries again by their whole texts.

Done inside a gather, after its entries are stored and before an edition is drafted, so that the draft already has the
facets. The number of pages and the time for all of them are limited, and a page that cannot be read changes nothing
of its entry, so that no page can hold up a run or a letter.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from digest.editions.classified import careful_classifier, with_whole_text
from digest.editions.pages import ANSWERED, NO_MORE, SILENT, Page, Progress, ask_in_turn, page_of
from digest.errors import SourceError, TryLater, counted
from digest.facets.entry_text import plain
from digest.installation import Installation
from digest.model import Facets, Sighting, Source
from digest.sources.sandbox.child import UnreadablePage, extract_limited
from digest.sources.web import robots
from digest.sources.web.fetch import Fetcher, Limits
from digest.sources.web.robots import NotForPrograms, Robots
from digest.store import entries, entry_texts
from digest.store import robots as stored_robots
from digest.store.engine import reading, writing
from digest.store.entry_texts import PageText, UnreadPage
from digest.store.lock import lock_intake
from digest.system import stopping

_MOST = 40  # pages in a run
_MOST_OF_HOST = 10
_SECONDS = 60.0  # for all pages of a run
_LIMITS = Limits(seconds=15.0, bytes=5_000_000)
_ACCEPT = "text/html, application/xhtml+xml;q=0.9"
# Pauses after the first and the second failed try; after a third one a page is asked no more.
_PAUSES = (timedelta(hours=1), timedelta(days=1))
_FINAL = (NotForPrograms, UnreadablePage)
_WORD = re.compile(r"[^\W\d_]{4,}")
_log = logging.getLogger(__name__)


def read_pages(
    installation: Installation,
    unread: Sequence[UnreadPage],
    fetcher: Fetcher,
    now: datetime,
    progress: Progress = lambda _done, _total: None,
) -> dict[str, str]:
    """Read pages of `unread`, store their texts, and give their entries the facets that these show.

    Return a line for each source of which pages are asked no more for the first time in two weeks. Raises TryLater
    when asked to stop, after what was read is stored.
    """
    configured = {source.name: source for source in installation.settings.sources}
    by_entry = {row.entry: row for row in unread}
    pages = {row.entry: page_of(row.entry, row.url, configured.get(row.source)) for row in unread}
    chosen = _fair([page for page in pages.values() if page is not None])
    answers, judge = ask_for_texts(installation, chosen, fetcher, now, progress)
    with reading(installation.engine) as conn:
        sightings = {entry: entries.sighting(conn, entry) for entry, answer in answers.items() if answer.text}
    for entry, sighting in sightings.items():
        if not tells_of(answers[entry].text, sighting):
            answers[entry] = PageAnswer("", f"{sighting.link} does not tell of its entry", is_final=True)
    # An address that is no page's is asked no more, without a word, because feeds of examples have only such.
    results = [PageText(entry, 0) for entry, page in pages.items() if page is None]
    results += [_result(by_entry[entry], answer, now) for entry, answer in answers.items()]
    facets = _facets(installation, configured, sightings, by_entry, results)
    with writing(installation.engine, "read pages") as conn:
        lock_intake(conn)
        told_before = entry_texts.given_up(conn, list(configured), now - entry_texts.WINDOW)
        entry_texts.keep(conn, results, now)
        stored_robots.keep(conn, judge.fresh, now)
        for entry in entry_texts.may_classify(conn, facets):
            entries.classify(conn, entry, facets[entry])
    if stopping.asked():
        raise TryLater("stopped as asked, while reading pages; run again to go on")
    return _lines([result for result in results if _is_given_up(result)], by_entry, told_before)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """Hold the text of a page, or the problem and whether it is final; `wait` is the seconds its host asked for."""

    text: str = ""
    problem: str = ""
    is_final: bool = False
    wait: float = 0.0


def ask_for_texts(
    installation: Installation,
    pages: Sequence[Page],
    fetcher: Fetcher,
    now: datetime,
    progress: Progress = lambda _done, _total: None,
) -> tuple[dict[int, PageAnswer], Robots]:
    """Return the answer of each page that could be asked in the time for all, and what robots.txt files say.

    Obeys these files. Stores nothing.
    """
    with reading(installation.engine) as conn:
        remembered = stored_robots.robots_of(conn, {robots.origin(page.url) for page in pages})
    judge = Robots(fetcher.variant(robots.LIMITS, robots.ACCEPT), remembered, now)
    asking = fetcher.variant(_LIMITS, _ACCEPT, judge.check)
    return _ask(asking, judge, pages, installation.settings.gather_workers, progress), judge


def _fair(pages: Sequence[Page]) -> list[Page]:
    """Return the pages that a run reads: of each host the newest in turn, so that no host keeps another waiting."""
    ranks: Counter[str] = Counter()
    ranked = []
    for page in sorted(pages, key=lambda page: -page.entry):
        host = urlsplit(page.url).netloc
        if ranks[host] < _MOST_OF_HOST:
            ranked.append((ranks[host], page))
        ranks[host] += 1
    return [page for _, page in sorted(ranked, key=lambda pair: pair[0])[:_MOST]]


def _ask(
    fetcher: Fetcher, judge: Robots, pages: Sequence[Page], workers: int, progress: Progress
) -> dict[int, PageAnswer]:
    """Return the answer of each page that could be asked in the time for all of them."""
    answers: dict[int, PageAnswer] = {}

    def ask(page: Page, _left: float) -> int:
        if not _is_free(fetcher, judge, page):
            return NO_MORE
        answer = _read(fetcher, page)
        answers[page.entry] = answer
        progress(len(answers), len(pages))
        # A server that wants a pause between two requests is asked for one page a run.
        if answer.wait or judge.delay(page.url):
            return NO_MORE
        return SILENT if answer.problem and not answer.is_final else ANSWERED

    ask_in_turn(pages, ask, workers, _SECONDS)
    return answers


def _is_free(fetcher: Fetcher, judge: Robots, page: Page) -> bool:
    """Return whether no other process has asked the page's server within the pause that its robots.txt wants."""
    if not fetcher.turns.is_shared:
        return True
    with suppress(SourceError):  # which asking the page tells
        judge.check(page.url, page.allow_private)
    delay = judge.delay(page.url)
    return not delay or fetcher.turns.take_pause(urlsplit(page.url).hostname or "", delay)


def _read(fetcher: Fetcher, page: Page) -> PageAnswer:
    """Return the main text of a page; any error is an answer too, and so is a page that leads to its site's front.

    Raises TryLater alone.
    """
    try:
        answer = fetcher.fetch(page.url, allow_private=page.allow_private)
        if _is_front(answer.url) and not _is_front(page.url):
            return PageAnswer("", f"{page.url[:150]} leads to the front page of its site", is_final=True)
        return PageAnswer(extract_limited(answer.body, content_type=answer.content_type))
    except SourceError as error:
        problem = str(error).rpartition("; ")[0] or str(error)  # without its cure, which is for feeds
        return PageAnswer("", problem, isinstance(error, _FINAL) or error.gone, error.retry_after or 0.0)
    except TryLater:
        raise  # because the database is away that holds the turns at hosts
    except Exception as error:  # because a fault of this program with one page must cost nothing else
        # The words of such an error may hold anything, so that only its class is told; the log has the rest.
        _log.debug("reading a page failed", exc_info=error)
        return PageAnswer("", f"a fault of this program ({type(error).__name__}): please report it")


def tells_of(text: str, sighting: Sighting) -> bool:
    """Return whether the text of a page is that of an entry: it holds half the words of the title, or the summary.

    A page that was moved may lead to a list or a form, whose words would be taken for those of the entry.
    """
    folded = " ".join(text.casefold().split())
    words = set(_WORD.findall(sighting.title.casefold()))
    start = " ".join(plain(sighting.summary).casefold().split()[:8])
    return (
        not words or 2 * sum(word in folded for word in words) >= len(words) or (len(start) > 30 and start in folded)
    )


def _is_front(url: str) -> bool:
    return urlsplit(url).path in ("", "/")


def _result(row: UnreadPage, answer: PageAnswer, now: datetime) -> PageText:
    """Return what is stored of a page that was asked: whether it is asked again, and when."""
    tries = row.tries + 1
    if not answer.problem or answer.is_final or tries > len(_PAUSES):
        return PageText(row.entry, tries, answer.text, answer.problem)
    pause = max(_PAUSES[row.tries], timedelta(seconds=answer.wait))
    return PageText(row.entry, tries, "", answer.problem, now + pause)


def _facets(
    installation: Installation,
    configured: Mapping[str, Source],
    sightings: Mapping[int, Sighting],
    by_entry: Mapping[int, UnreadPage],
    results: Sequence[PageText],
) -> dict[int, Facets]:
    """Return the facets of the entries whose pages were read; outside any transaction, because it takes long."""
    texts = {result.entry: result.text for result in results if result.text}
    whole = {entry: with_whole_text(sightings[entry], text) for entry, text in texts.items()}
    classifier = careful_classifier(installation)
    return {
        entry: classifier.classify(sighting, configured[by_entry[entry].source]) for entry, sighting in whole.items()
    }


def _is_given_up(result: PageText) -> bool:
    return bool(result.problem) and result.retry_at is None


def _lines(
    given_up: Sequence[PageText], by_entry: Mapping[int, UnreadPage], told_before: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return, by source, a line about the pages that are asked no more."""
    by_source: dict[str, list[PageText]] = {}
    for result in given_up:
        by_source.setdefault(by_entry[result.entry].source, []).append(result)
    return {
        source: f"{counted(len(there), 'page')} cannot be read ({there[0].problem}); the entries are judged by what"
        ' the feed shows: full_text = "none" asks for no page'
        for source, there in by_source.items()
        if source not in told_before
    }
