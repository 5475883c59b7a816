"""Masks of entries: counting bits and taking the first ones, held against lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.facets.masks import bits, count_bits, first

MASKS = st.integers(0, (1 << 40) - 1)


@given(st.lists(st.tuples(MASKS, st.integers(0, 300)), max_size=8))
def test_each_bit_is_counted_as_often_as_its_masks_count(masks: list[tuple[int, int]]) -> None:
    assert count_bits(iter(masks), 40) == [sum(times for mask, times in masks if mask >> n & 1) for n in range(40)]


@given(MASKS, st.integers(0, 45))
def test_the_first_entries_are_those_of_the_lowest_bits(mask: int, count: int) -> None:
    assert list(bits(first(mask, count))) == list(bits(mask))[:count]
