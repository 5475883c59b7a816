"""Texts that are not released: each form of front matter, each spelling of a draft, each limit in time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.model import Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.formats.folder import read_folder
from digest.sources.withdrawal import sign_of
from tests.counts import table

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
DRAFT = "unfinished"


def read(folder: Path, text: str, name: str = "note.md") -> Snapshot:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return read_folder(folder, now=NOW, zone=ZoneInfo("Europe/London"))


def code(snapshot: Snapshot) -> str:
    (sighting,) = snapshot.sightings
    return sign_of(sighting, NOW).code


FORMS = [
    "---\n{yaml}\n---\nBody.",
    "---\r\n{yaml}\r\n---\r\nBody.",
    "\n\n---\n{yaml}\n---\nBody.",
    "\ufeff---\n{yaml}\n---\nBody.",
    "\ufeff\n  \n---\n{yaml}\n...\nBody.",
    "<!-- kept by the\n web team -->\n\n---\n{yaml}\n---\nBody.",
    "# a note to ourselves\n---\n{yaml}\n---\nBody.",
    "%YAML 1.2\n---\n{yaml}\n---\nBody.",
    "+++\n{toml}\n+++\nBody.",
    "\n+++\r\n{toml}\r\n+++\r\nBody.",
    "---toml\n{toml}\n---\nBody.",
    '{{"title": "Kinship", "draft": true}}\n\nBody.',
    '\ufeff\n{{\n  "title": "Kinship",\n  "draft": true\n}}\nBody.',
    ';;;\n{{"title": "Kinship", "draft": true}}\n;;;\nBody.',
    '---json\n{{"title": "Kinship", "draft": true}}\n---\nBody.',
    "Title: Kinship\nDraft: true\n\nBody.",
]


@table("form", FORMS)
def test_a_draft_is_told_in_every_form_of_front_matter(form: str, tmp_path: Path) -> None:
    yaml, toml = "title: Kinship\ndraft: true", 'title = "Kinship"\ndraft = true'
    snapshot = read(tmp_path, form.format(yaml=yaml, toml=toml))
    (sighting,) = snapshot.sightings
    assert (sighting.title, sighting.html, code(snapshot)) == ("Kinship", "<p>Body.</p>", DRAFT)
    assert snapshot.problems == ()


TEXTS = [
    ("# A heading\n\n---\n\nWords: and more\n\n---\nEnd.", "A heading"),
    ("Note: this begins like a key.\n\nBody.", "Note"),
    ("{{< figure >}}\nBody.", "Note"),
    ("{% include x %}\nBody.", "Note"),
    ("Title: a thought\nthat goes on as prose.\n", "Note"),
]


@pytest.mark.parametrize(("text", "title"), TEXTS)
def test_a_text_without_front_matter_stays_whole(text: str, title: str, tmp_path: Path) -> None:
    snapshot = read(tmp_path, text)
    assert (snapshot.sightings[0].title, code(snapshot), snapshot.problems) == (title, "", ())


UNREADABLE = [
    ("+++\ntitle = \n+++\nBody.", "note.md:1: the front matter is no TOML"),
    ("+++\ntitle = 1\nBody.", "note.md:1: the front matter has no closing '+++'"),
    ('{"title": "x", \nBody.', "note.md:1: the front matter is no JSON"),
    ("\n\n---\ntitle: a: b\n---\nBody.", "note.md:4: the front matter is no YAML"),
]


@pytest.mark.parametrize(("text", "problem"), UNREADABLE)
def test_front_matter_that_cannot_be_read_is_named(text: str, problem: str, tmp_path: Path) -> None:
    snapshot = read(tmp_path, text)
    assert snapshot.sightings == () and snapshot.problems[0].startswith(problem)


MARKS = {
    DRAFT: """
        draft: yes | Draft: "true" | DRAFT: on | draft: 1 | is_draft: true | draft: "Yes" | published: false
        published: "no" | Published: 0 | publish: off | status: draft | Status: Unpublished | status: private
        post_status: pending | status: future | status: scheduled | status: in review | status: In-Review
        workflow_state: needs_review | hidden: true | private: true | unlisted: true | visibility: private
        visibility: members | eleventyExcludeFromCollections: true | _build: {list: never} | params: {draft: true}
        archived: true | stage: draft | tags: [housing, draft] | permalink: false | confidential: yes
        draft: soon | status: pilot | draft_mode: 1 | publish_to_all: false | embargoed_till: 2027-01-15
        password: s3cret | embargo: after the board | expires: when the budget ends | visible: false | withdrawn: yes
        """,
    "early": """
        date: 2027-01-15 | date: 2026-07-15 13:30 | date: "15 January 2027" | publishDate: 2027-01-15
        publish_date: 2026-12-01T09:00:00Z | Publish-Date: 2027-01-15 | embargo: 2027-01-15
        embargo_until: 2027-01-15 09:00 | available_from: 2027-01-15 | release_date: 2027-01-15
        published_at: 2027-01-15 | published: 2027-01-15 | not_before: 2027-01-15
        """,
    "expired": """
        expiryDate: 2026-07-01 | expires: 2026-07-15T12:30:00+01:00 | unpublish_date: 2026-01-01
        end_date: 2026-07-15 | valid_until: 1 July 2026 | expires: 2026-07-15 13:00 | archived: 2026-01-01
        """,
    "": """
        draft: false | draft: "no" | Draft: off | published: true | published: 2026-01-01 | status: published
        status: Publish | status: final | visibility: public | hidden: false | tags: [drafting] | publisher: Us
        date: 2026-07-15 | date: 2026-07-15 12:30 | publishDate: 2026-01-01 | expiryDate: 2027-01-01 | expires: never
        embargo: false | review_date: 2027-01-01 | stage: evaluation | permalink: /kinship/ | draft: | archived: false
        """,
}


SPELLINGS = [(mark.strip(), kind) for kind, rows in MARKS.items() for mark in re.split(r"[|\n]", rows.strip())]


@table("mark, expected", SPELLINGS)
def test_what_an_author_marks_is_kept(mark: str, expected: str, tmp_path: Path) -> None:
    assert code(read(tmp_path, f"---\ntitle: Kinship\n{mark}\n---\nBody.")) == expected


TOLD = [
    ("status: pilot", "note.md: the state 'status: pilot' is unknown; write published or draft"),
    ("draft: soon", "note.md: 'draft: soon' cannot be read; write true or false"),
    ("embargo: next year", "note.md: 'embargo: next year' cannot be read; write it as 2026-01-31"),
    ("publish_to_all: false", "note.md: 'publish_to_all: false' looks like a state or a time limit"),
    ("release_version: 3b", "note.md: 'release_version' looks like a state or a time limit and is not known"),
]


@pytest.mark.parametrize(("mark", "problem"), TOLD)
def test_a_mark_that_cannot_be_read_is_named_with_its_cure(mark: str, problem: str, tmp_path: Path) -> None:
    (told,) = read(tmp_path, f"---\ntitle: Kinship\n{mark}\n---\nBody.").problems
    assert told.startswith(problem)


def test_a_password_is_never_repeated(tmp_path: Path) -> None:
    (sighting,) = read(tmp_path, "---\ntitle: Kinship\npassword: s3cret\n---\nBody.").sightings
    assert sighting.unreleased == "password is set"


NAMES = {
    DRAFT: """
        _drafts/a.md|drafts/a.md|_a.md|a.draft.md|Drafts/x/a.md|draft-a.md|a-draft.md|DRAFT a.md|a (draft).md|a.wip.md
        unpublished/a.md|a-draft-v2.md
        """,
    "": "drafting-a.md|2026-draft-budget.md|private/a.md|redraft.md|a.mkd|a.mdown",
}
PASSED_OVER = ".a.md|.git/a.md|_includes/a.md|_index.md|README.md|a.md.bak|robots.txt|a.png"
UNREAD = "a.mdx|a.txt|a.html|a.rst|a.docx|a.md.txt|a.Rmd"


def test_a_file_that_is_a_draft_by_its_name_is_marked(tmp_path: Path) -> None:
    files = [(name.strip(), kind) for kind, row in NAMES.items() for name in re.split(r"[|\n]", row.strip())]
    for number, (name, _) in enumerate(files):
        snapshot = read(tmp_path / f"{number}", "Body.", name)
        files[number] = (name, code(snapshot) if not snapshot.problems else "problem")
    assert files == [(name.strip(), kind) for kind, row in NAMES.items() for name in re.split(r"[|\n]", row.strip())]


def test_other_texts_in_a_folder_are_named_and_other_files_are_not(tmp_path: Path) -> None:
    for name in PASSED_OVER.split("|"):
        snapshot = read(tmp_path, "Body.", name)
    assert (snapshot.sightings, snapshot.problems) == ((), ())
    for number, name in enumerate(UNREAD.split("|")):
        (problem,) = read(tmp_path / f"in {number}", "Body.", name).problems
        assert problem == f"{name}: is not read; save it as Markdown with the ending .md, or move it away"
    (tmp_path / "b.txt").write_text("Body.")
    assert read_folder(tmp_path, now=NOW).problems[0].endswith(" (8 such)")


def test_an_id_that_a_draft_shares_belongs_to_the_released_text(tmp_path: Path) -> None:
    read(tmp_path, "---\nid: 5\n---\nNext version.", "drafts/a.md")
    (sighting,) = read(tmp_path, "---\nid: 5\n---\nBody.", "z.md").sightings
    assert sighting.html == "<p>Body.</p>"


# Marks that one list of names cannot hold: slips of the pen, steps before publishing, words under any name, nothing.
OTHERS = {
    "unfinished": """
        ready: false|review: pending|reviewed: no|review: required|needs_review: true|drafft: true|darft: true
        publised: false|stauts: draft|published_at:|published_at: ""|publishedAt: ~|published: null|status: ""
        publish_date: TBC|date: TBC|not_for_publication: true|do-not-send: yes|exclude_from_feed: true
        consent: pending|review: awaiting legal|show: false|go_live: false|skip_newsletter: true|suspended: true
        newsletter: false|stage: idea|jekyll: {published: false}
        sign_off: pending|signed_off: false|classification: OFFICIAL-SENSITIVE|version: 0.1-draft|layout: draft
        labels: [draft]|note: DRAFT do not publish|page: {draft: true}|status: {name: draft}
        stage: Draft v3 (for comment)|state: Draft 2 for review|version: v3 draft|sharing: internal
        title_status: not yet|distribution: internal, staff only|status: Not yet signed off
        ＤＲＡＦＴ: true|superseded_by: b.md|draft: [yes, no]|approved_by:|awaiting_approval: true
        """,
    "expired": "expire_on: 2026-01-01|withdrawn_on: 2026-01-01|deletedAt: 2026-01-01|until: 2026-01-01"
    "|expirs: 2026-01-01|sell_by: 2026-01-01",
    "early": """
        embargo: "1 December 2026 09:00"|pubDate: 2027-01-15|dates: {published: 2027-01-15}|release: 2027-01-15
        online_from: 2027-02-01|online_from: 2027|web-from: 2027-02|live_after: 1 March 2027|published: 2027
        """,
    "": """
        consent: given|go_live: true|publishable: yes|hide_title: yes|show: true|permission: granted|display: block
        status: live|ready: yes|review: done|reviewed_by: Ann|reviewed: 2026-01-01|type: review|state: published
        privatesector: true|tenure: private|email: ann@example.org|release: 3|publisher: Us|published_by:
        cover: {hidden: true}|craft: true|series: Hidden voices|summary: Draft guidance for councils
        online_from: Leeds|live_from: 2026|sharing: public|type: internal medicine|readers: everyone|stage: year 2
        summary: Do not publish orders, explained|venue: TBC|embargo:|expires:|draft:|from: Ann|test: A/B|stats: false
        """,
}


def test_a_mark_that_is_not_on_a_list_is_judged_by_what_it_looks_like(tmp_path: Path) -> None:
    rows = [(row.strip(), kind) for kind, lines in OTHERS.items() for row in re.split(r"[|\n]", lines.strip())]
    judged = [(row, code(read(tmp_path, f"---\ntitle: Kinship\n{row}\n---\nBody."))) for row, _ in rows]
    assert judged == rows


def test_one_name_with_two_values_is_refused(tmp_path: Path) -> None:
    forms = (
        "---\ndraft: true\ndraft: false\n---\n",
        '{"draft": true, "draft": false}\n',
        "Draft: yes\nDraft: no\n\n",
    )
    for form in forms:
        snapshot = read(tmp_path, form + "Body.")
        assert snapshot.sightings == () and "stands twice with two values" in snapshot.problems[0]
    assert code(read(tmp_path, "---\ndraft: false\nDraft: true\n---\nBody.")) == DRAFT
    assert code(read(tmp_path, "---\ntitle: a\ntitle: a\n---\nBody.")) == ""


TITLES = {
    DRAFT: """
        DRAFT: Kinship|[DRAFT] Kinship|Draft – Kinship|Draft - Kinship|WIP|WIP: Kinship|(draft) Kinship
        Kinship - DRAFT|DRAFT Kinship care|Draft v2: Kinship|First draft: Kinship|Embargoed until 1 December: Kinship
        NOT FOR PUBLICATION: Kinship|Private: Kinship|[Withdrawn] Kinship|Kinship (DRAFT)|Drafft: Kinship|TBC
        Untitled|Kinship [draft]|Kinship (draft for comment)
        Kinship (Draft v2, for review)|Draft for discussion: Kinship
        """,
    "": """
        Drafting a strategy|Draft budget agreed|Draft local plan: consultation|The draft budget: what it says
        DRAFT LOCAL PLAN: CONSULTATION|Local plan (draft)
        Local plan (draft for consultation)|Private renting: the facts|Under review: how councils look
        Work in progress: what we learnt|Not for profit: a guide|Withdrawn children: what helps
        The first draft of history
        """,
}


def test_a_title_that_marks_a_draft_keeps_its_text_back_in_every_kind_of_source(tmp_path: Path) -> None:
    rows = [(row.strip(), kind) for kind, lines in TITLES.items() for row in re.split(r"[|\n]", lines.strip())]
    in_files = [(title, code(read(tmp_path, f"# {title}\n\nBody."))) for title, _ in rows]
    json = '{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", "title": "{}"}}]}}'
    forms = (ATOM.format("", "").replace("<title>T<", "<title>{}<"), json)
    assert in_files == rows
    for form in forms:
        bodies = [(title, form.format(title).encode()) for title, _ in rows]
        in_feed = [(title, code(parse_feed(body, content_type="", base_url="", now=NOW))) for title, body in bodies]
        assert in_feed == rows
    assert code(read(tmp_path, "# Kinship\n\n**Draft – not for publication**\n\nBody.")) == DRAFT


FIRST_LINES = {
    DRAFT: """
        EMBARGOED UNTIL 00:01|EMBARGOED UNTIL FRIDAY|Not for release until Friday|# Kinship<>DRAFT - do not circulate
        Not for publication until the Board has met|Draft v3 (for comment)|DRAFT, embargoed until 1 January 2026
        """,
    "early": """
        EMBARGOED UNTIL 00:01 1 January 2027|Embargoed until 00:01 on 1 January 2027|EMBARGO: 1 January 2027
        STRICTLY EMBARGOED until 1 January 2027|Not for publication before 1 January 2027|Release date: 2027-01-01
        **Under embargo until 9am, Monday 4 January 2027**|EMBARGOED UNTIL 1 January 2027 The report finds much.
        Not to be published before 1st January 2027|> Embargo: Tuesday January 5th, 2027|Embargoed to 16/07/2026
        """,
    "": """
        The embargo on imports until 1990 hurt farmers.|Embargo on imports until 1990 hurt farmers.|EMBARGO FEARS GROW
        Embargoed papers tell a story.|Draft guidance was published in May.|EMBARGOED UNTIL 00:01 1 January 2026
        Before 1 January 2027 you must apply.|# Embargoes<>The embargo was lifted.|Do not publish orders, explained
        """,
}


def test_a_first_line_keeps_its_text_back_and_until_the_date_that_it_names(tmp_path: Path) -> None:
    rows = [(row.strip(), kind) for kind, lines in FIRST_LINES.items() for row in re.split(r"[|\n]", lines.strip())]
    bodies = [line.replace("<>", "\n\n") for line, _ in rows]
    in_files = [code(read(tmp_path, f"---\ntitle: Kinship\n---\n{body}\n\nMore.")) for body in bodies]
    json = '{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", "content_text": "{}"}}]}}'
    forms = (ATOM.format("<summary>{}</summary>", ""), json)
    assert in_files == [kind for _, kind in rows]
    for form in forms:
        lines = [(row, form.format(row).encode()) for row, _ in rows if row[0].isalnum()]
        judged = [(row, code(parse_feed(line, content_type="", base_url="", now=NOW))) for row, line in lines]
        assert judged == [row for row in rows if row[0][0].isalnum()]


def test_an_embargo_ends_at_the_minute_that_it_names(tmp_path: Path) -> None:
    for text, hour in (("noon on 1 August 2026", 11), ("00:01 1 August 2026", 23), ("9.30pm, 1 August 2026", 20)):
        (sighting,) = read(tmp_path, f"---\ntitle: Kinship\n---\nEMBARGOED UNTIL {text}\n\nMore.").sightings
        assert sighting.not_before and sighting.not_before.hour == hour  # British Summer Time


def test_endings_of_markdown_files_are_read_in_any_case(tmp_path: Path) -> None:
    for name in ("UPPER.MD", "long.markdown"):
        snapshot = read(tmp_path, "Body.", name)
    assert [sighting.title for sighting in snapshot.sightings] == ["Upper", "Long"]


ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:app="http://www.w3.org/2007/app"'
    ' xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns:wp="http://wordpress.org/export/1.2/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/">'
    "<entry><id>tag:a,1</id><title>T</title><updated>2026-07-01T00:00:00Z</updated>{}</entry>{}</feed>"
)
ELEMENTS = [
    ("<app:control><app:draft>yes</app:draft></app:control>", DRAFT),
    ('<control xmlns="http://www.w3.org/2007/app"><draft>yes</draft></control>', DRAFT),
    ("<wp:status>private</wp:status>", DRAFT),
    ("<wp:status>future</wp:status>", DRAFT),
    ("<wp:post_password>s3cret</wp:post_password>", DRAFT),
    ("<wp:post_password></wp:post_password>", ""),
    ('<media:status state="blocked"/>', DRAFT),
    ("<published>2027-01-15T00:00:00Z</published>", "early"),
    ("<dcterms:available>2027-01-15</dcterms:available>", "early"),
    ("<prism:embargoDate>2027-01-15</prism:embargoDate>", "early"),
    ('<x:embargo xmlns:x="urn:x">2027-01-15</x:embargo>', "early"),
    ("<validUntil>2026-07-01</validUntil>", "expired"),
    ("<dcterms:available>2026-01-01/2026-02-01</dcterms:available>", "expired"),
    ('<x:published xmlns:x="urn:x">false</x:published>', DRAFT),
    ("<expirationDate>2026-07-01</expirationDate>", "expired"),
    ("<dcterms:valid>start=2026-01-01; end=2026-07-01; scheme=W3C-DTF</dcterms:valid>", "expired"),
    ("<dcterms:valid>2026-01-01/2026-07-01</dcterms:valid>", "expired"),
    ("<app:control><app:draft>no</app:draft></app:control>", ""),
    ("<published>2026-07-16T11:00:00Z</published>", ""),
    ("<status>withdrawn</status>", ""),
    ("<wp:status>publish</wp:status>", ""),
]


@table("element, expected", ELEMENTS)
def test_a_feed_marks_what_is_not_released(element: str, expected: str) -> None:
    body = ATOM.format(element, "").encode()
    assert code(parse_feed(body, content_type="", base_url="", now=NOW)) == expected


JSON_ITEMS = [
    ('"date_published": "2027-01-15T00:00:00Z"', "early"),
    ('"draft": true', DRAFT),
    ('"status": "unpublished"', DRAFT),
    ('"_blog": {"is_draft": true}', DRAFT),
    ('"_published": false', DRAFT),
    ('"_embargo": "2027-01-15"', "early"),
    ('"expires": "2026-07-01"', "expired"),
    ('"_state": "anything", "draft": "perhaps"', ""),
    ('"date_published": "2026-07-15T20:00:00Z"', ""),
]


@pytest.mark.parametrize(("value", "expected"), JSON_ITEMS)
def test_a_json_feed_marks_what_is_not_released(value: str, expected: str) -> None:
    body = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", "title": "T", {value}}}]}}'
    assert code(parse_feed(body.encode(), content_type="", base_url="", now=NOW)) == expected


TOMBSTONES = [
    ('<at:deleted-entry ref="tag:a,9" when="2026-07-02T00:00:00Z"/>', ("tag:a,9",), 1),
    ('<x:deleted-entry ref="tag:a,9"><x:by><name>A</name></x:by></x:deleted-entry>', ("tag:a,9",), 1),
    ('<at:deleted-entry ref="tag:a,8"/><at:deleted-entry ref="tag:a,9"/>', ("tag:a,8", "tag:a,9"), 1),
    ('<at:deleted-entry ref="tag:a,1" when="2026-07-02T00:00:00Z"/>', ("tag:a,1",), 0),
    ('<at:deleted-entry ref="tag:a,1" when="2026-06-02T00:00:00Z"/>', (), 1),
]


@table("tombstones, deleted, shown", TOMBSTONES)
def test_tombstones_name_deleted_entries(tombstones: str, deleted: tuple[str, ...], shown: int) -> None:
    snapshot = parse_feed(ATOM.format("", tombstones).encode(), content_type="", base_url="", now=NOW)
    assert (snapshot.deleted, len(snapshot.sightings)) == (deleted, shown)
