"""The file and SMTP transports keep the contract. Another transport inherits it in a test file of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.transports.file import FileTransport
from digest.transports.smtp import SmtpTransport
from tests.transports.contract import Case, TransportContract
from tests.transports.mailserver import EXTENSIONS, Act, Papers, Talk, serving, settings


class TestFile(TransportContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        letters = tmp_path / "letters"

        def spoil() -> None:
            if letters.exists():
                letters.rename(tmp_path / "elsewhere")
            letters.write_text("a file, not a folder")

        return Case(
            lambda: FileTransport(letters),
            lambda: Counter(int(path.stem) for path in tmp_path.glob("letters/*/*.eml")),
            spoil,
        )


def nonsense(talk: Talk) -> None:
    talk.queue()
    talk.raw(b"\x00\xff no protocol of yours\r\n")
    talk.hang()


SPOILT: dict[str, tuple[str, Act]] = {
    "dead": ("connect", Talk.reset),
    "deaf": ("data", Talk.reset),
    "mad": ("dot", nonsense),
}


class TestSmtp(TransportContract):
    @pytest.fixture(params=[*SPOILT, "step by step", "encrypted"])
    def case(self, request: pytest.FixtureRequest, papers: Papers) -> Iterator[Case]:
        extensions = tuple(one for one in EXTENSIONS if one != "PIPELINING" or request.param != "step by step")
        tls = papers.server() if request.param == "encrypted" else None
        with serving(extensions=extensions, tls=tls, implicit=tls is not None) as server:
            chosen = settings(
                server, connections=2, security="tls" if tls else "none", ca_file=str(papers.certificate)
            )
            point, act = SPOILT.get(request.param, SPOILT["mad"])

            def taken() -> Counter[int]:
                return Counter(int(re.sub(r"\D", "", one.to.partition("@")[0])) for one in server.queued)

            yield Case(lambda: SmtpTransport(chosen), taken, lambda: server.script.update({point: act}))
