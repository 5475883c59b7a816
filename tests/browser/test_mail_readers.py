"""Letters read back by mail programs and libraries that are not ours: the same words, and no quotation that is none.

Python's `email`, GMime (through notmuch), Perl's Email::MIME, and mutt, whose own expression tells what it takes for
a quotation. `make browser` installs them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple

import pytest

from digest.letter.mime.dkim import sign
from digest.model import EntryEdit
from tests.browser.conftest import _composed
from tests.browser.letters import Sample
from tests.letter import sample
from tests.letter.mime.test_dkim import NOW, keys
from tests.letter.test_text_part import BEGINNINGS

pytestmark = pytest.mark.checkers
Lacking = Callable[[str], None]

_FROM_RIGHT = [
    "سياسة السكن: housing (2026)!",
    "דיור: “shared homes”, 3 ערים?",
    "رہائش — Leeds 2026.",
    "Haifa: “בית”, 2!",
]
_LETTERS_OF_MANY = [
    "👩🏽‍❤️‍👨🏿 " * 40,
    "住房政策" * 120,
    "क्षि" * 90,
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f" * 40,
]
_LONG = ["word " * 400, "x" * 3_000, "tŷ " * 700, "a.b." * 500]
_ISOLATES, _END = "\u2066\u2067\u2068", "\u2069"


class ReadBack(NamedTuple):
    """Hold the texts that a program read from a message; a part is None where it shows only the other."""

    subject: str
    text: str
    html: str | None


@pytest.fixture(scope="module")
def every(shown: list[Sample]) -> list[Sample]:
    """Letters of the demo and the sample's, and those with awkward words, of which one is signed with DKIM."""
    awkward = [
        _composed(f"{name}-{number}", _with(words), language)
        for name, tricks in (("mail", BEGINNINGS), ("rtl", _FROM_RIGHT), ("many", _LETTERS_OF_MANY), ("long", _LONG))
        for number, words in enumerate(tricks)
        for language in (("en", "cy")[number % 2],)
    ]
    signed = [
        each._replace(name=f"signed-{each.name}", message=sign(each.message, keys("rsa")[0], NOW))
        for each in awkward[::6]
    ]
    return [*shown, *awkward, *signed]


def _with(words: str) -> list[object]:
    """Return the sample's entries with `words` for title, summary, source and an editor's note."""
    edit = EntryEdit(note=words[:200], note_by="Ceri")
    return [
        replace(
            entry,
            title=words,
            summary=f"{'word ' * (5 + number)}{words}" if number % 2 else words,
            source=words,
            edit=edit,
        )
        for number, entry in enumerate(sample.entries())
    ]


def test_every_reader_reads_the_words_that_were_written(
    every: list[Sample], lacking: Lacking, tmp_path: Path
) -> None:
    for program in (with_python, with_email_mime, with_notmuch, with_mutt):
        read = program(every, tmp_path / program.__name__, lacking)
        assert len(read) == len(every)
        for letter, seen in zip(every, read, strict=True):
            # mutt leaves isolates out of a header, because terminals do not know them.
            bare = re.sub(f"[{_ISOLATES}{_END}]", "", letter.subject)
            assert seen.subject in (letter.subject, bare), (program.__name__, letter.name)
            assert _lines(seen.text) == _lines(letter.text), (program.__name__, letter.name)
            assert seen.html is None or _lines(seen.html) == _lines(letter.html), (program.__name__, letter.name)


def test_no_reader_sees_a_quotation_or_a_signature(every: list[Sample], lacking: Lacking, tmp_path: Path) -> None:
    if not shutil.which("mutt"):
        lacking("no mutt")
    told = _run(["mutt", "-n", "-F", "/dev/null", "-Q", "quote_regexp"], tmp_path).stdout
    expression = json.loads(told.partition("=")[2].strip()).replace("\\t", "\t")
    mutt, notmuch = re.compile(expression), re.compile(r"[ \t]*>")
    assert mutt.match(" > quoted") and not mutt.match("Housing: a list")
    for letter in every:
        lines = _lines(letter.text)
        quoted = [line for line in lines if mutt.match(line) or notmuch.match(line)]
        assert not quoted, (letter.name, quoted[:3])
        assert "-- " not in lines and "--" not in lines, letter.name
        assert not [line for line in lines if re.match(r"begin [0-7]{3}|-+ ?Original Message|On .* wrote:$", line)]


def test_isolates_end_in_their_line_and_hold_what_is_written_from_the_right(every: list[Sample]) -> None:
    for letter in every:
        for line in (letter.subject, *_lines(letter.text)):
            assert sum(map(line.count, _ISOLATES)) == line.count(_END), (letter.name, line)
            bare = re.sub(f"[{_ISOLATES}][^{_END}]*{_END}", "", line)
            strong = [
                kind
                for kind in map(unicodedata.bidirectional, bare.replace("\u200f", ""))
                if kind in ("L", "R", "AL")
            ]
            assert not strong or strong[0] == "L", (letter.name, line)


def with_python(letters: list[Sample], _folder: Path, _lacking: Lacking) -> list[ReadBack]:
    """Read with the standard library."""
    read = []
    for letter in letters:
        message = message_from_bytes(letter.message, policy=policy.default)
        text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        assert text is not None and html is not None
        read.append(ReadBack(str(message["Subject"]), text.get_content(), html.get_content()))
    return read


def with_email_mime(letters: list[Sample], folder: Path, lacking: Lacking) -> list[ReadBack]:
    """Read with Perl's Email::MIME."""
    if not shutil.which("perl") or _run(["perl", "-MEmail::MIME", "-e", "1"], folder, check=False).returncode:
        lacking("no Email::MIME")
    done = _run(["perl", "-e", PERL, *map(str, _written(letters, folder))], folder)
    return [ReadBack(*json.loads(line)) for line in done.stdout.splitlines()]


def with_notmuch(letters: list[Sample], folder: Path, lacking: Lacking) -> list[ReadBack]:
    """Read with GMime, as notmuch and the programs built on it do."""
    if not shutil.which("notmuch"):
        lacking("no notmuch")
    files = _written(letters, folder / "cur")
    for name in ("new", "tmp"):
        (folder / name).mkdir()
    (folder / "config").write_text(
        f"[database]\npath={folder}\n[new]\ntags=\n[user]\nname=R\nprimary_email=r@x.example\n"
    )
    environ = {"NOTMUCH_CONFIG": str(folder / "config")}
    _run(["notmuch", "new", "--quiet"], folder, environ)
    words = ["notmuch", "show", "--format=json", "--include-html", "--entire-thread=false", "*"]
    by_file = {
        Path(each["filename"][0]).name: each for each in _messages(json.loads(_run(words, folder, environ).stdout))
    }
    read = []
    for file in files:
        told = by_file[file.name]
        text, html = (part["content"] for part in told["body"][0]["content"])
        read.append(ReadBack(told["headers"]["Subject"], text, html))
    return read


def with_mutt(letters: list[Sample], folder: Path, lacking: Lacking) -> list[ReadBack]:
    """Read with mutt, which decodes the part that it shows; it needs a terminal, which `script` gives."""
    if not (shutil.which("mutt") and shutil.which("script")):
        lacking("no mutt or script")
    read = []
    for number, letter in enumerate(letters):
        mailbox = folder / str(number)  # a Maildir
        for name in ("new", "tmp"):
            (mailbox / name).mkdir(parents=True)
        _written([letter], mailbox / "cur")
        out, rc = mailbox / "out", mailbox / "muttrc"
        rc.write_text(
            # The folder, because mutt asks whether to make the one at home.
            f"set folder={mailbox} charset=utf-8 pipe_decode wait_key=no beep=no mark_old=no quit=yes\n"
            "alternative_order text/plain\nignore *\nunignore subject\n"
            f'push "<pipe-message>cat>{out}<enter><exit>"\n'
        )
        words = shlex.join(["mutt", "-n", "-F", str(rc), "-R", "-f", str(mailbox)])
        environ = {**os.environ, "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        # With an input that stays open, because mutt leaves at its end.
        with subprocess.Popen(
            ["script", "-qec", words, "/dev/null"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environ
        ) as program:
            try:
                assert program.wait(timeout=60) == 0
            finally:
                program.kill()
        head, _, body = out.read_text(encoding="utf-8").partition("\n\n")
        subject = re.search(r"(?m)^Subject: (.*(?:\n[ \t].*)*)", head)
        read.append(ReadBack(re.sub(r"\n[ \t]", " ", subject[1]) if subject else "", body, None))
    return read


PERL = r"""
use strict; use warnings; use Email::MIME; use JSON::PP;
binmode(STDOUT, ':raw'); local $/ = undef;
for my $path (@ARGV) {
  open(my $file, '<:raw', $path) or die $!;
  my $mail = Email::MIME->new(<$file>);
  my %part = map { ((split /;/, $_->content_type)[0] => $_->body_str) } $mail->subparts;
  print encode_json([$mail->header_str('Subject'), $part{'text/plain'}, $part{'text/html'}]), "\n";
}
"""


def _messages(threads: object) -> Iterator[dict[str, list[dict[str, list[dict[str, str]]]]]]:
    """Yield the messages of notmuch's nested lists."""
    for each in threads if isinstance(threads, list) else []:
        if isinstance(each, dict):
            yield each
        else:
            yield from _messages(each)


def _written(letters: list[Sample], folder: Path) -> list[Path]:
    """Write each message into a file of its own, with a Message-ID of its own where two are alike."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, letter in enumerate(letters):
        files.append(folder / f"{number:04d}.eml")
        message = re.sub(rb"(?m)^Message-ID: <", b"Message-ID: <%d." % number, letter.message, count=1)
        files[-1].write_bytes(message)
    return files


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.rstrip().split("\n")]


def _run(
    words: list[str], folder: Path, environ: dict[str, str] | None = None, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {**os.environ, "HOME": str(folder), **(environ or {})}
    done = subprocess.run(
        words, env=whole, capture_output=True, encoding="utf-8", timeout=120, stdin=subprocess.DEVNULL
    )
    assert not check or done.returncode == 0, f"{words[:3]}: {done.stderr}"
    return done
