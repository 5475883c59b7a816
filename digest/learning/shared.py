"""Tell which barriers of a case study were in the way in the case studies of a policy area too. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

ANY_AREA = ""  # in place of a policy area: all case studies


class SharedBarriers:
    """Count how often the case studies of each policy area name each barrier.

    `studies` has the policy areas and the barriers of each case study.
    """

    def __init__(self, studies: Iterable[tuple[Iterable[str], Iterable[str]]]) -> None:
        counts_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for areas, barriers in studies:
            for area in (*areas, ANY_AREA):
                counts = counts_of[area]
                for barrier in barriers:  # not by `update`, which takes three times as long for so few
                    counts[barrier] += 1
        self._counts = dict(counts_of)
        self._main = {
            area: min(counts, key=lambda barrier: (-counts[barrier], barrier))
            for area, counts in self._counts.items()
            if area != ANY_AREA and counts
        }

    def areas(self, own: tuple[str, ...], barrier: str) -> list[str]:
        """Return the policy areas of which another case study names a barrier of a counted case study, or ANY_AREA.

        `own` are its policy areas. Of the others only those count that name the barrier most often, because nearly
        every barrier is named once in a year of each.
        """
        shared = [area for area in (*own, ANY_AREA) if self._counts[area][barrier] > 1]
        return shared + [area for area, main in self._main.items() if area not in own and barrier == main]
