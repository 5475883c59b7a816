"""[privacy] and [accessibility]: everything has a default, and each mistake is named with its cure."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from digest.config.load import load
from digest.config.settings import Settings
from digest.errors import ConfigError
from tests.counts import table
from tests.house import CONFIG

BASE = CONFIG.format(source="", weekly="")


def settings_of(folder: Path, more: str = "", base: str = BASE) -> Settings:
    """Return the settings of a config file with more tables."""
    (folder / "notes").mkdir(exist_ok=True)
    (folder / "config.toml").write_text(base + more, encoding="utf-8")
    return load(folder / "config.toml", {})


def test_both_statements_need_no_table(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, base=BASE.replace("[gather]", 'postal_address = "1 Example St"\n[gather]'))
    privacy, access = settings.privacy, settings.accessibility
    assert (privacy.controller, privacy.address, privacy.contact) == ("Digest", "1 Example St", "digest@example.org")
    assert (privacy.authority, privacy.basis, privacy.delivered_by_company) == ("uk", "consent", False)
    assert (access.contact, access.enforcement, access.checked) == ("digest@example.org", "ehrc", None)


def test_an_organisation_elsewhere_has_no_british_authority(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '\n[places]\ngazetteer = "none"\n')
    assert (settings.privacy.authority, settings.accessibility.enforcement) == ("", "")


def test_the_tables_say_what_only_the_organisation_knows(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_bytes(b"\xef\xbb\xbf# Children\r\n\r\nWe ask\r\nno age.\r\n\r\n\r\nMore.")
    settings = settings_of(
        tmp_path,
        """
[privacy]
controller = "Example Council"
contact = "Data <data@council.example>"
basis = "public-task"
authority = "none"
backups = "30 days"
changed = 2026-11-30
text = { en-GB = "more.txt" }
[accessibility]
failing = { cy = ["Dim."] }
answer_within = "5 days"
enforcement = "ecni"
""",
    )
    privacy, access = settings.privacy, settings.accessibility
    assert (privacy.controller, privacy.contact, privacy.basis) == (
        "Example Council", "data@council.example", "public-task",
    )  # fmt: skip
    assert (privacy.authority, privacy.backups, privacy.changed) == ("", timedelta(days=30), date(2026, 11, 30))
    assert privacy.text == (("en", ("# Children", "We ask no age.", "More.")),)
    assert (access.failing, access.answer_within) == ((("cy", ("Dim.",)),), timedelta(days=5))
    assert access.enforcement == "ecni"


@table(
    "more, problem",
    [
        ('[privacy]\ncontact = "nobody"', 'privacy.contact: \'nobody\' has no @; write "privacy@example.org"'),
        ('[privacy]\nbasis = "habit"', 'privacy.basis: \'habit\' is unknown; use "consent", "public-task" or'),
        ('[privacy]\ntext = { en = "none.txt" }', "privacy.text.en: none.txt: "),
        ('[privacy]\ntext = { English = "none.txt" }', "privacy.text.English: is not a language tag"),
        ('[privacy]\ntext = { en = "large.txt" }', "privacy.text.en: large.txt: has more than 100000 bytes"),
        ('[accessibility]\nchecked = "soon"', "accessibility.checked: is no day; write it without quotes"),
        ('[accessibility]\nfailing = ["x"]', "accessibility.failing: is no table"),
        ('[accessibility]\nanswered = 1', "accessibility.answered: unknown key; known here: answer_within"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_cure(tmp_path_factory: pytest.TempPathFactory, more: str, problem: str) -> None:
    folder = tmp_path_factory.mktemp("legal")
    (folder / "large.txt").write_bytes(b"x" * 100_001)
    with pytest.raises(ConfigError) as caught:
        settings_of(folder, f"\n{more}\n")
    assert problem in str(caught.value)
