"""Answer the test client's requests in the thread that asks, because a thread and a loop for each took 4 ms."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from starlette import testclient
from starlette.testclient import TestClient

_Task = asyncio.Task[None]


class _OwnThread:
    """Does what Starlette's test client asks of anyio's portal, on a loop that runs only while it is asked."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call a function on the loop, and wait for its result."""
        return self.loop.run_until_complete(_awaited(function, *arguments))

    def start_task_soon(self, function: Callable[[], Coroutine[Any, Any, None]]) -> _Task:
        """Begin a task, which goes on while something else is called."""
        return self.loop.create_task(function())

    def close(self) -> None:
        """Close the loop, when the threads that answered have been told to end."""
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


def answer_in_own_thread() -> None:
    """Let all test clients that are no lifespan's answer in the thread that asks them."""
    TestClient._portal_factory = _portal  # type: ignore[assignment]
    testclient.wait_futures = _finish  # type: ignore[assignment]


async def _awaited(function: Callable[..., Any], *arguments: object) -> Any:
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


@contextmanager
def _portal(client: TestClient) -> Iterator[Any]:
    if client.portal is not None:
        yield client.portal
        return
    portal = _OwnThread()
    try:
        yield portal
    finally:
        portal.close()


_wait_futures = testclient.wait_futures


def _finish(tasks: Sequence[Any]) -> None:
    for task in tasks:
        if not isinstance(task, asyncio.Task):
            _wait_futures([task])
        elif not task.done():
            task.get_loop().run_until_complete(asyncio.wait([task]))
