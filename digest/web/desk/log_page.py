"""Show the audit log: every act as a sentence, the newest first; admins take it away as JSON or CSV."""

from __future__ import annotations

import json
from typing import Any

from digest.desk.log import act_document, act_in_words, acts_as_csv, read_log
from digest.store.acts import Act
from digest.web.desk.page import ADMIN, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters

_MOST = 100  # acts of a page


def _show(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    name = given.text("object").strip()
    # With one more, which tells that there are older acts.
    log = read_log(desk.installation, object_name=name, before=given.number("before"), limit=_MOST + 1)
    older = log[_MOST - 1].number if len(log) > _MOST else None
    rows = [{"act": act, "sentence": act_in_words(act), "values": _values(act)} for act in log[:_MOST]]
    values = {"title": "Log", "rows": rows, "object": name, "older": older, "begins": given.number("before") is None}
    return DeskAnswer("log.html.j2", values)


def _values(act: Act) -> list[tuple[str, str, str]]:
    """Return (name, before, after) of the values that are too long for the sentence of an act."""
    names = list({**act.before, **act.after}) if act_in_words(act).count("…") else []
    return [(name.replace("_", " "), _text(act.before.get(name)), _text(act.after.get(name))) for name in names]


def _text(value: Any) -> str:
    """Return a value as a text, whole."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _as_json(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    text = json.dumps([act_document(act) for act in _whole(desk, given)], ensure_ascii=False, indent=1)
    return _file(text, "log.json", "application/json; charset=utf-8")


def _as_csv(desk: Desk, _asker: Asker, given: Parameters) -> DeskAnswer:
    return _file(acts_as_csv(_whole(desk, given)), "log.csv", "text/csv; charset=utf-8")


def _whole(desk: Desk, given: Parameters) -> list[Act]:
    """Return the log that the address asks for, whole, the oldest act first."""
    name, since = given.text("object"), given.number("since") or 0
    return read_log(desk.installation, object_name=name, since=since, limit=None)[::-1]


def _file(text: str, name: str, media_type: str) -> DeskAnswer:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return DeskAnswer(body=text.encode("utf-8", "replace"), media_type=media_type, headers=headers)


PAGES = (
    DeskPage("/desk/log", VIEWER, get=_show),
    DeskPage("/desk/log.json", ADMIN, get=_as_json),
    DeskPage("/desk/log.csv", ADMIN, get=_as_csv),
)
