"""Read from an author's own marks whether a text is released: drafts, private texts, embargoes and expiry. Pure.

Marks are the keys of front matter (`marks_of`), or the elements of a feed's entry (`feed_marks`). Keys are compared
without regard to case, "-", "_" and spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from digest.sources.formats.dates import instant


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_YES = _set(
    """
    true yes on 1 y t ja oui si
    """
)
_NO = _set(
    """
    false no off 0 n f never none nein non
    """
)
# Keys whose "yes" means that a text is not for readers, and those whose "no" means it.
_UNRELEASED_IF_YES = _set(
    """
    draft drafts isdraft draftmode unpublished isunpublished hidden ishidden hide private isprivate unlisted
    isunlisted archived isarchived deleted isdeleted trashed withdrawn iswithdrawn retracted disabled confidential
    internal wip workinprogress unfinished incomplete pending ispending notpublished notpublic donotpublish
    nopublish embargo embargoed isembargoed expired isexpired scheduled eleventyexcludefromcollections
    excludefromcollections headless skip
    """
)
_UNRELEASED_IF_NO = _set(
    """
    published ispublished publish public ispublic visible isvisible released isreleased live islive approved
    isapproved listed enabled isenabled online available routable discoverable render permalink readytopublish
    ready isready finished isfinished final isfinal
    build:list build:render
    """
)
# Keys that hold the state in a word.
_STATES = _set(
    """
    status state poststatus pagestatus articlestatus contentstatus workflow workflowstate workflowstatus
    publishstatus publishingstatus publicationstatus publishstate publicationstate moderationstate
    moderationstatus reviewstate reviewstatus reviewstage editorialstatus approvalstatus visibility
    """
)
_UNRELEASED = _set(
    """
    draft drafts autodraft unpublished notpublished private hidden unlisted pending pendingreview future scheduled
    inreview underreview review toreview needsreview awaitingreview awaitingapproval needsapproval inprogress wip
    workinprogress unfinished incomplete embargoed embargo archived archive deleted trash trashed withdrawn
    retracted rejected declined revoked expired removed internal internalonly confidential restricted members
    membersonly paid tiers password protected passwordprotected inherit blocked inactive disabled offline onhold
    idea todo outline staged staging queued delayed skip new submitted unapproved notapproved notready notpublic
    superseded cancelled canceled
    """
)
_RELEASED = _set(
    """
    published publish public publicly live final finalised finalized done complete completed released approved
    ready active open visible current featured online posted accepted listed everyone all world anyone enabled
    signedoff
    """
)
# Keys that hold the instant from which, or until which, a text is for readers.
_FROM = _set(
    """
    publishdate publishon publishat publishafter publishtime publishfrom publishedat publishedon publisheddate
    publicationdate published publishup embargo embargodate embargountil embargoeduntil embargoends embargoenddate
    embargolift embargoed availablefrom availableon available releasedate releaseat releaseon releaseafter
    releasedat golive goliveat golivedate livefrom livedate liveon notbefore visiblefrom showfrom scheduled
    scheduledfor scheduledat scheduleddate validfrom postdate holduntil hiddenuntil draftuntil
    """
)
_UNTIL = _set(
    """
    expirydate expiry expires expiresat expireson expiredate expirationdate expiration expire unpublishdate
    unpublishon unpublishat unpublish publishdown publishuntil enddate notafter validuntil validto validthrough
    availableuntil visibleuntil showuntil liveuntil removeafter removeon removeat withdrawon withdrawdate
    archiveon archivedate archiveat deleteon deleteafter killdate takedowndate sunset sunsetdate offlinedate
    offlineat offtime
    """
)
# Of those above, keys that may also hold the instant at which it becomes so.
_ENDED = _set(
    """
    archived deleted trashed withdrawn retracted disabled expired unpublished
    """
)
# Keys that may hold a state or something else, so that only these words count.
_LOOSE = _set(
    """
    stage phase lifecycle access type doctype audience
    """
)
_CLEAR = _set(
    """
    draft drafts unpublished private inreview underreview embargoed internal confidential hidden unlisted wip
    """
)
# Keys that resemble those above without being known; `_PLAIN_WORDS` only sound alike.
_ALIKE = re.compile(
    r"draft|publish|embargo|expir|status|visib|hidden|private|unlist|withdr|retract|confidential|releas|moderat"
    r"|notbefore|notafter|validuntil|approv|golive|scheduled"
)
_PLAIN_WORDS = re.compile(r"publisher|publishedby|publishedin|publishedwith|approvedby|approver|releasenotes")
_TAGS = ("tags", "tag", "categories", "category", "keywords")
_PASSWORDS = ("password", "postpassword", "pagepassword")
_TAG_STATES = frozenset(("draft", "drafts", "unpublished"))
# Tables below which site generators keep such keys.
_NESTED = ("extra", "params", "publish", "publishing", "meta", "release", "workflow", "status", "taxonomies")
_FEED_STATE = re.compile(r"(?:\A|_)(?:status|state|visibility)\Z")
_FEED_UNRELEASED = _set(
    """
    draft autodraft unpublished private hidden unlisted trash trashed deleted blocked embargoed
    """
)
_EXPORT_UNRELEASED = frozenset(("future", "pending", "inherit"))  # beside those, in an export of WordPress


@dataclass(frozen=True, slots=True)
class Marks:
    """Hold what an author's marks say: why a text is not released ("" if it may go), from when, and until when.

    `problems` name marks that cannot be read, each with its cure; such a text is not released.
    """

    unreleased: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    problems: tuple[str, ...] = ()


def marks_of(matter: Mapping[str, Any], now: datetime, zone: tzinfo) -> Marks:
    """Return what front matter says of its release; times without a zone are those of `zone`."""
    reasons: list[str] = []
    problems: list[str] = []
    starts: list[datetime] = []
    ends: list[datetime] = []
    for name, value in _flat(matter):
        key = plain_key(name)
        if value is None or value == "":
            continue
        at = instant(value, zone) if isinstance(value, (str, date)) else None
        if at is not None and key in _FROM | _UNRELEASED_IF_NO:
            starts.append(at)
        elif at is not None and key in _UNTIL | _ENDED:
            ends.append(at)
        else:
            reason, problem = _judge(name, key, value, at is not None and at > now)
            reasons += [reason] if reason else []
            problems += [problem] if problem else []
    first, last = max(starts, default=None), min(ends, default=None)
    return Marks("; ".join(reasons)[:200], first, last, tuple(problems))


def feed_marks(entry: Mapping[str, Any]) -> str:
    """Return why the publisher of a feed's entry marks it as not released ("app_draft: yes"), or "".

    Unlike a folder's, a feed's unknown marks are passed over, because its elements are of many vocabularies.
    """
    for name, value in entry.items():
        value = value.get("state") if isinstance(value, dict) else value  # as in <media:status state="deleted"/>
        if not isinstance(value, (str, bool)) or not isinstance(name, str):
            continue
        word, last = plain_key(value), plain_key(name.rpartition("_")[2])
        unreleased = _FEED_UNRELEASED | (_EXPORT_UNRELEASED if name.startswith("wp_") else frozenset())
        if last == "password" and word:
            return f"{name.replace('_', ':', 1)} is set"  # never its value
        is_draft = last in ("draft", "isdraft") and word in _YES
        if is_draft or (_FEED_STATE.search(name.lower()) and word in unreleased):
            return f"{name.replace('_', ':', 1)}: {_in_words(value)}"
    return ""


def _judge(name: str, key: str, value: object, is_ahead: bool) -> tuple[str, str]:
    """Return why one mark keeps its text back ("" if it does not), and what to correct ("" if nothing).

    `is_ahead`: the value is a date in the future.
    """
    shown, word = f"{name}: {_in_words(value)}", plain_key(value)
    is_yes, is_no = word in _YES, word in _NO
    if key in _TAGS:
        values = value if isinstance(value, list) else re.split(r"[;,]", value) if isinstance(value, str) else []
        return (shown if {plain_key(each) for each in values} & _TAG_STATES else ""), ""
    if key in _PASSWORDS:
        return ("" if is_no else f"{name} is set"), ""  # never its value
    if key in _LOOSE:
        return (shown if word in _CLEAR else ""), ""
    if key == "permalink" and not is_no:
        return "", ""
    if key in _UNRELEASED_IF_YES | _UNRELEASED_IF_NO:
        if is_yes or is_no:
            return (shown if is_yes == (key in _UNRELEASED_IF_YES) else ""), ""
        if word in _UNRELEASED:
            return shown, ""
        if word in _RELEASED and key in _UNRELEASED_IF_NO:
            return "", ""
        cure = "write it as 2026-01-31" if key in _FROM | _UNTIL else "write true or false"
        return shown, f"{shown!r} cannot be read; {cure}"
    if key in _STATES:
        if word in _RELEASED or is_yes:
            return "", ""
        if word in _UNRELEASED or is_no:
            return shown, ""
        return shown, f"the state {shown!r} is unknown; write published or draft"
    if key in _FROM | _UNTIL:
        return ("", "") if is_no else (shown, f"{shown!r} cannot be read; write it as 2026-01-31")
    if not _ALIKE.search(key) or _PLAIN_WORDS.search(key):
        return "", ""
    cure = "write draft, publish_date or expiry_date"
    if is_ahead or word in _YES | _NO | _UNRELEASED:
        return shown, f"{shown!r} looks like a state or a time limit that is not known, so it waits; {cure}"
    return "", f"{name!r} looks like a state or a time limit and is not known; {cure}, or give it another name"


def _flat(matter: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each key and value, and those of the tables in which site generators keep their marks."""
    for name, value in matter.items():
        table = plain_key(name) if isinstance(name, str) else ""
        if not isinstance(value, Mapping):
            if table:
                yield name, value
        elif table == "build":  # Hugo's: "never" keeps a page out of lists
            yield from ((f"{name}: {key}", False) for key in ("list", "render") if plain_key(value.get(key)) in _NO)
        elif table in _NESTED:
            yield from ((str(key), inner) for key, inner in value.items() if not isinstance(inner, Mapping))


def plain_key(value: object) -> str:
    """Return a key or a value without case, spaces, "-", "_", "." and "/"; "" for a list, a table or a date."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return re.sub(r"[\s_\-./]+", "", str(value)).casefold() if isinstance(value, (str, int)) else ""


def _in_words(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return " ".join(text.split())[:60]
