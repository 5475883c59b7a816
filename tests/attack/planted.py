"""A web application with six holes on purpose: an attack tool that does not find them proves nothing about ours."""

from __future__ import annotations

import html
import sqlite3
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

# {hole: the page that has it}
HOLES = {
    "script in a page": "/echo",
    "open redirect": "/go",
    "file outside the folder": "/file",
    "form that other sites can send": "/change",
    "text run as SQL": "/find",
    "command of the system": "/lookup",
}
_HOME = """<!doctype html><title>Planted</title><h1>Planted</h1>
<a href="/echo?text=hello">Echo</a> <a href="/go?to=/echo">Go</a> <a href="/file?name=note.txt">File</a>
<a href="/change">Change</a> <a href="/find?number=1">Find</a> <a href="/lookup?host=localhost">Look up</a>"""


def planted_app(folder: Path) -> Starlette:
    """Return the application; `folder` gets its database, with rows in it, and a file."""
    database = folder / "planted.db"
    with sqlite3.connect(database) as db:
        db.execute("CREATE TABLE reader (number INTEGER PRIMARY KEY, name TEXT)")
        db.executemany("INSERT INTO reader VALUES (?, ?)", [(1, "Ann"), (2, "Ben"), (3, "Cy")])
    (folder / "note.txt").write_text("a note")

    async def home(_request: Request) -> Response:
        return _with_session(HTMLResponse(_HOME))

    async def echo(request: Request) -> Response:
        return HTMLResponse(f"<!doctype html><title>Echo</title><p>{request.query_params.get('text', '')}</p>")

    async def go(request: Request) -> Response:
        return RedirectResponse(request.query_params.get("to", "/"), 302)

    async def file(request: Request) -> Response:
        try:
            return Response(
                (folder / request.query_params.get("name", "note.txt")).read_bytes(), media_type="text/plain"
            )
        except (OSError, ValueError) as error:
            return HTMLResponse(html.escape(str(error)), 404)

    async def change(request: Request) -> Response:
        if request.method == "POST":
            return HTMLResponse("<!doctype html><title>Changed</title><p>Changed.</p>")
        form = '<form method="post" action="/change"><input name="email" value="a@example.org"></form>'
        return _with_session(HTMLResponse(f"<!doctype html><title>Change</title>{form}"))

    async def find(request: Request) -> Response:
        with sqlite3.connect(database) as db:
            try:
                rows = db.execute(
                    f"SELECT name FROM reader WHERE number = {request.query_params['number']}"
                ).fetchall()
            except sqlite3.Error as error:
                return HTMLResponse(f"<p>sqlite3.OperationalError: {html.escape(str(error))}</p>", 500)
        return HTMLResponse("<!doctype html><title>Find</title>" + "".join(f"<p>{name}</p>" for (name,) in rows))

    async def lookup(request: Request) -> Response:
        import subprocess

        host = request.query_params.get("host", "localhost")
        answer = subprocess.run(
            f"getent hosts {host}", shell=True, capture_output=True, text=True, check=False, timeout=20
        )
        return HTMLResponse(f"<!doctype html><title>Look up</title><pre>{html.escape(answer.stdout)}</pre>")

    pages = {"/": home, "/echo": echo, "/go": go, "/file": file, "/find": find, "/lookup": lookup}
    routes = [Route(path, page) for path, page in pages.items()]
    return Starlette(routes=[*routes, Route("/change", change, methods=["GET", "POST"])])


def _with_session(response: Response) -> Response:
    response.set_cookie("session", "1234")
    return response
