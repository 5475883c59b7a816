"""Tell what an entry's publisher says of its place: in its name, its host, and the tail of a title. Pure."""

from __future__ import annotations

import re

from digest.facets.places.gazetteer import Gazetteer, Mention
from digest.facets.places.names import Place
from digest.facets.words import keys, word_set
from digest.model import NATIONAL

# Endings of hosts whose publishers speak for one nation or for London.
_SUFFIXES = {".wales": "wales", ".cymru": "wales", ".scot": "scotland", ".london": "london"}
# Endings of the names of publishers for one nation: sportscotland.org.uk, dataunitwales.gov.uk, health-ni.gov.uk.
_ENDINGS = {
    "wales": "wales", "cymru": "wales", "scotland": "scotland", "nidirect": "northern-ireland",
    "northernireland": "northern-ireland", "-ni": "northern-ireland", "hscni": "northern-ireland",
    "niauditoffice": "northern-ireland", "improvementservice": "scotland", "careinspectorate": "scotland",
}  # fmt: skip
# Labels of councils' hosts that do not spell their names: www.lbbd.gov.uk.
_ABBREVIATED = {
    label: slug
    for slug, labels in {
        "london": "lbbd lbhf rbkc", "south-west": "bathnes southglos bcpcouncil fdean",
        "south-east": "rbwm westberks tmbc easthants whitehorsedc southoxon westoxon milton-keynes",
        "yorkshire-and-the-humber": "nelincs northlincs hullcc", "east-of-england": "welhat eastherts",
        "east-midlands": "northnorthants westnorthants nwleics sholland bostonboro e-lindsey west-lindsey n-kesteven "
        "nederbyshire nsdc",
        "west-midlands": "stratford northwarks eaststaffsbc sstaffs staffsmoorlands bromsgroveandredditch",
        "scotland": "dumgal cne-siar clacks pkc scotborders west-dunbarton", "wales": "npt rctcbc",
        "northern-ireland": "derrystrabane nmandd armaghbanbridgecraigavon fermanaghomagh lisburncastlereagh",
    }.items()
    for label in labels.split()
}  # fmt: skip
_BODIES = {"improvement service": "scotland", "hsc": "northern-ireland"}  # bodies of a nation whose names lack it
_LOCAL_HOSTS = (".gov.uk", ".nhs.uk", ".police.uk", ".nhs.wales", ".llyw.cymru")
# A public body's host may go on after its place: merseycare.nhs.uk, humbersidefire.gov.uk.
_TAILS = (
    "council", "care", "fire", "police", "hospitals", "hospital", "health", "partnership", "healthandcare", "ics",
    "icb", "ccg", "cc", "dc", "bc", "mbc", "teaching", "trust", "ft", "th", "ca",
)  # fmt: skip
# Words by which the name of a publisher is that of a body of its place, and not a newspaper's or a university's.
_BODY = re.compile(
    r"\b(?:councils?|borough|county|nhs|hsc|trust|health|healthcare|healthwatch|police|constabulary|fire|authority"
    r"|board|partnership|audit|improvement|hospitals?|combined|city of|icb|ics|citizens advice|voluntary|community"
    r"|government|assembly|commissioner|housing|transport|mind|age uk|care|association|forum|network|alliance"
    r"|federation)\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s+[|–—»«·-]\s+|\s+::\s+")
# Last words of a publisher at the end of a title: "… | York Policy Notes".
_PUBLISHER = word_set(
    "news review weekly monthly quarterly daily blog journal press magazine live online times post echo herald "
    "gazette chronicle notes monitor bulletin digest newsletter media radio podcast today observer mail express "
    "guardian telegraph standard star argus council trust nhs university foundation institute association "
    "partnership network police com org uk academy insight insights report reports reporter society centre"
)
_LONGEST_TAIL = 7  # words


def split_tail(title: str, publisher: str) -> tuple[str, str]:
    """Return a title without its publisher's name at the end, and that name or ""."""
    separators = list(_SEPARATOR.finditer(title))
    if not separators:
        return title, ""
    head, tail = title[: separators[-1].start()], title[separators[-1].end() :].strip()
    words = keys(tail)
    if not head.strip() or not words or len(words) > _LONGEST_TAIL:
        return title, ""
    own = bool(publisher) and set(words) <= set(keys(publisher))
    last = tail.split()[-1]
    if own or (words[-1] in _PUBLISHER and (last[0].isupper() or "." in last)) or _is_name(head, tail):
        return head, tail
    # "… | York Policy Notes | Briefings"
    return split_tail(head, publisher) if len(words) == 1 and len(separators) > 1 else (title, "")


def _is_name(head: str, tail: str) -> bool:
    """Return whether the end of a title is written like a name, in capitals, and what is before it is not."""
    named = [word for word in tail.split() if word[0].isalpha() and len(word) > 3]
    plain = [word for word in head.split()[1:] if word[0].islower() and len(word) > 3]
    return len(named) > 1 and all(word[0].isupper() for word in named) and len(plain) > 1


def nation_of(gazetteer: Gazetteer, publisher: str, host: str) -> str:
    """Return the slug of Scotland, Wales or Northern Ireland (or London) when a publisher speaks for it, or ""."""
    labels = host.split(".")
    if "newsouthwales" in labels:
        return ""
    if slug := _SUFFIXES.get(f".{labels[-1]}"):
        return slug
    for label in labels:
        for ending, slug in _ENDINGS.items():
            if label.endswith(ending):
                return slug
    folded = " ".join(keys(publisher))
    for name, slug in _BODIES.items():
        if folded == name or folded.startswith(f"{name} "):
            return slug
    nations = {
        mention.regions[0]
        for mention in gazetteer.find(publisher)
        if mention.kind == "nation" and mention.strong and mention.regions != (NATIONAL,)
    }
    return nations.pop() if len(nations) == 1 else ""


def place_of_host(gazetteer: Gazetteer, host: str) -> Place | None:
    """Return the place of a council, health body or police force by the host of its pages, or None."""
    if not host.endswith(_LOCAL_HOSTS):
        return None
    for label in host.split("."):
        if slug := _ABBREVIATED.get(label):
            return Place("", "council", (slug,))
    for label in host.replace("-", ".").split("."):
        place = gazetteer.names.joined(label)
        for tail in _TAILS:
            if place is None and label.endswith(tail) and len(label) - len(tail) > 4:
                place = gazetteer.names.joined(label.removesuffix(tail))
        if place is not None and place.regions != (NATIONAL,):
            return place
    return None


def places_of_name(gazetteer: Gazetteer, publisher: str) -> list[Mention]:
    """Return the places in the name of a publisher that is a body of its place, in order."""
    if not _BODY.search(publisher):
        return []
    return [mention for mention in gazetteer.find(publisher) if mention.strong and mention.regions != (NATIONAL,)]
