"""Limit the mails that anybody may have sent to an address by a page: to the address, from a network, and in all.

To ask with the address of somebody else is so made pointless: their mailbox gets a mail a day and three a month, and
a program with many addresses soon gets none out. No answer tells that a limit was met.
"""

from __future__ import annotations

import logging
from datetime import datetime
from ipaddress import ip_network

from sqlalchemy import Connection

from digest.installation import Installation
from digest.store.engine import reading
from subscribers.asked import (
    BEYOND,
    NEW_LINK,
    Counts,
    count_askings,
    note_asking,
    note_flood,
    serialise_askings,
)

A_DAY, A_MONTH = 1, 3  # mails to confirm, to an address
LINKS_AN_HOUR = 3  # mails with a new link, to an address
NETWORK_DAY = 20  # mails that were asked for from a network
MAILS_AN_HOUR = 200  # of a kind to all addresses together; at so many, a flood is told to the operator
ASKINGS_AN_HOUR = 500  # that are stored, so that nobody can fill the disk
# A caller there is our own proxy that does not pass on whose request it is, so all the world would share the limit.
_OURS = tuple(
    map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)
_log = logging.getLogger(__name__)


def is_flooded(installation: Installation, kind: str) -> bool:
    """Return whether so many have asked within the hour that no more mail of a kind is stored or sent, for anybody.

    Ask it before the transaction that stores an asking, because a flood must not hold up the writing of others.
    """
    with reading(installation.engine) as conn:
        return _is_over(count_askings(conn, kind, "", "", installation.clock()))


def admit(conn: Connection, kind: str, address_hash: str, network: str, now: datetime) -> bool:
    """Return whether a mail of a kind, asked for on a network, may be sent to an address; note that it was asked for.

    An address that is never mailed counts like any other, because otherwise the limit of a network would tell. The
    flood that begins with this asking is noted too, at most once a day, for the operator's alarms.
    """
    serialise_askings(conn)
    counts = count_askings(conn, kind, address_hash, network, now)
    allowed = is_allowed(kind, counts, network) and not _is_over(counts)
    note_asking(conn, kind if allowed else BEYOND, address_hash, network, now)
    after = (counts.mails + allowed, counts.askings + 1)
    if (after[0] >= MAILS_AN_HOUR or after[1] >= ASKINGS_AN_HOUR) and note_flood(conn, now):
        _log.warning("web: too many ask for mails on the pages of readers; the rest of this hour they get none")
    return allowed


def is_allowed(kind: str, counts: Counts, network: str) -> bool:
    """Return whether one more mail of a kind may go to an address, for a caller on a network."""
    few_to_address = counts.address_day < A_DAY and counts.address_month < A_MONTH
    if kind == NEW_LINK:
        few_to_address = counts.address_hour < LINKS_AN_HOUR
    return few_to_address and (counts.network_day < NETWORK_DAY or not _is_foreign(network))


def _is_over(counts: Counts) -> bool:
    return counts.mails >= MAILS_AN_HOUR or counts.askings >= ASKINGS_AN_HOUR


def _is_foreign(network: str) -> bool:
    """Return whether a network is that of a caller, and not of a proxy of ours."""
    try:
        whose = ip_network(network)
    except ValueError:
        return False  # because of a caller without an address nothing is known
    return not any(whose.version == ours.version and whose.subnet_of(ours) for ours in _OURS)  # type: ignore[arg-type]
