"""Judge by the words around a place name whether it is a place at all. Pure.

A name may also be a surname, an address, a company, a product or an ordinary word. `seq` is the words of the text,
and seq[first:last] the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from digest.facets.places.asides import is_example, is_venue
from digest.facets.words import BREAK, Word, key_at, word_set

# Words before a name that make it a place.
_PREPOSITIONS = word_set("in near around across throughout outside within from at")
_OF = word_set("city town borough district county council people residents university port bishop mayor")
# Words right after a name that only a place can have.
_CIVIC = word_set(
    "council councils councillor councillors borough hospital hospitals residents nhs ccg icb police station "
    "constabulary mayor mp mps prison academy district county city town"
)
_UK_ONLY = word_set("borough district nhs ccg icb constabulary metropolitan unitary")
# Words up to three words after a possessive that only a place can have: "Paisley's thread mills".
_OWNED = _CIVIC | word_set(
    "mill mills street streets market markets library libraries school schools shops centre river waterfront harbour "
    "pier park parks estate estates tenants pupils patients people families museum theatre bridge docks seafront "
    "homes housing buses roads parishes villages carers"
)
_CLINICAL = word_set("nhs health hospital hospitals")  # after "University" they are of a place: a health board
_STREETS = word_set("road street lane avenue square gardens terrace crescent")
_COMPASS = word_set("north south east west northern southern eastern western central mid greater")
# Words after the name of a people that make it people here, and no country: "Irish elders".
_PEOPLE = word_set(
    "community communities families family people refugee refugees traveller travellers elders speakers speaker "
    "women men carers nurses migrants heritage language food restaurant takeaway descent origin immigrants "
    "students music dance pensioners mothers fathers children"
)
_TITLES = word_set(
    "mr mrs ms miss dr prof professor sir dame lady baroness baron cllr councillor rev reverend judge justice "
    "sergeant inspector superintendent constable captain major colonel nurse canon sister president chairwoman "
    "chairman chairperson"
)
_SAYS = word_set(
    "says said argues writes wrote warns warned explains explained recalls recalled asks asked adds added"
)
# Companies, by the word after a place that begins their name; it has a capital.
_COMPANIES = word_set(
    "ltd limited plc inc llp consulting consultancy consultants analytics economics partners capital insurance bank "
    "holdings software technologies pharmaceuticals motors press publishing publishers brewery airways airlines "
    "ventures instruments biosciences therapeutics diagnostics robotics "
    "solicitors securities investments assurance academic"
)
# Products and breeds, by a word after a place.
_PRODUCTS = word_set(
    "cake cakes gin tea teas pudding puddings pasty pasties pie pies cheese ale ales stout whisky whiskey sausage "
    "sausages bun buns tart tarts sauce hotpot rarebit crab kippers marmalade mustard fudge toffee shortbread cider "
    "biscuits terrier terriers spaniel spaniels retriever retrievers sheepdog corgi corgis collie collies hound pony "
    "ponies cow cows cattle sheep pig pigs comma commas shirt shirts shoes brogues tweed lace carpet carpets china "
    "porcelain slate"
)
# After a product these words speak of a place all the same: "the Leeds tea dance".
_TRADES = word_set(
    "dance dances party parties sale shop shops maker makers producer producers festival farm farms farmer farmers "
    "factory room rooms trail market museum works industry"
)


@cache
def given_names() -> frozenset[str]:
    """Return the given names of people, which make the next word a surname."""
    data = files("digest.facets.places").joinpath("data", "given.txt").read_text(encoding="utf-8")
    return frozenset(line for line in data.splitlines() if not line.startswith("#"))


def is_compass(seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is only compass points: "North East", "Mid"."""
    return all(seq[i].key in _COMPASS for i in range(first, last))


def follows_as_home(text: str, seq: Sequence[Word], last: int, first: int, end: int, *, abroad: bool) -> bool:
    """Return whether seq[first:end] is the county or country of the name that ends before seq[last].

    True for "Durham, Ohio", "Newport (Isle of Wight)" and "Newport in Shropshire": neither a list ("Leeds, Oslo and
    Rome") nor a people. `abroad`: it is a place abroad.
    """
    between = [seq[index].key for index in range(last, first)]
    if between in (["in"], ["in", "the"]):
        return True
    if abroad and len(between) == 2 and between[1] in (",", "in") and text[seq[last].start].isupper():
        return True  # "Lincoln Park, Chicago"
    if len(between) != 1:
        return False
    if between == [","]:
        return not goes_on_as_list(text, seq, end)
    return text[seq[last].start] == "("


def goes_on_as_list(text: str, seq: Sequence[Word], end: int) -> bool:
    """Return whether a list goes on after a name that ends before seq[end]: "and", or a comma and a capital."""
    if key_at(seq, end) == "," and end + 1 < len(seq):
        return text[seq[end + 1].start].isupper()
    return key_at(seq, end) in ("and", "or")


def other_meaning(text: str, seq: Sequence[Word], first: int, last: int, kind: str, *, headline: bool) -> str:
    """Return why the text is not about the place of this name and `kind`, or "".

    `headline`: the text is a title, in which lessons from a place are about it.
    """
    before, after = key_at(seq, first - 1), key_at(seq, last)
    if seq[first].start and text[seq[first].start - 1] in "./@":
        return "an address"
    if kind in ("town", "council", "county") and _is_surname(text, seq, first, last):
        return "a surname"
    if (
        kind not in ("nation", "region", "outside", "people")
        and after in _STREETS
        and text[seq[last].start].isupper()
    ):
        return "an address"
    if (before == "of" and key_at(seq, first - 2) == "university") or _is_university(text, seq, last):
        return "a university"
    if _is_company(text, seq, last):
        return "a company"
    if _is_product(seq, last):
        return "a product"
    if kind == "people" and after in _PEOPLE:
        return "a people"
    if is_example(text, seq, first, last, headline=headline):
        return "an example"
    if kind not in ("outside", "people") and is_venue(text, seq, first, last):
        return "a venue"
    return ""


def _is_surname(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the name is a person's: after a given name or title, before an age, or beside a quotation."""
    before, after = key_at(seq, first - 1), key_at(seq, last)
    if before in _TITLES or (before in given_names() and text[seq[first - 1].start].isupper()):
        return text[seq[first - 1].start].isupper()
    if before == BREAK and text[seq[first - 1].start] == "." and key_at(seq, first - 2) in _TITLES:
        return text[seq[first - 2].start].isupper()
    if key_at(seq, first - 2) in _TITLES and before != BREAK and text[seq[first - 1].start].isupper():
        return text[seq[first - 2].start].isupper()
    if after == "et" and key_at(seq, last + 1) == "al":
        return True
    if after in _SAYS and before == BREAK and first > 0 and text[seq[first - 1].start] in "'’”\"":
        return True
    age = key_at(seq, last + 1)
    if after == "," and age == "aged":
        return True
    return after == "," and age.isdigit() and len(age) < 3 and key_at(seq, last + 2) in (",", BREAK)


def _is_university(text: str, seq: Sequence[Word], last: int) -> bool:
    """Return whether a university's name goes on after seq[last]: "Leeds University", "Leeds Beckett University"."""
    at = last if key_at(seq, last) in ("university", "uni") else last + 1
    if key_at(seq, at) not in ("university", "uni") or (at > last and not text[seq[last].start].isupper()):
        return False
    return not any(key_at(seq, index) in _CLINICAL for index in range(at + 1, at + 3))


def _is_company(text: str, seq: Sequence[Word], last: int) -> bool:
    """Return whether a company's name goes on after seq[last]: "Oxford Economics", "Leeds Building Society"."""
    if last >= len(seq) or not text[seq[last].start].isupper():
        return False
    pair = (seq[last].key, key_at(seq, last + 1))
    return seq[last].key in _COMPANIES or pair in (("building", "society"), ("stock", "exchange"))


def _is_product(seq: Sequence[Word], last: int) -> bool:
    """Return whether a product or a breed is named after the place: "Yorkshire terriers", "Kendal mint cake"."""
    at = last if key_at(seq, last) in _PRODUCTS else last + 1
    plain = at == last or key_at(seq, last) in ("mint", "pork", "clotted", "cream", "bull")
    return plain and key_at(seq, at) in _PRODUCTS and key_at(seq, at + 1) not in _TRADES


def civic(seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether the words around the name are British: "Boston Borough Council", "Borough of Reading"."""
    if key_at(seq, first - 1) == "of" and key_at(seq, first - 2) in ("borough", "district"):
        return True
    return key_at(seq, last) in _UK_ONLY


def located(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether words around the name make it a place: "in Reading", "Reading council", "the city of Bath"."""
    before, after = key_at(seq, first - 1), key_at(seq, last)
    if after in _CIVIC or _owns(text, seq, last):
        return True
    if before == "of":
        return key_at(seq, first - 2) in _OF
    if before not in _PREPOSITIONS:
        return False
    # Not so in "in Bath Time" and "in March 2024", because a capital or a number follows where a place would end.
    return not (last < len(seq) and (after[:1].isdigit() or _goes_on(text, seq, first, last)))


def is_local(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether a name is a local body's or owns something: "Reading council", "Reading's schools"."""
    if key_at(seq, last) in _CIVIC or (last - first > 1 and seq[last - 1].key in _CIVIC):
        return True
    if text[seq[last - 1].start : seq[last - 1].end + 1].rstrip().lower().endswith(("'s", "’s", "s'", "s’")):
        return True
    return key_at(seq, first - 1) == "of" and key_at(seq, first - 2) in _OF


def _owns(text: str, seq: Sequence[Word], last: int) -> bool:
    """Return whether the name is a possessive of something that only a place has: "Paisley's high street"."""
    if text[seq[last - 1].end - 2 : seq[last - 1].end].lower() not in ("'s", "’s"):
        return False
    return any(key_at(seq, index) in _OWNED for index in range(last, last + 3))


def _goes_on(text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether a capitalised longer word follows: "in Reading Skills". False where all is in CAPITALS."""
    word, before = seq[last], seq[first - 1]
    shouted = text[before.start : before.end].isupper()
    return word.key not in (",", BREAK) and len(word.key) > 3 and text[word.start].isupper() and not shouted
