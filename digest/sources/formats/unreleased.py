"""Read from an author's own marks whether a text is released: drafts, private texts, embargoes and expiry. Pure.

Marks are the keys of front matter (`marks_of`), or the elements of a feed's entry (`feed_marks`). A key or a value
that looks like a state and does not release its text keeps it back, and is named when it is not a known one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any

from digest.sources.formats import state_words as words
from digest.sources.formats.dates import instant
from digest.sources.formats.state_words import plain_key
from digest.sources.formats.title_state import DRAFT_VERSION
from subscribers.invisible import one_line


@dataclass(frozen=True, slots=True)
class Marks:
    """Hold what an author's marks say: why a text is not released ("" if it may go), from when, and until when.

    `problems` name marks that cannot be read, each with its cure; such a text is not released.
    """

    unreleased: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    problems: tuple[str, ...] = ()


def marks_of(matter: Mapping[str, Any], now: datetime, zone: tzinfo, *, strict: bool = True) -> Marks:
    """Return what front matter says of its release; times without a zone are those of `zone`.

    Without `strict`, marks that are not known or cannot be read are passed over.
    """
    reasons: list[str] = []
    problems: list[str] = []
    starts: list[datetime] = []
    ends: list[datetime] = []
    for name, value in _flat(matter, set()):
        key = plain_key(name)
        at = _named_instant(value, zone)
        if strict and (near := _slip_of(key)) and (at or _is_state(plain_key(value))):
            problems.append(f"{name!r} is read as {near!r}; correct the name, or take another one")
            key = near
        if at is not None and _is_start(key):
            starts.append(at)
        elif at is not None and _is_end(key):
            ends.append(at)
        else:
            reason, problem = _judge(name, key, value, at is not None and at > now)
            reasons += [reason] if reason and (strict or not problem) else []
            problems += [problem] if problem and strict else []
    first, last = max(starts, default=None), min(ends, default=None)
    return Marks(_plain("; ".join(reasons)[:200]), first, last, tuple(map(_plain, problems)))


def feed_marks(entry: Mapping[str, Any]) -> str:
    """Return why the publisher of a feed's entry marks it as not released ("app_draft: yes"), or "".

    Unlike a folder's, a feed's unknown marks are passed over, because its elements are of many vocabularies.
    """
    for name, value in entry.items():
        value = value.get("state") if isinstance(value, dict) else value  # as in <media:status state="deleted"/>
        if not isinstance(value, (str, bool)) or not isinstance(name, str):
            continue
        is_password, unreleased = _meaning(name)
        word = plain_key(value) if is_password or unreleased else ""
        if is_password and word:
            return f"{name.replace('_', ':', 1)} is set"  # never its value
        if word in unreleased:
            return _plain(f"{name.replace('_', ':', 1)}: {_in_words(value)}")
    return ""


@lru_cache(maxsize=1_024)
def _meaning(name: str) -> tuple[bool, frozenset[str]]:
    """Return whether an element of a feed's entry holds a password, and its words that mean "not released"."""
    last = plain_key(name.rpartition("_")[2])
    unreleased = words.YES if last in words.FEED_UNRELEASED_IF_YES else frozenset()
    unreleased |= words.NO if last in words.FEED_UNRELEASED_IF_NO else frozenset()
    if words.FEED_STATE.search(name.lower()):
        unreleased |= words.FEED_UNRELEASED
        unreleased |= words.EXPORT_UNRELEASED if name.startswith("wp_") else frozenset()
    return last == "password", unreleased


def feed_limits(entry: Mapping[str, Any]) -> tuple[list[datetime], list[datetime]]:
    """Return the instants before which, and those from which, a feed's entry is not for readers.

    They stand in elements of RSS, Dublin Core and PRISM, and in those of other vocabularies with the same names.
    """
    starts: list[datetime | None] = []
    ends: list[datetime | None] = []
    for name, value in entry.items():
        if not isinstance(value, str) or not isinstance(name, str):
            continue
        names = _names(name)
        if names & words.FEED_PERIODS:
            start, end = _period(value)
            starts.append(instant(start))
            ends += [] if names & {"available"} and start == end else [instant(end)]
        elif names & words.FEED_FROM:
            starts.append(instant(value))
        elif names & words.FEED_UNTIL:
            ends.append(instant(value))
    return [at for at in starts if at], [at for at in ends if at]


@lru_cache(maxsize=1_024)
def _names(name: str) -> frozenset[str]:
    """Return the names that an element may have: feedparser puts a prefix before its name."""
    return frozenset((plain_key(name), plain_key(name.partition("_")[2])))


def _named_instant(value: object, zone: tzinfo) -> datetime | None:
    """Return the instant that a value names, also by a year or a month alone: its first minute."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        part = re.fullmatch(r"((?:19|20)\d\d)(?:-(0[1-9]|1[0-2]))?", str(value).strip())
        value = f"{part[1]}-{part[2] or '01'}-01" if part else value
    return instant(value, zone) if isinstance(value, (str, date)) else None


def _is_start(key: str) -> bool:
    return key in words.FROM | words.FROM_ONLY | words.UNRELEASED_IF_NO or words.FROM_LIKE.match(key) is not None


def _is_end(key: str) -> bool:
    return key in words.UNTIL | words.UNTIL_ONLY | words.ENDED or words.UNTIL_LIKE.match(key) is not None


def _is_unreleased(word: str) -> bool:
    return word in words.UNRELEASED or word.startswith(words.AWAITED)


def _period(text: str) -> tuple[str, str]:
    """Return the start and the end of "start=2026-01-01; end=…" or "2026-01-01/…"; a date alone is both."""
    parts = {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in text.split(";"))}
    if "start" in parts or "end" in parts:
        return parts.get("start", ""), parts.get("end", "")
    start, slash, end = text.partition("/")
    return start, end if slash else start


def _judge(name: str, key: str, value: object, is_ahead: bool) -> tuple[str, str]:
    """Return why one mark keeps its text back ("" if it does not), and what to correct ("" if nothing).

    `is_ahead`: the value is a date in the future.
    """
    shown, word = f"{name}: {_in_words(value)}", plain_key(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        empty = key in words.UNRELEASED_IF_EMPTY
        return (f"{name} is empty", f"{name!r} is empty, so the text waits; write its value") if empty else ("", "")
    if key in words.TAGS:
        values = value if isinstance(value, list) else re.split(r"[;,]", value) if isinstance(value, str) else []
        return (shown if {plain_key(each) for each in values} & words.TAG_STATES else ""), ""
    if key in words.UNRELEASED_IF_SET:
        return ("" if word in words.NO else f"{name} is set"), ""  # never its value, which may be a password
    if key not in words.WORDS_FOR_READERS and _is_surely_unreleased(value):
        return shown, ""
    if key == "date":
        return (shown if word in words.UNDECIDED else ""), ""
    if key in words.SEARCH_ENGINES:
        return "", _of_search_engines(shown, key, word)
    if key in words.UNRELEASED_IF_YES | words.UNRELEASED_IF_NO:
        return _judge_flag(shown, key, word)
    if key in words.STATES:
        if word in words.RELEASED or word in words.YES:
            return "", ""
        if _is_unreleased(word) or word in words.NO:
            return shown, ""
        return shown, f"the state {shown!r} is unknown; write published or draft"
    if key in words.FROM | words.UNTIL:
        return ("", "") if word in words.NO else (shown, f"{shown!r} cannot be read; write it as 2026-01-31")
    return _judge_other(shown, key, word, is_ahead)


def _judge_flag(shown: str, key: str, word: str) -> tuple[str, str]:
    """Judge a key that holds yes or no, or a word that says the same."""
    is_yes, is_no = word in words.YES, word in words.NO
    if is_yes or is_no:
        return (shown if is_yes == (key in words.UNRELEASED_IF_YES) else ""), ""
    if _is_unreleased(word):
        return shown, ""
    if word in words.RELEASED and key in words.UNRELEASED_IF_NO:
        return "", ""
    cure = "write it as 2026-01-31" if key in words.FROM | words.UNTIL else "write true or false"
    return shown, f"{shown!r} cannot be read; {cure}"


def _judge_other(shown: str, key: str, word: str, is_ahead: bool) -> tuple[str, str]:
    """Judge a key that may hold a state or something else, and one that only resembles a state."""
    is_yes, is_no = word in words.YES, word in words.NO
    if key in words.LOOSE:
        is_early = key.endswith(("stage", "state")) and word in words.EARLY_STAGES
        is_closed = key in words.CIRCLES and word.startswith(words.CLOSED_CIRCLE)
        return (shown if is_early or is_closed or word in words.CLEAR or word.startswith("notyet") else ""), ""
    if key in words.UNRELEASED_IF_NO_ONLY:
        return (shown if is_no else ""), ""
    if key in words.UNRELEASED_IF_YES_ONLY and is_yes:
        return shown, ""
    if words.ASKED.match(key) or words.FORBIDDING.match(key):
        return (shown if is_yes else ""), ""
    if words.STEPS.match(key) and not words.PLAIN_WORDS.search(key):
        is_awaited = _is_unreleased(word)
        return (shown if is_no or is_awaited else ""), ""
    if not words.ALIKE.search(key) or words.PLAIN_WORDS.search(key):
        return "", ""
    cure = "write draft, publish_date or expiry_date"
    keeps = (is_yes and not words.RELEASING.match(key)) or (is_no and not words.WITHHOLDING.search(key))
    if is_ahead or keeps or _is_unreleased(word):
        return shown, f"{shown!r} looks like a state or a time limit that is not known, so it waits; {cure}"
    name = shown.partition(":")[0]
    return "", f"{name!r} looks like a state or a time limit and is not known; {cure}, or give it another name"


def _is_surely_unreleased(value: object) -> bool:
    """Return whether a value says that a text is a draft or must not be published, whatever its key."""
    if not isinstance(value, str):
        return False
    word = re.sub(r"\A(?:v?\d+)|(?:v?\d+)\Z", "", plain_key(value))  # "0.1-draft", "draft v2"
    return word in words.SURE or any(
        pattern(value[:300]) for pattern in (DRAFT_VERSION.fullmatch, words.SURE_PHRASE.search)
    )


def _of_search_engines(shown: str, key: str, word: str) -> str:
    hides = (
        word in words.YES if key.startswith(("no", "searchex", "excl")) else word in words.NO | {"noindex", "none"}
    )
    cure = "keeps the page from search engines, not from readers; write draft if it is not for them"
    return f"{shown!r} {cure}" if hides or "noindex" in word else ""


def _is_state(word: str) -> bool:
    return word in words.YES | words.NO | words.UNRELEASED | words.RELEASED


@lru_cache(maxsize=1_024)
def _slip_of(key: str) -> str:
    """Return the name of a mark that `key` is a slip of ("drafft", "publised", "stauts"), or ""."""
    judged = words.STATES | words.FROM | words.UNTIL | words.UNRELEASED_IF_YES | words.UNRELEASED_IF_NO | words.ENDED
    judged |= words.UNRELEASED_IF_YES_ONLY | words.UNRELEASED_IF_NO_ONLY | words.UNRELEASED_IF_SET
    others = (words.PLAIN_WORDS, words.FORBIDDING, words.ASKED)
    if len(key) < 4 or key in judged or any(pattern.search(key) for pattern in others):
        return ""
    turned = next((name for name in words.NEAR_TO if sorted(name) == sorted(key)), "")
    near = difflib.get_close_matches(key, words.NEAR_TO, 1, cutoff=0.81)  # "craft" is 0.8 like "draft"
    return turned or (near[0] if near else "")


def _flat(matter: Mapping[Any, Any], seen: set[int], deep: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield each key and value, also of the tables in which site generators keep their marks.

    `deep`: in a table of another name, of which only the plainest keys count. `seen`: the tables that were looked
    through, because YAML can put a table into itself, or into many others.
    """
    seen.add(id(matter))
    for name, value in matter.items():
        key = plain_key(name)
        if not key or not isinstance(name, str) or (deep and not isinstance(value, Mapping) and not _is_deep(key)):
            continue
        if not isinstance(value, Mapping):
            yield name, value
        elif key == "build":  # Hugo's: "never" keeps a page out of lists
            yield from (
                (f"{name} {each}", False) for each in ("list", "render") if plain_key(value.get(each)) in words.NO
            )
        elif key in words.UNRELEASED_IF_YES | words.STATES:
            yield from ((name, inner) for inner in value.values() if isinstance(inner, (str, bool)))
        elif id(value) not in seen:
            yield from _flat(value, seen, deep or key not in words.NESTED)


def _is_deep(key: str) -> bool:
    return words.DEEP.fullmatch(key) is not None and not words.PLAIN_WORDS.search(key)


def _plain(text: str) -> str:
    """Return a text that can be stored: PostgreSQL takes no NUL, and no database half a character."""
    return one_line(text).encode("utf-8", "replace").decode()


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(each, (str, int, float, date)) for each in value[:20]):
        value = ", ".join(_in_words(each) for each in value[:20])
    # A list of lists or a table is not written out, because YAML's references can make it endless.
    return " ".join(str(value).split())[:60] if isinstance(value, (str, int, float, date)) else "a list"
