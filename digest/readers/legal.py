"""Write the privacy notice and the accessibility statement, with only what is true of this installation.

Every sentence that depends on a setting is chosen by it; periods are those that the program keeps to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from digest.config.legal import Texts
from digest.config.settings import Settings
from digest.letter.words import Words, primary
from subscribers.asked import MONTH
from subscribers.confirmations import KEPT_FOR

_KEPT = ("record", "consent", "had", "told", "unconfirmed", "limits", "suppression")


@dataclass(frozen=True, slots=True)
class StatementPart:
    """A part of a statement: a heading, paragraphs, (term, text) rows, then points of a list.

    `language` is that of its text where it differs from the page's, else "". `ask`: a link to the page that sends a
    new personal link goes below it, where there is such a page.
    """

    title: str = ""
    lines: Sequence[str] = ()
    rows: Sequence[tuple[str, str]] = ()
    points: Sequence[str] = ()
    language: str = ""
    ask: bool = False


def privacy_notice(settings: Settings, words: Words, letter: Words) -> list[StatementPart]:
    """Return the sections of the privacy notice; `letter` are the words of letters in the same language."""
    privacy = settings.privacy
    named = (("address", privacy.address), ("contact", privacy.contact), ("officer", privacy.officer))
    who = [words.say("privacy_who", controller=privacy.controller)]
    who += [words.form("privacy_named", key, value=value) for key, value in named if value]
    complaint = [words.say("privacy_complain", contact=privacy.contact)]
    if privacy.authority:
        slug = "uk" if privacy.authority == "uk" else "own"
        complaint.append(words.form("privacy_authority", slug, authority=privacy.authority))
    rights = [
        words.say("privacy_rights"),
        words.say("privacy_yourself", change=letter.say("change")),
        words.say("privacy_ask", contact=privacy.contact),
    ]
    sections = [
        StatementPart(words.say("privacy_who_title"), who),
        StatementPart(words.say("privacy_why_title"), [words.form("privacy_basis", privacy.basis)]),
        StatementPart(words.say("privacy_kept_title"), rows=_kept(settings, words)),
        _seen(settings, words),
        StatementPart(words.say("privacy_watch_title"), _watch(settings, words)),
        StatementPart(words.say("privacy_rights_title"), rights, ask=True),
        StatementPart(words.say("privacy_complain_title"), complaint),
        *_further(privacy.text, words, settings),
    ]
    if privacy.changed:
        day = words.day(privacy.changed, settings.site.zone)
        sections.append(StatementPart(lines=[words.say("privacy_changed", day=day)]))
    return sections


def accessibility_statement(settings: Settings, words: Words) -> list[StatementPart]:
    """Return the sections of the accessibility statement."""
    access, site = settings.accessibility, settings.site
    failing, language = _in_language(access.failing, words, settings)
    meets = [words.say("access_aim")]
    if failing:
        meets.append(words.say("access_failing"))
    elif access.checked:
        meets.append(words.say("access_none"))
    report = [words.say("access_report", contact=access.contact)]
    if access.answer_within:
        report.append(words.count("access_answer", _days(access.answer_within)))
    sections = [
        StatementPart(
            words.say("access_scope_title"), [words.say("access_scope", name=site.name, url=site.base_url)]
        ),
        StatementPart(words.say("access_meets_title"), meets, points=failing, language=language),
        StatementPart(words.say("access_beyond_title"), [words.say("access_links"), words.say("access_sources")]),
        StatementPart(words.say("access_report_title"), report),
    ]
    if access.enforcement:
        enforcement = [words.form("access_enforced", access.enforcement)]
        enforcement.append(words.form("access_advice", access.enforcement))
        sections.append(StatementPart(words.say("access_enforced_title"), enforcement))
    sections += _further(access.text, words, settings)
    if access.checked:
        day = words.day(access.checked, site.zone)
        by = words.say("access_checked_by", day=day, by=access.checked_by) if access.checked_by else ""
        sections.append(StatementPart(lines=[by or words.say("access_checked", day=day)]))
    return sections


def _kept(settings: Settings, words: Words) -> list[tuple[str, str]]:
    """Return what is kept of a reader, with why and for how long."""
    days = {"unconfirmed": KEPT_FOR, "limits": MONTH}
    rows = [
        (words.form("privacy_kept", name), words.form("privacy_because", name, span=_span(words, days.get(name))))
        for name in _KEPT
    ]
    until = {"deliveries": settings.retention.deliveries}
    if settings.transport.kind == "file":
        until["files"] = settings.retention.letters
    for name, limit in until.items():
        because = words.form("privacy_because", name)
        kept = words.say("privacy_until", span=_span(words, limit)) if limit else words.say("privacy_for_ever")
        rows.append((words.form("privacy_kept", name), f"{because} {kept}"))
    if backups := settings.privacy.backups:
        because = words.form("privacy_because", "backups", span=_span(words, backups))
        rows.append((words.form("privacy_kept", "backups"), because))
    return rows


def _seen(settings: Settings, words: Words) -> StatementPart:
    """Return who sees what is kept: the people of the newsletter, and the companies that the operator names."""
    privacy = settings.privacy
    lines = [words.say("privacy_seen"), words.say("privacy_public"), words.say("privacy_nobody")]
    if privacy.delivered_by_company:
        lines.append(words.say("privacy_company"))
    if privacy.processors:
        lines.append(words.say("privacy_processors"))
    return StatementPart(words.say("privacy_seen_title"), lines, points=privacy.processors)


def _watch(settings: Settings, words: Words) -> list[str]:
    """Return that readers are not watched, and what a mail program loads all the same."""
    lines = [words.say("privacy_tracking"), words.say("privacy_cookies")]
    if logo := settings.brand.logo:
        lines.append(words.say("privacy_logo", host=urlsplit(logo.url).hostname or ""))
    return lines


def _further(texts: Texts, words: Words, settings: Settings) -> list[StatementPart]:
    """Return the organisation's own text as sections; a paragraph that begins with "# " is a heading."""
    paragraphs, language = _in_language(texts, words, settings)
    sections: list[StatementPart] = []
    for paragraph in paragraphs:
        if paragraph.startswith("# "):
            sections.append(StatementPart(paragraph[2:], [], language=language))
        elif sections:
            last = sections[-1]
            sections[-1] = StatementPart(last.title, [*last.lines, paragraph], language=language)
        else:
            sections.append(StatementPart(lines=[paragraph], language=language))
    return sections


def _in_language(texts: Texts, words: Words, settings: Settings) -> tuple[Sequence[str], str]:
    """Return the paragraphs in the language of the page, else of the site, else of any, and their language.

    The language is "" when it is that of the page.
    """
    by_language = dict(texts)
    wanted = (primary(words.language), primary(settings.site.language), *by_language)
    chosen = next((tag for tag in wanted if tag in by_language), "")
    return by_language.get(chosen, ()), "" if chosen == primary(words.language) else chosen


def _span(words: Words, span: timedelta | None) -> str:
    return words.count("privacy_days", _days(span)) if span else ""


def _days(span: timedelta) -> int:
    """Return a span in days, a part of a day as a whole one."""
    return -(-span // timedelta(days=1))
