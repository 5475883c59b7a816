"""Test tags: a tag leads to its delivery alone, and nobody without the secret can make a valid tag."""

from __future__ import annotations

import hmac
from collections.abc import Collection

import pytest

from digest.transports.tag import TagKeys, bounce_address, delivery_tag, read_tag, tagged_numbers
from tests.counts import table

SECRET, OTHER = b"s" * 32, b"o" * 32
KEYS = TagKeys("reader", "edition")


def read(text: str, secret: bytes = SECRET, keys: TagKeys = KEYS) -> int | None:
    """Read a tag where every delivery is there and bound to `keys`."""
    return read_tag(secret, lambda numbers: dict.fromkeys(numbers, keys), text)


def tag(delivery: int, secret: bytes = SECRET, keys: TagKeys = KEYS) -> str:
    return delivery_tag(secret, delivery, keys)


def old_tag(delivery: int) -> str:
    """Return a tag of the old form, as programs before keys made it."""
    return f"{delivery}-{hmac.digest(SECRET, f'delivery {delivery}'.encode(), 'sha256').hex()[:20]}"


@pytest.mark.parametrize("delivery", [1, 417, 2**63 - 1])
def test_there_and_back(delivery: int) -> None:
    address = bounce_address("bounce@example.org", tag(delivery))
    local, _, domain = address.partition("@")
    assert (local.split("+")[0], domain) == ("bounce", "example.org")
    assert len(local) <= 64
    assert read(tag(delivery)) == delivery
    assert read(f"Bounces <{address.upper()}>, other@example.org") == delivery


def test_nobody_else_can_make_a_valid_tag() -> None:
    good = tag(417)
    assert read(good, OTHER) is None
    forged = [f"{n}-{good.partition('-')[2]}" for n in (1, 41, 418, 4170)]
    forged += [good[:-1], good + "0", f"1{good}", "417", "417-", "", "-", "0-" + "0" * 20, "9" * 30 + "-" + "0" * 20]
    forged += [
        good[:n] + ("0" if good[n] != "0" else "1") + good[n + 1 :] for n in range(len(good)) if good[n] != "-"
    ]
    assert [text for text in forged if read(text) is not None] == []


@table(
    "now, counts",
    [
        (KEYS, True),
        (TagKeys("another", "edition"), False),  # the number is another reader's delivery
        (TagKeys("reader", "another"), False),  # the number is the same reader's, of another edition
        (TagKeys("edition", "reader"), False),
        (TagKeys("reader", "edition", old_tags=True), True),
        (TagKeys("another", "edition", old_tags=True), False),
    ],
)
def test_a_tag_is_bound_to_the_keys_of_reader_and_edition(now: TagKeys, counts: bool) -> None:
    assert (read(tag(417), keys=now) == 417) is counts


def test_a_tag_of_the_old_form_counts_only_for_a_delivery_that_keeps_it() -> None:
    assert read(old_tag(417), keys=TagKeys("reader", "edition", old_tags=True)) == 417
    assert read(old_tag(417)) is None
    assert read(f"418-{old_tag(417).partition('-')[2]}", keys=TagKeys("reader", "edition", old_tags=True)) is None


def test_a_delivery_that_is_not_there_is_none() -> None:
    def only_two(numbers: Collection[int]) -> dict[int, TagKeys]:
        return {2: KEYS} if 2 in numbers else {}

    assert read_tag(SECRET, only_two, tag(1)) is None
    assert read_tag(SECRET, only_two, f"{tag(1)} {tag(2)}") == 2


def test_two_deliveries_at_once_are_none() -> None:
    assert read(f"{tag(1)} {tag(2)}") is None
    assert read(f"{tag(1)} {tag(1)}") == 1
    assert read(f"{tag(1)} {tag(2, OTHER)}") == 1


def test_the_numbers_of_all_tags_are_told_for_one_query() -> None:
    assert tagged_numbers(
        f'[{{"mid": "{tag(1)}"}}, {{"mid": "{tag(2, OTHER)}"}}, "3-", "{9 * 10**18 * 2}-{"0" * 20}"]'
    ) == {1, 2}
