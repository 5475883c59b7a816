"""Explain: for every reader and every entry of a run in which everything happened, the outcome and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit, explain
from digest.errors import WrongUse
from digest.store import deliveries, editions
from digest.store.engine import reading
from subscribers.errors import NoSubscriber
from tests.house import ANN
from tests.outcomes import COPY, HOME, READERS, SUMS, Stage, address

ENTRIES = ("base", "home", "bus", "far", "study", "over", "dropped", "kept", "later")
WORDS = {
    "-": "baseline", "in": "included", "out": "outside", "cap": "over-cap", "off": "elsewhere-off", "drop": "dropped",
    "held": "held", "owed": "owed", "b4": "before-joining", "bnc": "bounced", "ref": "refused", "unc": "uncertain",
    "sup": "suppressed", "pen": "pending", "can": "cancelled", "left": "left", "new": "unconfirmed",
}  # fmt: skip
# Written by hand from what each reader follows and what happened to them; nothing of it is computed.
TABLE = """
                 base home bus  far  study over dropped kept later
accepted         -    in   out  out  in    cap  drop    held owed
delivered        -    in   out  out  in    cap  drop    held owed
bounced          -    bnc  out  out  bnc   cap  drop    held owed
complained       -    in   out  out  in    cap  drop    held sup
refused          -    ref  out  out  ref   cap  drop    held owed
uncertain        -    unc  out  out  unc   cap  drop    held owed
suppressed       -    sup  sup  sup  sup   sup  drop    held sup
suppressed-late  -    sup  out  out  sup   cap  drop    held sup
paused           -    held held held held  held drop    held held
paused-late      -    pen  out  out  pen   cap  drop    held held
left             -    left left left left  left drop    held left
left-late        -    sup  out  out  sup   cap  drop    held left
unlisted-late    -    can  out  out  can   cap  drop    held held
unconfirmed      -    new  new  new  new   new  drop    held new
buses            -    out  in   out  out   out  drop    held owed
scot             -    in   out  cap  in    cap  drop    held owed
near             -    in   out  out  off   in   drop    held owed
leader           -    out  in   out  in    out  drop    held owed
all              -    in   cap  cap  in    cap  drop    held owed
londoner         -    off  out  out  off   off  drop    held owed
monthly          -    owed owed owed owed  owed drop    held owed
fortnightly      -    owed owed owed owed  owed drop    held owed
newcomer         -    b4   b4   b4   b4    b4   drop    held owed
"""
# What must be said, in words, of some of them: (reader, entry, words).
SAID = [
    (
        "accepted",
        "home",
        "included in edition {n} (weekly 2026-11-06), accepted by the transport: they follow Housing",
    ),
    ("accepted", "study", "from elsewhere (Scotland): they follow Housing"),
    ("delivered", "home", "accepted by the transport, delivered: they follow"),
    ("bounced", "home", "accepted by the transport, but bounced (mailbox full): they follow"),
    ("complained", "home", "delivered, but the reader complained"),
    ("refused", "home", "refused (550 5.1.1"),
    ("uncertain", "home", "uncertain: handed over, the answer is unknown (`digest settle`)"),
    ("suppressed", "home", "not in edition {n} (weekly 2026-11-06): suppressed"),
    ("suppressed", "later", "this address is suppressed (bounced)"),
    ("suppressed-late", "home", "not handed over (suppressed)"),
    ("paused", "home", "not in edition {n} (weekly 2026-11-06): held (paused); a later edition considers it again"),
    ("paused", "later", "they have paused"),
    ("paused-late", "home", "frozen, to be handed over (paused)"),
    ("unlisted-late", "home", "cancelled (not on the allow-list)"),
    ("unlisted-late", "later", "not on the allow-list of this installation"),
    ("left", "later", "they have left"),
    ("unconfirmed", "home", "have not confirmed yet"),
    ("buses", "home", "outside their interests (case-study; Housing, Wales)"),
    ("accepted", "far", "outside their interests (post; Housing, Scotland)"),
    ("accepted", "over", "over the cap"),
    ("near", "study", "from elsewhere, which they switched off"),
    ("accepted", "dropped", "withdrawn: dropped by an editor"),
    ("accepted", "kept", "held for an editor"),
    ("accepted", "base", "was there when its source was first gathered"),
    ("accepted", "later", "the weekly edition of 2026-11-13 will"),
    ("monthly", "home", "the monthly edition of 2026-12-01 will"),
    ("fortnightly", "home", "they follow the fortnightly cadence, which config.toml does not have"),
    ("newcomer", "home", "released before this subscriber joined"),
]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The stage that `stage` copies."""
    return Stage(tmp_path_factory.mktemp("played") / "house").play()


@pytest.fixture
def stage(played: Stage, tmp_path: Path) -> Iterator[Stage]:
    """The house in which everything has happened."""
    made = played.copy(tmp_path / "house")
    made.settings = replace(made.settings, only=played.settings.only, letter_cap=played.settings.letter_cap)
    yield made
    made.close()


def expected() -> dict[tuple[str, str], str]:
    head, *rows = TABLE.strip().splitlines()
    assert tuple(head.split()) == ENTRIES
    cells = {}
    for row in rows:
        name, *codes = row.split()
        cells |= {(name, entry): WORDS[code] for entry, code in zip(ENTRIES, codes, strict=True)}
    return cells


def said_of(house: Stage, name: str, entry: str) -> explain.Explanation:
    return explain.explain(house.place, address(name), str(house.entry[entry]))[2]


@pytest.mark.long
def test_every_reader_and_every_entry_has_its_outcome(tmp_path: Path, pipeline_url: str) -> None:
    stage = Stage(tmp_path / "house", pipeline_url).play()
    wanted = expected()
    assert {name for name, _ in wanted} == set(READERS) - {"erased-late"}
    found = {(name, entry): said_of(stage, name, entry) for name, entry in wanted}
    wrong = [
        f"{name}, {entry}: {found[name, entry]}, expected {word}"
        for (name, entry), word in wanted.items()
        if found[name, entry].outcome != word
    ]
    assert not wrong, "\n".join(wrong)
    assert all(one.reasons and all(one.reasons) for one in found.values())
    for name, entry, words in SAID:
        words = words.format(n=stage.number)
        assert any(words in line for line in found[name, entry].reasons), (name, entry, found[name, entry])
    stage.close()


@pytest.mark.long
def test_the_account_of_that_run_balances_and_every_letter_is_told(stage: Stage) -> None:
    with reading(stage.place.engine) as conn:
        one = editions.get(conn, stage.number)
        assert one is not None
        sums = asdict(deliveries.receipt(conn, one))
    assert {key: sums[key] for key in SUMS} == SUMS
    assert sums["pending"] == 1
    assert sum(SUMS[key] for key in SUMS if key != "eligible") + 1 == SUMS["eligible"]
    for name, line in {
        "accepted": "accepted; 2 entries, 1 more", "delivered": "accepted, delivered; 2 entries",
        "bounced": "accepted, but bounced; 2 entries", "paused": "held (paused); no letter",
        "suppressed": "suppressed (suppressed); no letter", "londoner": "empty; no letter",
    }.items():  # fmt: skip
        _, _, told = explain.explain(stage.place, address(name))
        assert told.reasons[0].startswith(f"edition {stage.number} (weekly 2026-11-06): {line}"), told
    with pytest.raises(NoSubscriber, match="no subscriber has this address or id"):
        explain.explain(stage.place, address("erased-late"), "1")


@pytest.mark.long
def test_a_duplicate_is_told_as_the_entry_it_is(stage: Stage) -> None:
    place, home = stage.place, stage.entry["home"]
    by_url = {url: explain.explain(place, address("accepted"), url) for url in (HOME, COPY, HOME + "/?utm_source=x")}
    assert {entry for _, entry, _ in by_url.values()} == {home}
    assert {found.outcome for _, _, found in by_url.values()} == {"included"}
    copies = [url for url, (_, _, found) in by_url.items() if "a duplicate of entry" in found.reasons[0]]
    assert len(copies) == 2
    assert not (HOME in copies and COPY in copies)
    with pytest.raises(WrongUse, match="was never gathered"):
        explain.explain(place, address("accepted"), "https://two.example/another")


@pytest.mark.long
def test_what_was_had_and_comes_again_is_still_included(stage: Stage) -> None:
    edit.retag(stage.place, ANN, stage.entry["home"], {"policy_area": ("housing", "transport")})
    stage.settings = replace(stage.settings, only=(), letter_cap=12)
    stage.postman.answers = {}
    stage.run(days=7)
    told = said_of(stage, "accepted", "home")
    assert told.outcome == "included"
    assert "already had in an earlier letter" in told.reasons[0]
    assert said_of(stage, "bounced", "home").outcome == "bounced"
    # Their first letter was refused, so the second try is theirs; and who follows buses gets it for the first time.
    assert said_of(stage, "refused", "home").outcome == "included"
    assert said_of(stage, "buses", "home").outcome == "included"
    stage.now += timedelta(days=30)
    stage.run()
    assert said_of(stage, "paused", "home").outcome == "included"
    assert said_of(stage, "paused-late", "home").outcome == "included"
