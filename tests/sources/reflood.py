"""What feeds do to their own past, as a table: re-identified, re-dated, re-published or flooded (group H)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

TODAY = datetime(2026, 11, 4, 7, tzinfo=UTC)
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")


@dataclass(frozen=True)
class Post:
    """One item as its publisher writes it; None: left out."""

    title: str
    text: str
    date: str | None
    link: str | None
    guid: str | None


Feed = tuple[Post, ...]
Shows = dict[str, Feed]  # by name of source; who is not named shows what it showed before


@dataclass(frozen=True)
class Case:
    """`days`: what is shown day by day, `fresh` being the one honest new post; `held`: an editor must look first."""

    name: str
    days: Callable[[Feed, Post], list[Shows]]
    held: Callable[[int], bool] = lambda _: False
    others_new: Callable[[int], bool] = lambda _: False  # new stories that are neither held nor the fresh one
    waits: bool = False  # the fresh post is dated ahead, and not mailed before


def post(number: int, when: datetime, what: str = "case") -> Post:
    """A post that has nothing in common with another number's but its style."""
    slug = "-".join(WORDS[int(digit)] for digit in f"{number:04d}")
    text = " ".join(f"{slug} taught council {number} lesson {n} of the {what}." for n in range(12))
    date = format_datetime(when)
    return Post(
        f"The {what} of {slug} and what it took",
        text,
        date,
        f"https://here.example/{what}/{slug}",
        f"{what}{number}@here",
    )


def history(count: int) -> Feed:
    """The newest first, a day apart."""
    return tuple(post(n, TODAY - timedelta(days=3 + n)) for n in range(count))


def rss(posts: Feed) -> bytes:
    """The feed of `posts`."""
    items = []
    for one in posts:
        parts = {"title": one.title, "link": one.link, "pubDate": one.date, "description": f"<p>{one.text}</p>"}
        items.append("<item>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in parts.items() if v is not None))
        guid = "" if one.guid is None else f'<guid isPermaLink="false">{escape(one.guid)}</guid>'
        items.append(f"{guid}</item>")
    return f'<rss version="2.0"><channel><title>Here</title>{"".join(items)}</channel></rss>'.encode()


def _all(change: Callable[[int, Post], Post], *, fresh_too: bool = False) -> Callable[[Feed, Post], list[Shows]]:
    """Every old post changes; the fresh one stands on top, changed as well if asked."""

    def days(old: Feed, fresh: Post) -> list[Shows]:
        top = change(len(old), fresh) if fresh_too else fresh
        return [{"Here": (top, *(change(n, one) for n, one in enumerate(old)))}]

    return days


def _dated(date: str | None) -> Callable[[Feed, Post], list[Shows]]:
    return _all(lambda _, one: replace(one, date=date), fresh_too=True)


def _among(count: int, what: str, age: timedelta) -> Callable[[Feed, Post], list[Shows]]:
    """So many posts never seen before join the feed."""
    return lambda old, fresh: [{"Here": (fresh, *(post(n, TODAY - age, what) for n in range(count)), *old)}]


def _copied(one: Post) -> Post:
    """As a planet re-publishes it: an id and an address of its own."""
    return replace(one, guid=f"copy of {one.guid}", link=(one.link or "").replace("here.example", "planet.example"))


def _renumbered(n: int, one: Post) -> Post:
    return replace(one, guid=f"new-{n}")


def _redated(_: int, one: Post) -> Post:
    return replace(one, date=format_datetime(TODAY))


def _moved(n: int, one: Post) -> Post:
    link = (one.link or "").replace("here.example/case", "there.example")
    return replace(one, guid=f"tag:there.example,2026:{n}", link=link)


def _insecure(_: int, one: Post) -> Post:
    return replace(one, guid=one.link, link=(one.link or "").replace("https:", "http:"))


def _a_day_off(n: int, one: Post) -> Post:
    return replace(one, date=format_datetime(TODAY - timedelta(days=2 + n)))


CASES = (
    Case("all guids changed", _all(_renumbered)),
    Case("all guids changed, then back", lambda old, fresh: [
        {"Here": (fresh, *(_renumbered(n, one) for n, one in enumerate(old)))}, {"Here": (fresh, *old)},
    ]),
    Case("https becomes http", _all(_insecure)),
    Case("one slug renamed", lambda old, fresh: [
        {"Here": (fresh, replace(old[0], link="https://here.example/case/renamed-since", guid="renamed"), *old[1:])}
    ]),
    Case("one guid on all", _all(lambda _, one: replace(one, guid="0"), fresh_too=True)),
    Case("guids left out", _all(lambda _, one: replace(one, guid=None), fresh_too=True)),
    Case("guids and links left out", _all(lambda _, one: replace(one, guid=None, link=None))),
    Case("the same in two more feeds", lambda old, fresh: [
        {"Here": (fresh, *old), "There": (fresh, *map(_copied, old)), "Yonder": tuple(map(_copied, (fresh, *old)))}
    ]),
    Case("every text edited", _all(lambda _, one: replace(one, text=one.text + " Edited since."))),
    Case("every title gets a suffix", _all(lambda _, one: replace(one, title=one.title + " | Here"))),
    Case("dates in the year 9999", _dated("Fri, 31 Dec 9999 23:59:59 GMT"), waits=True),
    Case("dates of 1970", _dated("Thu, 01 Jan 1970 00:00:00 GMT")),
    Case("dates before the first year", _dated("Mon, 01 Jan -001 00:00:00 GMT")),
    Case("no dates", _dated(None)),
    Case("dates of 30 February", _dated("Mon, 30 Feb 2026 10:00:00 GMT")),
    Case("archive re-dated to today", _all(_redated)),
    Case("archive re-dated, guids changed", _all(lambda n, one: _renumbered(n, _redated(n, one)))),
    Case("moved to another host", _all(_moved)),
    Case("moved, and dates a day off", _all(lambda n, one: _a_day_off(n, _moved(n, one)))),
    Case("empties, then comes back", lambda old, fresh: [{"Here": ()}, {"Here": (fresh, *old)}]),
    Case("back to front, by halves", lambda old, fresh: [
        {"Here": old[: len(old) // 2]}, {"Here": (*reversed(old[len(old) // 2 :]), fresh)},
        {"Here": (fresh, *reversed(old))},
    ]),
    Case("five thousand new", _among(5_000, "flood", timedelta(days=10)), held=lambda _: True),
    Case("thirty of one busy day", _among(30, "summit", timedelta()), others_new=lambda _: True),
    Case("a back catalogue of 17", _among(17, "archive", timedelta(days=400)), held=lambda _: True),
    Case("25 undated new", lambda old, fresh: [
        {"Here": (fresh, *(replace(post(n, TODAY, "bulk"), date=None) for n in range(25)), *old)}
    ], held=lambda _: True),
    Case("four re-written under their titles", lambda old, fresh: [
        {"Here": (fresh, *(replace(post(n, TODAY, "again"), title=old[n].title) for n in range(4)), *old[4:])}
    ], held=lambda _: True),
    Case("another topic in its place", lambda old, fresh: [
        {"Here": (fresh, *(post(n, TODAY, "casino") for n in range(len(old))))}
    ], others_new=lambda _: True),
)  # fmt: skip
