"""Serve the desk's stylesheet, script and icon. They hold nothing private, so that no session is needed."""

from __future__ import annotations

from digest.system.pages import stylesheet
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters, Show
from digest.web.icon import ICON_TYPE, icon_of

_KEEP = {"Cache-Control": "no-cache"}


def _file(name: str, media_type: str) -> Show:
    def show(_desk: Desk, _asker: Asker, _given: Parameters) -> DeskAnswer:
        return DeskAnswer(body=stylesheet(f"desk/{name}").encode(), media_type=media_type, headers=_KEEP)

    return show


def _icon(desk: Desk, _asker: Asker, _given: Parameters) -> DeskAnswer:
    return DeskAnswer(body=icon_of(desk.installation.settings.brand), media_type=ICON_TYPE, headers=_KEEP)


PAGES = (
    DeskPage("/desk/desk.css", VIEWER, get=_file("desk.css", "text/css; charset=utf-8"), public=True),
    DeskPage("/desk/desk.js", VIEWER, get=_file("desk.js", "text/javascript; charset=utf-8"), public=True),
    DeskPage("/desk/icon.svg", VIEWER, get=_icon, public=True),
    DeskPage("/desk/progress.js", VIEWER, get=_file("progress.js", "text/javascript; charset=utf-8"), public=True),
)
