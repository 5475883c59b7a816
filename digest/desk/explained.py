"""Word for an operator why a reader got an entry or did not: the lines of `digest explain`."""

from __future__ import annotations

from digest.desk.words import (
    CARRIED_OVER,
    DELIVERY_STATES,
    ENTRY_STATES,
    FATES,
    LEFT_OUT,
    NOT_MAILED,
    reason_in_words,
)
from digest.editions.plan import late_in_words
from digest.model import Reason, Taxonomy
from digest.readers import decisions
from digest.readers.decisions import Decided, EditionName, Explained, LetterState

_NEW = Reason("had")  # stands in where no reason is kept


def explained_lines(explained: Explained, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the lines that tell an operator each decision, in their order."""
    return tuple(line for decided in explained.decisions for line in _lines(decided, taxonomy))


def edition_in_words(edition: EditionName | None) -> str:
    """Return an edition as an operator sees it named."""
    assert edition is not None
    return f"edition {edition.id} ({edition.cadence} {edition.slot})"


def _lines(decided: Decided, taxonomy: Taxonomy) -> list[str]:
    if decided.code == decisions.NOT_READY:
        return [ENTRY_STATES[decided.state], *([decided.why] if decided.why else [])]
    return [_line(decided, taxonomy)]


def _line(decided: Decided, taxonomy: Taxonomy) -> str:
    if decided.code in _WITHOUT_EDITION:
        return _WITHOUT_EDITION[decided.code].format(cadence=decided.cadence, day=decided.day)
    if decided.code == decisions.NOT_MAILED:
        if decided.state == "suppressed":
            return f"this address is suppressed ({decided.why}): it is never mailed"
        return NOT_MAILED[decided.state]
    where = edition_in_words(decided.edition)
    if decided.edition_state:
        return _coming(decided, where)
    if decided.code == decisions.NOT_KEPT:
        return f"not had with {where}; why is not kept any more"
    letter = decided.letter
    assert letter is not None
    if decided.code == decisions.INCLUDED:
        again = f"; {CARRIED_OVER}" if decided.again else ""
        reason = reason_in_words(decided.reason or _NEW, taxonomy)
        return f"included in {where}, {_letter_in_words(letter)}: {reason}{again}"
    if decided.code == decisions.NO_DIGEST:
        later = "; a later edition considers it again" if letter.state == "held" else ""
        reason = "" if letter.reason in ("", letter.state) else f" ({letter.reason})"
        return f"not in {where}: {letter.state}{reason}{later}"
    about = f" ({_facets(decided, taxonomy)})" if decided.code == "outside" else ""
    return f"not in {where}: {LEFT_OUT.get(decided.code, decided.code)}{about}"


_WITHOUT_EDITION = {
    decisions.BEFORE_JOINING: "released before this subscriber joined here (or came back)",
    decisions.BEFORE_RESTORE: "counted as sent when the database was restored (`digest db resume --sent`)",
    decisions.NO_CADENCE: "not considered yet: they follow the {cadence} cadence, which config.toml does not have",
    decisions.AWAITED: "not considered yet: the {cadence} edition of {day} will",
}


def _coming(decided: Decided, where: str) -> str:
    """Return the line for an edition that is not frozen."""
    state = "stopped by an editor" if decided.edition_state == "stopped" else decided.edition_state
    where = f"{where}, which is {state}"
    if decided.code == decisions.TOO_LATE:
        return f"not in {where}: {late_in_words(decided.cadence, decided.why, decided.day)}"
    if decided.code == decisions.COMING:
        return f"not sent yet: it is in {where}"
    return f"not in {where}: {LEFT_OUT.get(decided.code, decided.code)}"


def _letter_in_words(letter: LetterState) -> str:
    """Return the state of a letter in words, with the fate that later events told."""
    reason, state = letter.reason, DELIVERY_STATES.get(letter.state, letter.state)
    if letter.state == "pending" and letter.blocked:
        # Because the claim checks again: a paused reader's letter waits, others are not handed over.
        reason = letter.blocked
        state = state if reason == "paused" else "frozen, but not to be handed over"
    line = f"{state}{f' ({reason})' if reason else ''}"
    if letter.fate:
        fate = FATES.get(letter.fate, letter.fate)
        line += f", {fate}{f' ({letter.fate_reason})' if letter.fate_reason else ''}"
    return line


def _facets(decided: Decided, taxonomy: Taxonomy) -> str:
    """Return an entry's kind, policy areas and regions in words, as an edition carried them."""
    assert decided.entry is not None
    slugs = (*decided.entry.facets.policy_areas, *decided.entry.facets.regions)
    return f"{decided.entry.kind}; {', '.join(taxonomy.name(slug) for slug in slugs)}"
