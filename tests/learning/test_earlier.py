"""Recognise named programmes in titles, and nothing that only looks like one."""

from __future__ import annotations

from digest.learning.earlier import is_about, programmes, titles_about
from tests.counts import table


@table(
    "title, names",
    [
        ("Wigan Deal: what the evaluation found", ("Wigan Deal",)),
        ("What the Wigan Deal has changed for staff", ("Wigan Deal",)),
        ("How Leeds Neighbourhood Networks’ lunch clubs began", ("Leeds Neighbourhood Networks",)),
        (
            "The Three Conversations approach, and Live Well Kernow’s swimmers",
            ("Three Conversations", "Live Well Kernow"),
        ),
        ("Wigan Deal For Children Wins A Prize", ()),  # capitals tell nothing here
        ("Wigan Deal", ()),
        ("Housing help in Milton Keynes and elsewhere", ()),
        ("News from Milton Keynes Council about its budget", ()),
        ("Greater Manchester agrees to share records", ()),
        ("The meeting with Professor Mary Lowe about records", ()),
        ("Mental Health and Social Care in one team at last", ()),
        ("Rolling out Windows 11 and Web 2.0 to the wards", ()),
        ("a title without any capital", ()),
        ("", ()),
    ],
)
def test_the_names_in_a_title(title: str, names: tuple[str, ...]) -> None:
    assert programmes(title, ("Milton Keynes",)) == names


@table(
    "title, same",
    [
        ("Ten years of the Wigan Deal", True),
        ("The Wigan Deal’s first year", True),
        ("Wigan deal struck with housing firm", False),
        ("The Wigan Dealers", False),
    ],
)
def test_a_title_is_about_a_name_that_is_written_the_same(title: str, same: bool) -> None:
    assert is_about(title, "Wigan Deal") is same


def test_the_titles_that_hold_each_of_many_names() -> None:
    titles = [(1, "Ten years of the ‘Wigan Deal’"), (2, "The Wigan Deal’s first year"), (3, "The Wigan Dealers")]
    names = ["Wigan Deal", "Wigan Dealers", *(f"Name{n} Deal{n}" for n in range(2000))]
    numbers = titles_about(titles, names)
    assert len(numbers) == 2002
    assert {name: some for name, some in numbers.items() if some} == {"Wigan Deal": [1, 2], "Wigan Dealers": [3]}
