"""Compose a trial letter, so that a mistaken template or setting shows before an edition is owed."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.config.settings import Settings
from digest.delivery.parcel import composed, sign_letter
from digest.errors import ConfigError
from digest.model import (
    Correction,
    Digest,
    Edition,
    Entry,
    EntryEdit,
    Facets,
    Group,
    Image,
    NamedLink,
    Placed,
    Reason,
    Section,
    Tried,
)
from digest.render import Letters
from subscribers.keyring import Keyring
from subscribers.model import Subscriber


def trial_letter(settings: Settings) -> None:
    """Compose a letter of invented entries in each language, to meet every branch of the templates.

    Raises ConfigError, which names the template and the line, or the part without an unsubscribe link.
    """
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    area = settings.taxonomy.policy_areas[0].slug if settings.taxonomy.policy_areas else ""
    picture = Image("https://example.org/trial.png", "A trial", 400, 300)
    # Two entries, because one has every part that an entry may have and the other lacks all it may lack.
    full = Entry(
        1, "Trial", "https://example.org/", "Trial", "case-study", now, now, "A trial.", language="ar", image=picture,
        facets=Facets((area,) if area else (), ("wales",), (), (), "Trial"),
        also_at=(NamedLink("Trial", "https://example.org/"), NamedLink("Trial", None)),
        earlier=NamedLink("Trial", "https://example.org/"), carried_from="2026-12-25",
        edit=EntryEdit("Trial", "A trial.", "Trial", "A note.\nA line.", "Trial"),
    )  # fmt: skip
    bare = Entry(2, "Trial", None, "", "post", None, now)
    first, other = Placed(1, Reason("area", area)), Placed(2, Reason("area"))
    # One group for both without policy areas, because there is no area to make a second group of.
    near = (Group(area, (first,)), Group("", (other,))) if area else (Group("", (first, other)),)
    far = Group("", (Placed(1, Reason("elsewhere-area", area)),))
    digest = Digest((Section("areas", near), Section("elsewhere", (far,))), more=1, again=True)
    edition = Edition(
        1, "weekly", "2027-01-01", "draft", False, "A note.", 0, "", question="A question?", step="A step."
    )
    letters = Letters(settings, edition, [full, bare], corrects=True)
    lines = (Correction(1, 1, "Trial", "A trial."), Tried(1, 1, "Trial", "A place", "A trial."))
    for language in sorted(letters.languages):
        reader = Subscriber(1, "reader@example.org", language=language, key="trial")
        signed = sign_letter(letters, reader, Keyring(b"0" * 32, [b"0" * 32]), 1)
        letter = composed(letters, reader, digest, signed, now, lines).letter
        for part, text in (("html", letter.html_text()), ("txt", letter.plain_text())):
            if f"{settings.site.base_url}/unsubscribe/" not in text:
                raise ConfigError(
                    [f"letter.{part}.j2: has no unsubscribe link; write {{{{ reader.unsubscribe_url }}}} into it"]
                )
