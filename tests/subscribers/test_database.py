"""Chunks of values keep their order and lose nothing."""

from __future__ import annotations

from collections.abc import Iterable

from subscribers.database import CHUNK, chunks
from tests.counts import table


@table(
    "values, expected",
    [
        ([], []),
        ([7], [[7]]),
        ([3, 1, 2], [[3, 1], [2]]),
        ([1, 2, 3, 4], [[1, 2], [3, 4]]),
        ([1, 1, 1], [[1, 1], [1]]),
        (iter([5, 4, 3]), [[5, 4], [3]]),
        ({"b": 0, "a": 1, "c": 2}, [["b", "a"], ["c"]]),
    ],
)
def test_chunks_hold_every_value_once_and_in_order(values: Iterable[object], expected: list[list[object]]) -> None:
    assert list(chunks(values, 2)) == expected


def test_a_chunk_is_as_many_values_as_a_statement_binds() -> None:
    assert [len(chunk) for chunk in chunks(range(2 * CHUNK + 1))] == [CHUNK, CHUNK, 1]
