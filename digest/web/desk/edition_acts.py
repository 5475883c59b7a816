"""Answer the forms of the page on which an edition is made: each does one act by `digest.desk` and leads back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digest.desk import arrange, edit, ingredients, rules
from digest.desk import pool as desk_pool
from digest.desk import undo as desk_undo
from digest.desk.acts import Hand
from digest.desk.arrange import edition_name
from digest.desk.by_hand import Written, write_entry
from digest.desk.entry_acts import entry_name
from digest.desk.reword import TYPED, change_entry, is_sources_own
from digest.errors import WrongUse
from digest.facets.rules import FIELDS
from digest.store import acts
from digest.store.engine import reading
from digest.web.desk.edition_page import back_to, entry_choices
from digest.web.desk.page import EDITOR, VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters, cadence_in
from subscribers import store as people

_LATELY = 20  # acts among which that of a form is
_WORDS = ("subject", "note", "question", "step")


def _draft(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    cadence = cadence_in(desk, form)
    edition, _ = desk_pool.draft_again(desk.installation, asker.hand(form), cadence)
    return back_to(cadence, form, _own(desk, asker.hand(form), edition_name(edition.id)))


def _entry(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Save how an entry is shown and what it is about."""
    cadence, number, hand = cadence_in(desk, form), _number(form, "number"), asker.hand(form)
    wanted: dict[str, Any] = {
        name: form.text(name) for name in ("title", "summary", "note", "open_question", "last_day")
    }
    for name in ("title", "summary"):
        # As the form shows it, because its source may have given another one since.
        if form.has(own := f"own_{name}") and is_sources_own(form.text(name), form.text(own), TYPED[name]):
            wanted[name] = ""
    given = {facet: _chosen(form, plural) for facet, plural in FIELDS.items()}
    wanted["not_for"] = form.all("not_for")
    change_entry(desk.installation, hand, number, wanted, given, form.text("kind"))
    return back_to(cadence, form, _own(desk, hand, entry_name(number)), to="entry", entry=number)


def _chosen(form: Parameters, plural: str) -> tuple[str, ...]:
    """Return the ticked values of a facet, and the one that was typed beside them."""
    return tuple(
        dict.fromkeys([*form.all(plural), *filter(None, map(str.strip, form.text(f"{plural}_add").split(";")))])
    )


def _place(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Pin an entry, take its pin out, or move it: up, down or to a number."""
    cadence, number, edition = cadence_in(desk, form), _number(form, "number"), _number(form, "edition")
    hand, act = asker.hand(form), form.text("act")
    if act in ("pin", "unpin"):
        arrange.pin(desk.installation, hand, edition, number, on=act == "pin")
    elif act == "own-order":
        arrange.as_it_came(desk.installation, hand, edition)
    elif act in ("up", "down", "move"):
        here = _number(form, "place")
        place = {"up": here - 1, "down": here + 1}.get(act, here)
        arrange.move_entry(desk.installation, hand, edition, number, place)
    else:
        raise WrongUse("say what to do with the entry: pin, unpin, up, down or move; nothing was changed")
    return back_to(cadence, form, _own(desk, hand, edition_name(edition)), to=f"e{number}" if number else "entries")


def _state(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Release an entry, or drop it."""
    cadence, number, hand = cadence_in(desk, form), _number(form, "number"), asker.hand(form)
    if form.text("act") == "release":
        edit.release(desk.installation, hand, [number])
    elif form.text("act") == "drop":
        edit.drop(desk.installation, hand, [number])
    else:
        raise WrongUse("say what to do with the entry: release or drop; nothing was changed")
    return back_to(cadence, form, _own(desk, hand, entry_name(number)), to="entry")


def _ingredients(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Save the lines of ingredients: some mended, some left out, perhaps a new one; or take all as they are read."""
    cadence, number, hand = cadence_in(desk, form), _number(form, "number"), asker.hand(form)
    if form.has("as_read"):
        ingredients.as_read(desk.installation, hand, number)
        return back_to(cadence, form, _own(desk, hand, entry_name(number)), to="entry", entry=number)
    _, lines = ingredients.ingredients_shown(desk.installation, number)
    places = range(1, len(lines) + 1)
    # A form tells the lines that it shows, because those of another reading may stand at their places.
    shown = [form.text(f"was-{n}") for n in range(1, len(lines) + 2) if form.has(f"was-{n}")]
    if shown and shown != [line.text for line in lines]:
        raise WrongUse("the lines have changed since you opened the entry; open it again; nothing was changed")
    mended = [n for n in places if form.has(f"text-{n}") and form.text(f"text-{n}").strip() != lines[n - 1].text]
    left_out = [n for n in places if form.text(f"use-{n}") == "no" or n in mended]
    given = [(lines[n - 1].name, form.text(f"text-{n}")) for n in mended if form.text(f"use-{n}") != "no"]
    if form.text("new_text").strip():
        given.append((form.text("new_name"), form.text("new_text")))
    ingredients.mend_lines(desk.installation, hand, number, left_out, given)
    return back_to(cadence, form, _own(desk, hand, entry_name(number)), to="entry", entry=number)


def _words(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    cadence, edition = cadence_in(desk, form), _number(form, "edition")
    wanted = {name: form.text(name) for name in _WORDS if form.has(name)}
    hand = asker.hand(form)
    arrange.word_edition(desk.installation, hand, edition, wanted)
    return back_to(cadence, form, _own(desk, hand, edition_name(edition)), to="words")


def _write(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    cadence = cadence_in(desk, form)
    facets = {plural: chosen for plural in FIELDS.values() if (chosen := _chosen(form, plural))}
    written = Written(
        form.text("title"), form.text("text"), form.text("url"), form.text("kind"), form.text("source"), facets
    )
    hand = asker.hand(form)
    number, _ = write_entry(desk.installation, hand, written)
    return back_to(cadence, form, _own(desk, hand, entry_name(number)), to="entry", entry=number)


def _write_page(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    cadence = cadence_in(desk, query)
    values = {"title": "Add an entry by hand", "cadence": cadence, **entry_choices(desk)}
    return DeskAnswer("write.html.j2", values)


def _rules_page(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    """Offer rules that would have made the correction of an entry, each with what it would change."""
    cadence, number = cadence_in(desk, query), _number(query, "entry")
    problem = ""
    effects: Sequence[rules.Effect] = ()
    try:
        effects = rules.suggestions(desk.installation, number, asker.name)
    except WrongUse as error:
        problem = str(error)
    values = {
        "title": f"A rule from entry {number}?",
        "cadence": cadence,
        "number": number,
        "effects": effects,
        "differences": rules.differences,
        "problem": problem,
        "may_edit": asker.may(EDITOR),
    }
    return DeskAnswer("rules.html.j2", values)


def _rule(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    """Make one of the suggested rules; which one is told by its place and its condition, because others may come."""
    cadence, number = cadence_in(desk, form), _number(form, "number")
    effects = rules.suggestions(desk.installation, number, asker.name)
    chosen = next((effect for effect in effects if effect.rule.condition == form.text("condition")), None)
    if chosen is None:
        raise WrongUse("this rule is not offered any more, because an entry or a rule has changed; look again")
    rule, _ = rules.add(desk.installation, asker.hand(form), chosen, also_waiting=form.has("also_waiting"))
    return back_to(cadence, form, _own(desk, asker.hand(form), rules.rule_name(rule.number)), entry=number)


def _undo(desk: Desk, asker: Asker, form: Parameters) -> DeskAnswer:
    act = _number(form, "act")
    desk_undo.undo(desk.installation, Hand(asker.name), act)
    with reading(desk.installation.engine) as conn:
        done = acts.undone(conn, [act])[act]
    cadence = form.text("cadence")
    return back_to(cadence, form, done) if cadence else DeskAnswer(location="/desk/log")


def _find(desk: Desk, _asker: Asker, form: Parameters) -> DeskAnswer:
    """Find a reader by address or number: by a POST, because no address may stand in an address of a page."""
    cadence = cadence_in(desk, form)
    with reading(desk.installation.engine) as conn:
        person = people.named(conn, form.text("who").strip())
    return back_to(cadence, form, to="letter", reader=person.id, digest="")


def _own(desk: Desk, hand: Hand, name: str) -> int:
    """Return the newest act of the person on an object, to be told on the page that follows; 0: nothing was done.

    It is not another editor's, because the script of the page takes it as the newest that the person has seen.
    """
    with reading(desk.installation.engine) as conn:
        newest = acts.listing(conn, object_name=name, limit=_LATELY)
    own = next((act.number for act in newest if act.by == hand.by), 0)
    return own if newest and (newest[0].number == own or own > (hand.seen or 0)) else 0


def _number(form: Parameters, name: str) -> int:
    number = form.number(name)
    if number is None:
        raise WrongUse(f"“{name}” is missing; open the page again; nothing was changed")
    return number


PAGES = (
    DeskPage("/desk/{cadence}/write", EDITOR, get=_write_page, post=_write),
    DeskPage("/desk/{cadence}/rule", VIEWER, get=_rules_page, post=_rule, post_role=EDITOR),
    DeskPage("/desk/{cadence}/draft", EDITOR, post=_draft),
    DeskPage("/desk/{cadence}/entry", EDITOR, post=_entry),
    DeskPage("/desk/{cadence}/place", EDITOR, post=_place),
    DeskPage("/desk/{cadence}/state", EDITOR, post=_state),
    DeskPage("/desk/{cadence}/ingredients", EDITOR, post=_ingredients),
    DeskPage("/desk/{cadence}/words", EDITOR, post=_words),
    DeskPage("/desk/{cadence}/reader", VIEWER, post=_find),
    DeskPage("/desk/undo", EDITOR, post=_undo),
)
