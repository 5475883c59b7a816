"""Test tags: a tag leads to its delivery, and nobody without the secret can make a valid tag."""

from __future__ import annotations

import pytest

from digest.transports.tag import bounce_address, delivery_tag, read_tag

SECRET, OTHER = b"s" * 32, b"o" * 32


@pytest.mark.parametrize("delivery", [1, 417, 2**63 - 1])
def test_there_and_back(delivery: int) -> None:
    address = bounce_address(SECRET, "bounce@example.org", delivery)
    local, _, domain = address.partition("@")
    assert (local.split("+")[0], domain) == ("bounce", "example.org")
    assert len(local) <= 64
    assert read_tag(SECRET, delivery_tag(SECRET, delivery)) == delivery
    assert read_tag(SECRET, f"Bounces <{address.upper()}>, other@example.org") == delivery


def test_nobody_else_can_make_one() -> None:
    tag = delivery_tag(SECRET, 417)
    assert read_tag(OTHER, tag) is None
    forged = [f"{n}-{tag.partition('-')[2]}" for n in (1, 41, 418, 4170)]
    forged += [tag[:-1], tag + "0", f"1{tag}", "417", "417-", "", "-", "0-" + "0" * 20, "9" * 30 + "-" + "0" * 20]
    forged += [tag[:n] + ("0" if tag[n] != "0" else "1") + tag[n + 1 :] for n in range(len(tag)) if tag[n] != "-"]
    assert [text for text in forged if read_tag(SECRET, text) is not None] == []


def test_two_deliveries_at_once_are_none() -> None:
    assert read_tag(SECRET, f"{delivery_tag(SECRET, 1)} {delivery_tag(SECRET, 2)}") is None
    assert read_tag(SECRET, f"{delivery_tag(SECRET, 1)} {delivery_tag(SECRET, 1)}") == 1
    assert read_tag(SECRET, f"{delivery_tag(SECRET, 1)} {delivery_tag(OTHER, 2)}") == 1
