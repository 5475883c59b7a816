"""The limits of mails that anybody may have sent: by address, by network, and in all."""

from __future__ import annotations

from dataclasses import replace

from digest.readers.limits import is_allowed
from subscribers.asked import NEW_LINK, TO_CONFIRM, Counts
from tests.counts import table

NONE = Counts()


@table(
    "counts, network, allowed",
    [
        (NONE, "198.51.100.0/24", True),
        (replace(NONE, address_day=1), "198.51.100.0/24", False),
        (replace(NONE, address_month=2), "198.51.100.0/24", True),
        (replace(NONE, address_month=3), "198.51.100.0/24", False),
        (replace(NONE, network_day=19), "198.51.100.0/24", True),
        (replace(NONE, network_day=20), "198.51.100.0/24", False),
        (replace(NONE, network_day=20), "2001:db8:7::/48", False),
        # A proxy of ours that does not tell whose request it passes on.
        (replace(NONE, network_day=999), "127.0.0.0/24", True),
        (replace(NONE, network_day=999), "10.1.2.0/24", True),
        (replace(NONE, network_day=999), "172.31.2.0/24", True),
        (replace(NONE, network_day=999), "192.168.0.0/24", True),
        (replace(NONE, network_day=999), "fc00:1::/48", True),
        (replace(NONE, network_day=999), "unknown", True),
        (replace(NONE, network_day=999, address_day=1), "10.1.2.0/24", False),
    ],
)
def test_a_mail_is_allowed_within_the_limits(counts: Counts, network: str, allowed: bool) -> None:
    assert is_allowed(TO_CONFIRM, counts, network) is allowed


@table(
    "counts, allowed",
    [(NONE, True), (replace(NONE, address_hour=2, address_day=9, address_month=90), True),
     (replace(NONE, address_hour=3), False), (replace(NONE, network_day=20), False)],
)  # fmt: skip
def test_a_new_link_has_limits_of_its_own(counts: Counts, allowed: bool) -> None:
    assert is_allowed(NEW_LINK, counts, "198.51.100.0/24") is allowed
