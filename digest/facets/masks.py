"""Tell as bit masks which entries of an edition have which values of a facet. Pure.

In a mask of entries bit n stands for the edition's entry n, so that a reader's entries are found by a few operations
on numbers, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import reduce
from operator import or_


class FacetMasks:
    """The values of one facet of an edition's entries, each entry's strongest first, as masks.

    `ranks` is the most values that an entry has, `span` the bits of a mask for each rank. Times `each`, a mask is
    repeated for each rank. A value of `always` is followed by every reader. `followers` returns what a reader follows
    who is to get an entry (its number) by a value of it: that value itself, unless given.
    """

    def __init__(
        self,
        values: Sequence[tuple[str, ...]],
        always: tuple[str, ...] = (),
        followers: Callable[[int, str], Iterable[str]] = lambda _, value: (value,),
    ) -> None:
        self._values, self._size = values, len(values)
        self._all = (1 << self._size) - 1
        self.ranks = max(map(len, values), default=0)
        self.span = self.ranks * self._size
        self.each = repeated(self.ranks, self._size)
        # By what is followed: a mask by rank, of the entries that have it there.
        self._masks: dict[str, int] = {}
        for number, slugs in enumerate(values):
            for rank, slug in enumerate(slugs):
                for followed in followers(number, slug):
                    self._masks[followed] = self._masks.get(followed, 0) | 1 << rank * self._size + number
        self._by_all = reduce(or_, (self._masks.get(slug, 0) for slug in always), 0)

    def followed(self, wanted: frozenset[str]) -> tuple[int, int]:
        """Return the mask of the entries with a value that is wanted, and the same by rank.

        By rank: a mask for each rank, one above the other, of the entries whose first value that is wanted has it.
        """
        having = self._by_all
        for slug in wanted:
            having |= self._masks.get(slug, 0)
        entries = by_rank = having & self._all
        for rank in range(1, self.ranks):
            here = having >> rank * self._size & self._all & ~entries
            by_rank |= here << rank * self._size
            entries |= here
        return entries, by_rank

    def value(self, number: int, rank: int) -> str:
        """Return the value of an entry that masks by rank, shifted by its number, point to; "" for none."""
        for slug in self._values[number]:
            if rank & 1:
                return slug
            rank >>= self._size
        return ""


def mask_of(entries: Iterable[bool]) -> int:
    """Return the mask of the entries that are true."""
    return sum(1 << number for number, is_in in enumerate(entries) if is_in)


def alike(values: Sequence[Collection[str]]) -> list[int]:
    """Return for each entry the mask of the entries that share a value with it; each shares its own."""
    having: dict[str, int] = {}
    for number, some in enumerate(values):
        for value in some:
            having[value] = having.get(value, 0) | 1 << number
    masks = []
    for number, some in enumerate(values):
        mask = 1 << number
        for value in some:
            mask |= having[value]
        masks.append(mask)
    return masks


def kin(regions: Sequence[Collection[str]], sources: Sequence[str], but: str) -> list[list[int]]:
    """Return the masks of the entries of the same region or source, of the same region, and of the same entry.

    A region `but` is like no other.
    """
    own = [{f"region {slug}" for slug in some if slug != but} for some in regions]
    both = [some | {f"source {source}"} for some, source in zip(own, sources, strict=True)]
    return [alike(both), alike(own), alike([() for _ in sources])]


def repeated(times: int, size: int) -> int:
    """Return the number that, times a mask of `size` bits, is the mask repeated."""
    return sum(1 << number * size for number in range(times))


def bits(mask: int) -> Iterator[int]:
    """Yield the numbers of a mask's entries, in the edition's order."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def count_bits(masks: Iterable[tuple[int, int]], size: int) -> list[int]:
    """Return for each of `size` bits in how many masks it is set; with each mask comes how often it counts.

    Bit n of the k-th of `digits` is the k-th binary digit of the count of bit n, so that a mask costs a few
    operations on numbers, however many bits it has.
    """
    digits: list[int] = []
    for mask, times in masks:
        weight = times.bit_length()
        digits += [0] * (weight - len(digits))
        for place in range(weight):
            carry, at = (mask if times >> place & 1 else 0), place
            while carry:
                if at == len(digits):
                    digits.append(0)
                digits[at], carry = digits[at] ^ carry, digits[at] & carry
                at += 1
    return [sum((digit >> bit & 1) << place for place, digit in enumerate(digits)) for bit in range(size)]


def first(mask: int, count: int) -> int:
    """Return the mask of the first `count` entries of a mask."""
    if mask.bit_count() <= count:
        return mask
    low, high = 0, mask.bit_length()
    while low < high:  # halve the range of the lengths, because a busy policy area has a hundred entries
        middle = (low + high) // 2
        if (mask & (1 << middle) - 1).bit_count() < count:
            low = middle + 1
        else:
            high = middle
    return mask & (1 << low) - 1


def varied(
    tiers: Sequence[int], families: Sequence[Sequence[int]], count: int, single: int = 0, taken: int = 0
) -> int:
    """Return the mask of up to `count` entries: the first of the best tier, and so on, none alike while others wait.

    `tiers` are masks of entries, best first; the entries `taken` are in it in any case. `families` are masks as `kin`
    returns them: when every entry left is alike by the first of them to one that was taken, the next is asked. Of
    the entries of `single` at most one is taken, and none that is alike to others.
    """
    left = reduce(or_, tiers)
    for masks in families:
        waiting = left
        for number in bits(taken):
            waiting &= ~masks[number]
        while waiting and taken.bit_count() < count:
            best = next(there for tier in tiers if (there := tier & waiting))
            lowest = best & -best
            taken |= lowest
            waiting &= ~(masks[lowest.bit_length() - 1] | (single if lowest & single else 0))
        left &= ~single
    return taken
