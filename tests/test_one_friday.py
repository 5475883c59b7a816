"""The whole product in one story: two sources, three readers, one Friday."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from pathlib import Path

from tests.console import digest

CONFIG = """
[site]
name = "Shared Learning"
base_url = "https://digest.example.org"
from = "Shared Learning <digest@example.org>"

[[source]]
name = "Housing Matters"
path = "housing.xml"
kind = "post"
[[source]]
name = "Moving People"
path = "moving.xml"
kind = "case-study"

[cadence.weekly]
at = "fri 08:00"

[[policy_area]]
slug = "housing"
name = "Housing"
[[policy_area]]
slug = "transport"
name = "Transport"
"""
MONDAY, FRIDAY, AN_HOUR_LATER = "2026-11-02T09:00Z", "2026-11-06T09:00Z", "2026-11-06T10:00Z"
# A title with the reason above it, which a policy area says once, or below it.
ENTRY = re.compile(
    r"^(?:(?P<above>You follow .+)\n\n)?(?:POST|CASE STUDY): .*\n(?P<title>.+)\n.+\n(?P<below>You follow .+)?$",
    re.MULTILINE,
)
READERS = [("ann", "housing", "wales"), ("bob", "transport", ""), ("cat", "housing", "london")]


def test_one_friday(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")

    # Monday: three readers join. The entries that the sources already hold are not news, so nobody gets a letter.
    for name, area, region in READERS:
        words = ["--policy-areas", area, "--regions", region]
        assert digest(tmp_path, "--now", MONDAY, "subscribers", "add", f"{name}@example.org", *words).code == 0
    publish(tmp_path / "housing.xml", "An old story; Housing; Wales")
    publish(tmp_path / "moving.xml", "An old journey; Transport; London")
    assert digest(tmp_path, "--now", MONDAY, "run").code == 0
    assert letters(tmp_path) == {}

    # Friday: each reader gets one letter of what is new and concerns them, and each entry says why it is there.
    publish(tmp_path / "housing.xml", "An old story; Housing; Wales", "Warm homes; Housing; Wales")
    publish(tmp_path / "moving.xml", "Buses on time; Transport; London", "Homes by the sea; Housing; Scotland")
    receipt = digest(tmp_path, "--now", FRIDAY, "run", "--json").document["receipts"][0]
    assert (receipt["eligible"], receipt["accepted"], receipt["balanced"]) == (3, 3, True)
    from_far = "Homes by the sea: You follow Housing; this was done in Scotland."
    assert letters(tmp_path) == {
        "ann@example.org": ["Warm homes: You follow Housing; this comes from Wales.", from_far],
        "bob@example.org": ["Buses on time: You follow Transport; this comes from London."],
        "cat@example.org": [from_far],
    }

    # An hour later: everybody has had everything, so a second run sends nothing.
    again = digest(tmp_path, "--now", AN_HOUR_LATER, "run", "--json")
    assert (again.code, again.document["receipts"]) == (0, [])
    assert len(letters(tmp_path)) == len(list(tmp_path.glob("letters/*/*.eml"))) == 3


def publish(feed: Path, *items: str) -> None:
    """Write an RSS feed of these items, each "title; policy area; region"."""
    body = ""
    for title, *categories in (item.split("; ") for item in items):
        filed = "".join(f"<category>{category}</category>" for category in categories)
        body += f"<item><guid>{title}</guid><title>{title}</title>{filed}</item>"
    feed.write_text(f'<rss version="2.0"><channel><title>News</title>{body}</channel></rss>', encoding="utf-8")


def letters(folder: Path) -> dict[str, list[str]]:
    """Return what the file transport wrote to each reader: "title: reason" of each entry, in the letter's order."""
    told = {}
    for path in folder.glob("letters/*/*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
        told[message["To"]] = [
            f"{entry['title']}: {entry['above'] or entry['below']}" for entry in ENTRY.finditer(text)
        ]
        assert message["Subject"].startswith(told[message["To"]][0].split(":")[0])
    return told
