"""Say what a person does about a database in HOLD, by the reason that the fence gives."""

from __future__ import annotations

from digest.errors import PersonNeeded
from digest.store.moved import HOW_TO_FOLLOW, MOVED

UNENDED = "the move into it has not ended"
REPLACED = "this host sends from it no more, because another host has begun anew with `digest db resume`"


def cure_of_hold(why: str) -> str:
    """Return what a person does about a HOLD, by its reason."""
    if why.startswith(MOVED):
        return HOW_TO_FOLLOW
    if why == UNENDED:
        return "give `digest db move` again, with the config.toml of the database that is moved"
    if why == REPLACED:
        return "if nothing else is wrong, give `digest db add-host` here"
    return "see with `digest db held` what it would send, then give `digest db resume --sent` or `--unsent`"


def in_hold(why: str) -> PersonNeeded:
    """Return the error that tells a HOLD, its reason and what to do."""
    if why in (UNENDED, REPLACED) or why.startswith(MOVED):
        return PersonNeeded(f"the database is in HOLD: {why}; nothing is mailed: {cure_of_hold(why)}")
    return PersonNeeded(
        f"the database is in HOLD: {why}; nothing is mailed. See what it would send with `digest db held`,"
        " then say what is true: `digest db resume --sent` (all that was due by now went out, the safe answer)"
        " or `digest db resume --unsent` (nothing went out after this state of the database)"
    )
