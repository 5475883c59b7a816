"""Parse JSON Feed 1.0 and 1.1 into sightings. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from digest.errors import SourceError
from digest.model import Image, Sighting, Snapshot
from digest.sources.formats.dates import entry_date, is_ahead
from digest.sources.formats.first_line import text_state
from digest.sources.formats.loose_json import read_json
from digest.sources.formats.pictures import first_picture, picture_of
from digest.sources.formats.tidy import CUT_OFF, distinct, labels, language_tag, read_each, tidy_guid
from digest.sources.formats.unreleased import feed_marks, marks_of
from digest.sources.links import absolute_link, without_tracking, written_link
from digest.sources.placeholders import is_account, without_placeholder
from digest.sources.post import Post
from digest.sources.sanitise import text_as_html, title_text
from digest.sources.site_lines import without_site
from digest.sources.tails import Frame

# The names of the standard; a publisher's own names and tables ("_blog": {"draft": true}) may be marks.
_STANDARD = frozenset(
    ("id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image",
     "date_published", "date_modified", "author", "authors", "tags", "language", "attachments")
)  # fmt: skip
_IDENTITY = ("id", "url", "external_url", "title", "content_html", "content_text", "summary")


def parse_json_feed(body: bytes, *, content_type: str = "", base_url: str, now: datetime) -> Snapshot:
    """Return what a JSON Feed holds; values of the wrong type count as absent.

    Raises SourceError when `body` is not JSON, or is JSON but not a JSON Feed.
    """
    try:
        feed, wrong, is_cut = read_json(body, content_type)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"this JSON cannot be read ({type(error).__name__}: {str(error)[:100]}); check the address"
        ) from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        if wrong:
            raise SourceError(f"this JSON cannot be read ({wrong[:100]}); check the address")
        raise SourceError("this is JSON but not a JSON Feed (it has no list of items); check the address")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    home = absolute_link(_text(feed, "home_page_url"), base_url or None)
    language = language_tag(_text(feed, "language"))
    kept, problems = distinct(items, _identity, lambda item: _published(item, now))
    if wrong:
        problems.insert(0, f"the feed is malformed ({wrong[:100]}); what could be read was")
    if is_cut:
        problems.append(CUT_OFF)
    author, site = _author(feed), title_text(_text(feed, "title"))

    def sighting(item: dict[str, Any]) -> Sighting:
        frame = Frame(author=_author(item) or author, published=_published(item, now), site=site)
        return _sighting(item, frame, base=base_url or home, language=language, now=now)

    sightings = read_each(kept, sighting, problems)
    if len(items) < len(feed["items"]):
        problems.append(f"{len(feed['items']) - len(items)} items are no JSON objects and were left out")
    older = absolute_link(_text(feed, "next_url"), base_url or home) or ""
    return Snapshot(sightings, title=site, language=language, problems=tuple(problems), older=older)


def _sighting(
    item: dict[str, Any], frame: Frame, *, base: str | None, language: str | None, now: datetime
) -> Sighting:
    link = next((link for each in _addresses(item) if (link := written_link(each, base))), None)
    raw = _text(item, "content_html") or text_as_html(_text(item, "content_text"))
    summary = text_as_html(_text(item, "summary"))
    published, title = _published(item, now), without_site(title_text(_text(item, "title")), frame.site)
    marks = marks_of({name: item[name] for name in item.keys() - _STANDARD}, now, UTC, strict=False)
    frame = replace(frame, title=title, link=link)
    post = Post(raw or summary, link or base, frame)
    text = post.html
    state, until = text_state(title, text, UTC)
    starts = [at for at in (published, marks.not_before) if is_ahead(at, now)]
    starts += [until] if until and until > now else []
    return Sighting(
        guid=tidy_guid(_text(item, "id")),
        link=without_tracking(link) if link else None,
        title=without_placeholder(title),
        published=published,
        summary=(Post(summary, link or base, frame).summary() if raw else "") or post.summary(),
        html=text,
        author="" if is_account(frame.author) else frame.author,
        categories=labels(_list(item, "tags")),
        language=language_tag(_text(item, "language")) or language,
        image=_image(item, raw, link or base),
        unreleased=feed_marks(item) or marks.unreleased or state,
        not_before=max((at for at in starts if at), default=None),
        not_after=marks.not_after,
    )


def _addresses(item: dict[str, Any]) -> list[str]:
    """Return where an item may lead, the best first: its page, what it is about, a recording, an id that is one."""
    attached = [each for each in _list(item, "attachments") if isinstance(each, dict)]
    recordings = [_text(each, "url") for each in attached if not _text(each, "mime_type").startswith("image/")]
    id_ = _text(item, "id")
    ids = [id_] if id_.startswith(("http://", "https://")) else []
    return [_text(item, "url"), _text(item, "external_url"), *recordings, *ids]


def _identity(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_text(item, key) for key in _IDENTITY)


def _published(item: dict[str, Any], now: datetime) -> datetime | None:
    return entry_date([_text(item, name) for name in ("date_published", "date_modified")], now)


def _image(item: dict[str, Any], raw: str, base: str | None) -> Image | None:
    named = (picture_of(_text(item, key), base) for key in ("image", "banner_image"))
    return next((image for image in named if image), None) or first_picture(raw, base)


def _author(thing: dict[str, Any]) -> str:
    people = [*_list(thing, "authors"), thing.get("author")]
    names = [title_text(_text(person, "name"), 100) for person in people if isinstance(person, dict)]
    return ", ".join(dict.fromkeys(name for name in names[:5] if name))


def _text(thing: dict[str, Any], key: str) -> str:
    value = thing.get(key)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)


def _list(thing: dict[str, Any], key: str) -> list[Any]:
    value = thing.get(key)
    return value if isinstance(value, list) else []
