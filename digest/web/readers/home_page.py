"""Show who sends these letters, with a sample letter, and lead to the pages on which people join and read on."""

from __future__ import annotations

from digest.web.letters import LETTER_POLICY
from digest.web.readers.choosing import choices_of
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.shell import page_styles, policy_of

_SAMPLE_POLICY = LETTER_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words, settings, sample = pages.words_of(visit), pages.settings, pages.samples.newest()
    zone = settings.site.zone
    values = {
        "name": settings.brand.name or settings.site.name,
        "tagline": settings.brand.tagline,
        "publisher": settings.brand.address or settings.site.postal_address,
        "areas": choices_of(pages, words).policy_areas,
        "sample": sample.edition if sample else None,
        "day": words.day(sample.edition.frozen_at, zone) if sample else "",
        "joins": pages.offers_join,
        "archive": pages.archived is not None,
        "sample_language": words.language,
    }
    # The letter brings styles of its own, so it stands in a frame.
    policy = f"{policy_of(page_styles(settings.brand))}; frame-src 'self'"
    headers = {"Content-Security-Policy": policy}
    return ReaderAnswer("readers/home.html.j2", words, values, headers=headers, indexed=True)


def _show_sample(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words, sample = pages.words_of(visit), pages.samples.newest()
    if sample is None:
        return told(words, ReaderMessage(words.say("no_letter_title"), [words.say("home_no_sample")], 404))
    html = pages.samples.page(sample, words.language)
    return ReaderAnswer(body=html.encode(), headers={"Content-Security-Policy": _SAMPLE_POLICY})


PAGES = (ReaderRoute("/", _show), ReaderRoute("/sample", _show_sample))
