"""Tell when a reader's next letter is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from digest import schedule
from digest.config.settings import Settings
from digest.schedule import Slot
from subscribers.model import Subscriber

_MOMENT = timedelta(microseconds=1)


def next_letter(settings: Settings, person: Subscriber, now: datetime) -> Slot | None:
    """Return the slot of a reader's next letter, the first after their pause; None where their cadence has none.

    It comes only when there is something for them.
    """
    cadence = next((each for each in settings.cadences if each.name == person.cadence), None)
    if cadence is None:
        return None
    # A slot at the very end of the pause counts, because letters go out from that instant on.
    after = max(now, person.paused_until - _MOMENT) if person.paused_until else now
    # In the reader's own zone alone, because the edition may be frozen hours before, in another.
    zone = person.zone if person.zone in cadence.zones else settings.site.zone
    return schedule.next_slot(replace(cadence, zones=()), after, zone)
