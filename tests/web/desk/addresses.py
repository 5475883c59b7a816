"""Give every page of the desk an address that an editor would open, for tests and benchmarks of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digest.web.desk.page import DeskPage


@dataclass(frozen=True, slots=True)
class Visited:
    """What the addresses name: an entry of the next weekly edition, a reader of it, and both editions by number."""

    entry: int
    reader: int
    edition: int
    frozen: int
    area: str
    region: str

    @property
    def parts(self) -> dict[str, object]:
        """Return the parts of paths by their names."""
        names = {
            "cadence": "weekly",
            "entry": self.entry,
            "edition": self.frozen,
            "session": 1,
            "editor": 1,
            "invitation": 1,
        }
        return names | {"token": "no-such-token", "key": "no-such-key"}

    def queries(self, path: str) -> tuple[str, ...]:
        """Return the queries with which a page is opened: with nothing chosen, and with all that may be chosen."""
        made_up = f"area={self.area}&region={self.region}"
        entry = f"entry={self.entry}"
        letter = f"edition={self.edition}&reader={self.reader}"
        more = {
            "/desk/{cadence}": ("", f"{entry}&reader={self.reader}", f"{entry}&{made_up}", f"{entry}&digest=1"),
            "/desk/{cadence}/news": ("after=0",),
            "/desk/{cadence}/letter": (letter, f"{letter}&form=raw", f"edition={self.edition}&{made_up}"),
            "/desk/{cadence}/coverage/cell": (made_up,),
            "/desk/{cadence}/rule": (entry,),
            "/desk/log": ("", f"object=entry+{self.entry}"),
        }
        return more.get(path, ("",))


def addresses(pages: Iterable[DeskPage], visited: Visited) -> list[tuple[str, str]]:
    """Return (path of the page, address) of every page that answers a GET.

    Raises KeyError for a part of a path that is not known here: give it a value above, that the page can be opened.
    """
    return [
        (page.path, page.path.format_map(visited.parts) + (f"?{query}" if query else ""))
        for page in pages
        if page.get is not None
        for query in visited.queries(page.path)
    ]
