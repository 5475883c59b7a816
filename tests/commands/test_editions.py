"""The commands of an edition say what state it is in, by the words of the glossary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import cli
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Yield a house with a reader and an entry for them."""
    house = House(tmp_path / "house")
    house.run()
    house.reader("reader@example.org")
    house.publish("One")
    yield house
    house.close()


def test_an_edition_that_is_kept_back_is_called_stopped(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(house, capsys, "gather")
    assert "draft, stopped" not in printed(house, capsys, "prepare", "weekly")
    number = str(json.loads(printed(house, capsys, "prepare", "weekly", "--json"))["edition"])
    assert f"is stopped until `digest approve {number}`" in printed(house, capsys, "hold", number)
    for words in (("prepare", "weekly"), ("status",)):
        assert "draft, stopped" in printed(house, capsys, *words)
    assert json.loads(printed(house, capsys, "prepare", "weekly", "--json"))["held"] is True
    assert "is approved" in printed(house, capsys, "approve", number)
    assert "stopped" not in printed(house, capsys, "status")


def printed(house: House, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that ends well; return what stands on stdout."""
    assert cli.run_command(["--config", str(house.config), "--now", house.now.isoformat(), *words]) == 0
    return capsys.readouterr().out
