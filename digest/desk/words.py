"""Say in words for the desk and the terminal what the codes of entries, digests and deliveries mean."""

from __future__ import annotations

from digest.model import UNKNOWN, Reason, Taxonomy

# Codes of `Digest.left_out`.
LEFT_OUT = {
    "outside": "outside their interests",
    "over-cap": 'over the cap: counted in "N more"',
    "had": "already had in an earlier letter",
    "elsewhere-off": "from elsewhere, which they switched off",
    "not-for": "an editor keeps it from followers of one of their regions or policy areas",
}
# Of an entry that a letter shows though it was new in an earlier edition.
CARRIED_OVER = "offered again, because an earlier letter had no room for it"
# States of an entry that is not ready.
ENTRY_STATES = {
    "baseline": "was there when its source was first gathered: not owed to readers",
    "held": "held for an editor (`digest entries --state held`)",
    "withheld": "its source does not release it now (`digest entries --state withheld`)",
    "dropped": "withdrawn: dropped by an editor",
    "duplicate": "a near-duplicate of another source's entry (`digest release` lets it go out all the same)",
}
# States of a delivery.
DELIVERY_STATES = {
    "accepted": "accepted by the transport",
    "pending": "frozen, to be handed over",
    "claimed": "being handed over",
    "uncertain": "uncertain: handed over, the answer is unknown (`digest settle`)",
    "refused": "refused",
    "cancelled": "cancelled",
    "suppressed": "not handed over",
    "had": "handed over",  # by a delivery that was condensed
}
FATES = {"delivered": "delivered", "bounced": "but bounced", "complained": "delivered, but the reader complained"}
# Reasons of `consent.may_mail` why a reader must not be mailed now; a suppression aside.
NOT_MAILED = {
    "left": "they have left: nothing is owed to them",
    "pending": "they have not confirmed yet: nothing is owed to them",
    "paused": "they have paused their letters: the first edition after the pause considers it",
    "not on the allow-list": "not on the allow-list of this installation ([transport] only)",
}
# States and reasons of plans, said of readers who get no letter.
NO_LETTER = {
    "empty": "nothing in this edition matches what they follow",
    "suppressed": "suppressed, so never mailed",
    "paused": "they have paused their letters",
    "not on the allow-list": "they are not on the allow-list of this installation ([transport] only)",
}


def masked_address(address: str) -> str:
    """Return an address as editors and the log see it: its first letter and its domain, "a…@example.org"."""
    return f"{address[:1]}…@{address.rpartition('@')[2]}"


def reason_in_words(reason: Reason, taxonomy: Taxonomy) -> str:
    """Return why an entry is in a digest, in words."""
    if reason.code == "had":
        return "the reason is not kept any more"
    region = "" if reason.region == UNKNOWN else taxonomy.name(reason.region)
    place = f"from elsewhere ({region})" if region else "from elsewhere"
    if reason.code == "elsewhere-barrier":
        area = f"{taxonomy.name(reason.area)}, which" if reason.area else "a policy area that"
        return f"{place}: its barrier, {reason.slug}, is one in case studies of {area} they follow"
    followed = f"they follow {taxonomy.name(reason.slug)}" if reason.slug else "they follow every policy area"
    if reason.code == "area":
        return f"{followed}; {region}" if region else followed
    return f"{place}: {followed}"
