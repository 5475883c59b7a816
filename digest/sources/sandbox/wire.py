"""Write a snapshot as JSON bytes and read it back: the form in which a child answers of a feed. Pure.

Of a page it answers with its text, of at most MAX_TEXT characters.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from digest.model import Image, Ingredient, Sighting, Snapshot

MAX_TEXT = 40_000
_SIGHTING_FIELDS = tuple(field.name for field in fields(Sighting))
_INSTANTS = ("published", "not_before", "not_after")
_TUPLES = ("categories", "policy_areas", "regions", "themes")


def dump_snapshot(snapshot: Snapshot) -> bytes:
    """Return the snapshot as UTF-8 JSON."""
    document = {
        "title": snapshot.title,
        "language": snapshot.language,
        "problems": snapshot.problems,
        "deleted": snapshot.deleted,
        "whole": snapshot.whole,
        "older": snapshot.older,
        "sightings": [_plain(sighting) for sighting in snapshot.sightings],
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def load_snapshot(document: bytes) -> Snapshot:
    """Return the snapshot that `dump_snapshot` wrote; ValueError, KeyError or TypeError if it is not one."""
    loaded = json.loads(document)
    return Snapshot(
        sightings=tuple(_sighting(values) for values in loaded["sightings"]),
        title=loaded["title"],
        language=loaded["language"],
        problems=tuple(loaded["problems"]),
        deleted=tuple(loaded["deleted"]),
        whole=loaded["whole"],
        older=loaded["older"],
    )


def _plain(sighting: Sighting) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(sighting, name) for name in _SIGHTING_FIELDS}
    for name in _INSTANTS:
        values[name] = values[name].isoformat() if values[name] is not None else None
    if sighting.image is not None:
        image = sighting.image
        values["image"] = [image.url, image.alt, image.width, image.height]
    return values


def _sighting(values: dict[str, Any]) -> Sighting:
    for name in _INSTANTS:
        values[name] = datetime.fromisoformat(values[name]) if values[name] is not None else None
    if values["image"] is not None:
        values["image"] = Image(*values["image"])
    for name in _TUPLES:
        values[name] = tuple(values[name])
    given = values["ingredients"]
    values["ingredients"] = tuple(Ingredient(name, text, tuple(named), by) for name, text, named, by in given)
    return Sighting(**values)
