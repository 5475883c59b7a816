"""Answer /healthz, whether requests can be answered, and /readyz, whether letters can leave and do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Engine, literal, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.errors import DigestError
from digest.operations.monitor import Monitor
from digest.store import migrate
from digest.store.engine import reading
from subscribers.errors import BadSecret
from subscribers.link_keys import LinkKeyFile
from subscribers.suppression import check_secret

_log = logging.getLogger(__name__)


def why_unhealthy(engine: Engine, secret: bytes, link_keys: LinkKeyFile) -> str:
    """Return why the database cannot be worked with, or did not make links with these keys; "" when all is well."""
    try:
        if not migrate.check_schema(engine, to_write=True):
            return "the database has no schema, or an older one than this program: `digest db upgrade`"
        with reading(engine) as conn:
            check_secret(conn, secret)
            link_keys.check(conn)
            for table in migrate.tables().sorted_tables:
                conn.execute(select(literal(1)).select_from(table).limit(1)).all()
    except (DigestError, BadSecret, SQLAlchemyError) as error:
        return str(error)
    return ""


def healthz(engine: Engine, secret: bytes, link_keys: LinkKeyFile) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that tells a monitor whether requests can be answered, with status 200 or 503."""

    async def answer(_request: Request) -> Response:
        why = await run_in_threadpool(why_unhealthy, engine, secret, link_keys)
        if not why:
            return JSONResponse({"ok": True})
        # In the log alone, because anybody may ask.
        _log.error("web: not healthy: %s", why)
        return JSONResponse({"ok": False}, 503)

    return answer


def readyz(monitor: Monitor) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that tells a monitor whether the installation does its work, with status 200 or 503.

    Its answer names each check that fails in words. A proxy must not take a server out of its pool by it: while
    letters wait for a person, readers still need their pages. That is what /healthz is for.
    """

    async def answer(_request: Request) -> Response:
        problems = (await run_in_threadpool(monitor.look)).problems
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)

    return answer
