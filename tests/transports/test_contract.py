"""Check that every transport keeps the contract. A new transport gets a class here with a fixture `case`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.transports.file import FileTransport
from digest.transports.smtp import SmtpTransport
from tests.counts import others_long
from tests.transports.contract import Case, TransportContract
from tests.transports.fake_sendgrid import FakeSendGrid
from tests.transports.mailserver import EXTENSIONS, Act, Papers, Talk, serving, settings
from tests.transports.sendgrid_sample import NOW, transport


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
            tells=True,
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
        extensions = tuple(
            extension for extension in EXTENSIONS if extension != "PIPELINING" or request.param != "step by step"
        )
        tls = papers.server() if request.param == "encrypted" else None
        with serving(extensions=extensions, tls=tls, implicit=tls is not None) as server:
            chosen = settings(
                server, connections=2, security="tls" if tls else "none", ca_file=str(papers.certificate)
            )
            point, act = SPOILT.get(request.param, SPOILT["mad"])

            def taken() -> Counter[int]:
                return Counter(int(re.sub(r"\D", "", message.to.partition("@")[0])) for message in server.queued)

            yield Case(lambda: SmtpTransport(chosen), taken, lambda: server.script.update({point: act}))


class TestSendGrid(TransportContract):
    @pytest.fixture(
        params=others_long(["reset", "take reset", "junk", "500", "401", "take 503"], "take reset", "500", "401")
    )
    def case(self, request: pytest.FixtureRequest) -> Iterator[Case]:
        fake = FakeSendGrid(now=NOW.timestamp())
        yield Case(
            lambda: transport(fake, concurrency=2),
            lambda: Counter({int(mid): count for mid, count in fake.mids().items()}),
            lambda: fake.faults.extend([request.param] * 100),
        )
        fake.close()
