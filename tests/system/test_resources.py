"""The shipped files are found in a checkout, and in a wheel that is installed in another folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import digest
from digest.system import resources
from digest.system.resources import resource

ROOT = Path(digest.__file__).parents[1]


def test_a_checkout_uses_its_own_files() -> None:
    assert resource("templates") == ROOT / "templates"
    assert resource("examples") == ROOT / "examples"
    assert resource("config.toml") == ROOT / "config.toml"


def test_a_wheel_uses_the_files_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "digest"
    (package / "_data" / "templates").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resource("templates") == package / "_data" / "templates"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.toml is missing from this installation"):
        resource("absent.toml")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with our wheel installed; the libraries are the ones the tests run on."""
    folder = tmp_path_factory.mktemp("wheel")
    run(ROOT, sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder)
    [source] = folder.glob("*.tar.gz")
    run(folder, sys.executable, "-m", "tarfile", "-e", source, folder / "source")
    [unpacked] = (folder / "source").iterdir()
    # From the source archive, not from the checkout: what it lacks, the wheel would lack.
    run(unpacked, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    [wheel] = folder.glob("*.whl")
    environment = folder / "environment"
    run(folder, sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    where = run(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(folder, *pip, "install", "--quiet", "--no-index", "--no-deps", wheel)
    # Ours lends its libraries; its own editable copy of the project must not be among them.
    libraries = Path(sysconfig.get_path("purelib"))
    (Path(where) / "libraries.pth").write_text(f"{libraries}\n")
    return environment


@pytest.mark.wheel
def test_an_installed_wheel_finds_its_files_from_another_folder(installed: Path, tmp_path: Path) -> None:
    code = (
        "import digest, subscribers, sys\n"
        "from digest.system.resources import resource\n"
        "for name in ('templates', 'examples', 'config.toml'): print(resource(name))\n"
        "print(subscribers.__file__)"
    )
    found = run(tmp_path, installed / "bin" / "python", "-c", code).splitlines()
    assert len(found) == 4
    for path in found:
        assert Path(path).is_relative_to(installed), path
    for name, path in zip(("templates", "examples"), found, strict=False):
        assert listing(Path(path)) == listing(ROOT / name)
    assert Path(found[2]).read_bytes() == (ROOT / "config.toml").read_bytes()


@pytest.mark.wheel
def test_an_installed_wheel_upgrades_a_database(installed: Path, tmp_path: Path) -> None:
    code = (
        "from digest.store import migrate\n"
        "from digest.store.engine import make_engine\n"
        "made = make_engine('sqlite:///digest.db')\n"
        "migrate.upgrade(made)\n"
        "print(migrate.current(made))"
    )
    assert run(tmp_path, installed / "bin" / "python", "-c", code).strip() not in ("", "None")


@pytest.mark.wheel
def test_an_installed_wheel_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    run(tmp_path, installed / "bin" / "digest", "demo", "--out", "letters")
    assert (tmp_path / "letters").is_dir()
    assert list((tmp_path / "letters").rglob("*.eml"))
    assert list((tmp_path / "letters").rglob("index.html"))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def run(folder: Path, *command: str | Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DIGEST_"))}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
