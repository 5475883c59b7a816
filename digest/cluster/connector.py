"""Connect Procrastinate to the database of an installation, with the same address, password and certificates."""

from __future__ import annotations

from typing import Any

from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection

from digest.store.engine import make_engine
from digest.store.postgresql import FIRST_NOTICING, NOTICE_LOSS, driver_parameters

_PATIENCE = 5.0  # seconds to wait for a connection, before the worker counts the server as away
_MOST = 4  # connections of a worker for its queue, beside two that listen, and those of its jobs


def make_connector(url: str) -> PsycopgConnector:
    """Return the connector for the database at `storage.url`; nothing is connected to yet."""
    return PsycopgConnector(
        kwargs=parameters_of(url), min_size=1, max_size=_MOST, timeout=_PATIENCE, configure=_notice_loss
    )


async def _notice_loss(connection: AsyncConnection[Any]) -> None:
    """Let the server end a session whose worker was cut off: its open statement may lock rows of the queue."""
    if connection.info.server_version // 10_000 >= FIRST_NOTICING[0]:
        await connection.execute(NOTICE_LOSS)
        await connection.commit()


def parameters_of(url: str) -> dict[str, Any]:
    """Return the parameters of a connection as the driver takes them: also passwords, files and sslmode."""
    engine = make_engine(url)
    try:
        return {**driver_parameters(engine), "application_name": "digest worker"}
    finally:
        engine.dispose()


def unconnected_app() -> App:
    """Return an app that has no connection of its own: for jobs that are deferred on the connection of a caller."""
    return App(connector=PsycopgConnector())
