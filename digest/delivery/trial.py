"""Compose a trial letter, so that a mistaken template or setting shows before an edition is owed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import unescape

from digest.config.settings import Settings
from digest.delivery.parcel import composed, sign_letter
from digest.errors import ConfigError
from digest.letter.inert import visible
from digest.model import (
    Correction,
    Digest,
    Edition,
    Entry,
    EntryEdit,
    Facets,
    Group,
    Image,
    Ingredient,
    NamedLink,
    Placed,
    Reason,
    Section,
    Tried,
)
from digest.render import Letters
from subscribers.keyring import Keyring
from subscribers.model import Subscriber

_DUE = "without it a letter tells its reader too little"
# The words that each part must show, by its template and the value that shows them.
_MUST_SHOW = {
    "card part.title": ("Trialheading",),
    "card part.url": ("https://example.org/full",),
    "card part.summary": ("Trialsummary.",),
    "card part.lines": ("Trialline.",),
    "card part.source": ("Trialsource",),
    "card part.note": ("Trialnote.",),
    "card part.worded_by": ("Trialeditor",),
    "card part.earlier": ("https://example.org/earlier",),
    "correction part.text": ("Trialcorrection.", "Trialtold."),
    "question part.text": ("Trialquestion?",),
    "step part.text": ("Trialstep.",),
    "letter edition.note": ("Trialwords.",),
    "letter reader.email": ("reader@example.org",),
}


def trial_letter(settings: Settings) -> None:
    """Compose a letter of invented entries in each language, to meet every branch of the templates.

    Raises ConfigError, which names the template and the line, or the part without an unsubscribe link.
    """
    for name, text, _ in _composed(settings):
        _require_a_way_out(settings, name, text)


def _require_a_way_out(settings: Settings, name: str, text: str) -> None:
    if f"{settings.site.base_url}/unsubscribe/" not in text:
        raise ConfigError(
            [f"letter.{name}.j2: has no unsubscribe link; write {{{{ reader.unsubscribe_url }}}} into it"]
        )


def template_faults(settings: Settings) -> list[str]:
    """Return why letters cannot be made of the templates, and what each lacks that a reader must see.

    One line for each, with the template's name and the cure.
    """
    lacks: list[str] = []
    try:
        for name, text, values in _composed(settings):
            _require_a_way_out(settings, name, text)
            lacks += _unseen(name, text, values)
    except ConfigError as error:
        return list(error.problems)
    return list(dict.fromkeys(lacks))


def _unseen(name: str, text: str, values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield a line for each value that is not in a letter's part, in whatever case and lines it is written."""
    shown = _plain(unescape(text))
    lacking: dict[str, list[str]] = {}
    for written, wanted in values.items():
        if any(_plain(each) not in shown for each in wanted):
            template, _, value = written.partition(" ")
            lacking.setdefault(template, []).append(f"{{{{ {value} }}}}")
    for template, missing in lacking.items():
        yield f"letter.templates: {template}.{name}.j2 does not show {', '.join(missing)}; add it, because {_DUE}"


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _composed(settings: Settings) -> Iterator[tuple[str, str, Mapping[str, tuple[str, ...]]]]:
    """Yield each part ("html" or "txt") of the trial letter in each language, and what it must show."""
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    area = settings.taxonomy.policy_areas[0].slug if settings.taxonomy.policy_areas else ""
    picture = Image("https://example.org/trial.png", "A trial", 400, 300)
    # The first has all that an entry may have but lines, the second lacks all it may lack, the third has lines.
    full = Entry(
        1, "Trialsource", "https://example.org/full", "Trial", "case-study", now, now, "Trialsummary.", language="ar",
        image=picture, facets=Facets((area,) if area else (), ("wales",), (), (), "Trial"),
        also_at=(NamedLink("Trial", "https://example.org/also"), NamedLink("Trial", None)),
        earlier=NamedLink("Trial", "https://example.org/earlier"), carried_from="2026-12-25",
        edit=EntryEdit("Trial", "Trialsummary.", "Trialeditor", "Trialnote.\nA line.", "Trial"),
    )  # fmt: skip
    bare = Entry(2, "Trial", None, "", "post", None, now)
    lines = (Ingredient("did", "Trialline."),)
    lined = Entry(3, "Trial", "https://example.org/lined", "Trialheading", "case-study", None, now, ingredients=lines)
    first, other = Placed(1, Reason("area", area)), Placed(2, Reason("area"))
    # One group for both without policy areas, because there is no area to make a second group of.
    near = (Group(area, (first,)), Group("", (other,))) if area else (Group("", (first, other)),)
    far = Group("", (Placed(1, Reason("elsewhere-area", area)), Placed(3, Reason("elsewhere-area", area))))
    digest = Digest((Section("areas", near), Section("elsewhere", (far,))), more=1, again=True)
    edition = Edition(
        1, "weekly", "2027-01-01", "draft", False, "Trialwords.", 0, "", question="Trialquestion?", step="Trialstep."
    )
    letters = Letters(settings, edition, [full, bare, lined], corrects=True)
    told = (Correction(1, 1, "Trial", "Trialcorrection."), Tried(1, 1, "Trial", "A place", "Trialtold."))
    for language in sorted(letters.languages):
        reader = Subscriber(1, "reader@example.org", language=language, key="trial")
        signed = sign_letter(letters, reader, Keyring(b"0" * 32, [b"0" * 32]), 1)
        letter = composed(letters, reader, digest, signed, now, told).letter
        words = letters.of(language).book.words
        values = _MUST_SHOW | {
            "section part.title": (words.sentences["elsewhere"],),
            "carried words.carried": (words.sentences["carried"],),
            "correction part.lead": (words.correction_lead(told[0]),),
            "letter reader.preferences_url": (signed.links.preferences,),
            "more reader.more_url": (signed.links.more,),
            "letter brand.address": tuple(_address(settings)),
        }
        yield "html", letter.html_text(), values
        yield "txt", letter.plain_text(), values


def _address(settings: Settings) -> list[str]:
    """Return the lines of the postal address, as templates get them."""
    written = settings.brand.address or settings.site.postal_address
    return [visible(line) for line in re.split(r"[\r\n]+|, ", written) if visible(line)]
