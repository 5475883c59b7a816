"""The desk's words for a reason."""

from __future__ import annotations

from digest.desk.words import reason_in_words
from digest.model import UNKNOWN, Reason, Taxonomy, Term
from tests.counts import table

TAXONOMY = Taxonomy((Term("housing", "Housing"),))


@table(
    "reason, seen",
    [
        (Reason("area", "housing", "wales"), "they follow Housing; Wales"),
        (Reason("area", "", UNKNOWN), "they follow every policy area"),
        (Reason("elsewhere-area", "housing", "wales"), "from elsewhere (Wales): they follow Housing"),
        (Reason("elsewhere-area", "housing", UNKNOWN), "from elsewhere: they follow Housing"),
        (
            Reason("elsewhere-barrier", "trust", "wales"),
            "from elsewhere (Wales): its barrier, trust, is one in case studies of a policy area that they follow",
        ),
        (
            Reason("elsewhere-barrier", "law", UNKNOWN, "housing"),
            "from elsewhere: its barrier, law, is one in case studies of Housing, which they follow",
        ),
    ],
)
def test_a_reason_in_words_names_no_place_that_is_unknown(reason: Reason, seen: str) -> None:
    assert reason_in_words(reason, TAXONOMY) == seen
