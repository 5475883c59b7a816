"""Three weeks in which everything happened to somebody: what `tests.outcomes` plays, and then more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from digest.desk import correct, edit, reword
from digest.editions import draft
from digest.gather import store_source
from digest.model import Source
from digest.sources.formats.feed import parse_feed
from digest.sources.read import Reading, Validators
from digest.store import editions
from digest.store.engine import writing
from subscribers import store as people
from tests.house import ANN
from tests.outcomes import Stage, address, interests

NOTE = "Families in Southend can now get help with feeding, sleep and money under one roof, from 40 midwives."
HUB, AGAIN = "New family hub opens in Southend", "Family hub for Southend opens"
MORE = {  # readers who join for the second week: what they follow, and their cadence
    "joiner": (interests(), "weekly"),
    "changed": (interests("transport"), "weekly"),
}


def two_more_weeks(stage: Stage) -> None:
    """Let a second and a third week pass after the one that was played; the fourth edition is drafted and stopped.

    An entry comes again, after it was retagged; another is kept from a region, two tell the same, one is corrected
    and one withdrawn. A reader comes back, two join, and of those who get nothing new some are offered what was left
    over.
    """
    stage.settings = replace(stage.settings, only=("@example.org",), letter_cap=2, elsewhere_cap=1)
    for name, (wanted, cadence) in MORE.items():
        stage.who[name] = stage.reader(address(name), cadence, wanted)
    edit.retag(stage.place, ANN, stage.entry["home"], {"policy_area": ("housing", "transport")})
    place = stage.place
    with writing(place.engine) as conn:
        people.lift(conn, address("left"), how="test", force=False, now=stage.now, secret=place.secret)
        people.confirm(conn, stage.who["left"], how="test", now=stage.now, secret=place.secret)
    stage.publish("Kept-from")
    _write(stage, "notes/hub.md", HUB)
    stage.learn("Kept-from", HUB)
    for titles in ((), (AGAIN,)):  # first its baseline
        _gazette(stage, *titles)
    stage.learn(AGAIN)
    reword.reword(stage.place, ANN, stage.entry["kept-from"], {"not_for": ("wales",)})
    correct.correct(stage.place, ANN, stage.entry["home"], "Two families, not one.")
    correct.withdraw(stage.place, ANN, stage.entry["study"], "It was never tried.")
    stage.run(days=7)
    with writing(stage.place.engine) as conn:
        people.update_interests(conn, stage.who["changed"], interests(), how="test", now=stage.now)
    stage.publish("Tram", "transport")
    stage.learn("Tram")
    stage.run(days=7)
    stage.publish("Next")
    stage.publish("Away", "transport", region="scotland")
    stage.learn("Next", "Away")
    place, weekly = stage.place, stage.settings.cadence("weekly")
    with writing(place.engine) as conn:
        number = draft.draft(conn, stage.settings, weekly, stage.now).id
        editions.hold(conn, number)
    stage.now += timedelta(hours=1)
    stage.who["late"] = stage.reader(address("late"), "weekly", interests())
    stage.publish("After")
    stage.learn("After")


def _write(stage: Stage, name: str, title: str) -> None:
    head = (
        f'title: "{title}"\nid: {name}\ndate: {stage.now:%Y-%m-%d}\nkind: post\nurl: https://{name[:4]}.example/hub'
    )
    text = f"---\n{head}\npolicy_areas: [housing]\nregions: [wales]\n---\n{NOTE}\n"
    (stage.folder / name).write_text(text, encoding="utf-8")


def _gazette(stage: Stage, *titles: str) -> None:
    """Let a source of a place, which tells that two texts are about it, show entries with these titles."""
    shown = "".join(
        f"<item><guid>{title}</guid><link>https://gazette.example/hub</link><title>{title}</title>"
        f"<description>{NOTE}</description><pubDate>{stage.now:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for title in titles
    )
    body = f"<rss version='2.0'><channel><title>x</title>{shown}</channel></rss>".encode()
    snapshot = parse_feed(body, content_type="", base_url="", now=stage.now)
    source = Source("Southend Gazette", url="https://feeds.example/", policy_areas=("housing",), regions=("wales",))
    row = store_source(stage.place, source, Reading("ok", snapshot, Validators()), stage.now)
    assert row.status == "ok", row
    stage.now += timedelta(minutes=31)
