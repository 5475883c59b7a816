"""Test the seam of the transports: it imports no implementation, and a provider is named in its own rooms only."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

import digest
from digest.config.events import EventsPart, EventsSettings, events_of
from digest.config.transport import TransportPart, TransportSettings, transport_of
from digest.model import NamedAddress
from digest.transports.base import WaitingTransport

ROOT = Path(digest.__file__).parent
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
SECRETS = {"SENDGRID_API_KEY": "SG.invented", "DIGEST_TRANSPORT_PASSWORD": "invented"}
# Help texts of commands may name a provider; code elsewhere may not.
NAMED_IN = ("transports/sendgrid/", "config/", "commands/")


def settings_of(kind: str, folder: Path) -> TransportSettings:
    part = TransportPart.model_validate({"kind": kind})
    chosen, wrong = transport_of(part, NamedAddress("digest@example.org"), folder, SECRETS)
    assert chosen is not None, wrong
    return chosen


def test_a_provider_is_named_in_its_own_rooms_only() -> None:
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if "sendgrid" in path.read_text(encoding="utf-8").lower()
    }
    assert {name for name in naming if not name.startswith(NAMED_IN)} == set()
    assert "transports/sendgrid/transport.py" in naming, "the search looks in the wrong folder"


@pytest.mark.parametrize("seam", ["base", "webhook", "tag"])
def test_the_seam_imports_no_implementation(seam: str) -> None:
    tree = ast.parse((ROOT / "transports" / f"{seam}.py").read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name.startswith("digest.transports")} == set()


@pytest.mark.parametrize(
    ("kind", "batch_size", "fills_forms", "can_wait"),
    [("file", 1000, False, False), ("smtp", 1000, False, False), ("sendgrid", 1000, True, True)],
)
def test_a_transport_can_do_what_its_settings_say(
    tmp_path: Path, kind: str, batch_size: int, fills_forms: bool, can_wait: bool
) -> None:
    settings = settings_of(kind, tmp_path)
    ours = settings.capabilities
    assert (ours.batch_size, ours.fills_forms, ours.can_wait) == (batch_size, fills_forms, can_wait)
    transport = settings.open(lambda: NOW)
    try:
        assert transport.capabilities == ours
        assert isinstance(transport, WaitingTransport) is can_wait
    finally:
        transport.close()


@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_no_secret_shows_in_the_settings(tmp_path: Path, kind: str) -> None:
    settings = settings_of(kind, tmp_path)
    assert settings.secret.get_secret_value() in SECRETS.values()
    assert "invented" not in f"{settings!r} {settings}"


def test_without_a_key_the_webhook_believes_nobody(tmp_path: Path) -> None:
    events, wrong = events_of(EventsPart(), tmp_path, {})
    assert wrong == []
    webhook = events.webhook()
    assert webhook.path == "/hooks/sendgrid"
    assert not webhook.verify({}, b"[]", NOW)
    assert "sendgrid_keys is empty" in events.webhook_problem()
    assert EventsSettings(keys=("a key",)).webhook_problem() == ""
