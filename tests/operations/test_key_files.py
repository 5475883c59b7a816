"""`digest check` and `digest doctor` judge every file of a secret that a configuration names, by one rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel

from digest.config.load import ConfigFile, load
from digest.config.secret_files import NO_SECRETS
from digest.config.settings import Settings
from digest.operations.check_settings import key_problems
from digest.operations.file_findings import file_findings
from tests.house import CONFIG, House

TABLES = """
[storage]
secret_file = "keys/the.secret"
[transport]
kind = "{kind}"
host = "mail.example.org"
username = "digest"
password_file = "keys/smtp password"
key_file = "sendgrid.key"
ca_file = "ca.pem"
[dkim]
domain = "example.org"
selector = "s1"
key_file = "dkim.pem"
[events]
mailbox = "imaps://digest@mail.example.org/INBOX"
password_file = "imap.password"
ca_file = "ca.pem"
[operate]
metrics_token_file = "metrics.token"
[[source]]
name = "Members"
url = "https://a.example/feed"
username = "ann"
password_file = "members.password"
"""
INCLUDED = """
[[source]]
name = "Partners"
url = "https://b.example/feed"
username = "ann"
password_file = "partners.password"
"""
FILES = {
    "storage.secret_file": "keys/the.secret",
    "transport.password_file": "keys/smtp password",
    "transport.key_file": "sendgrid.key",
    "dkim.key_file": "dkim.pem",
    "events.password_file": "imap.password",
    "operate.metrics_token_file": "metrics.token",
    "source 'Members': password_file": "members.password",
    "more.toml: source 'Partners': password_file": "partners.password",
}
OF_LINKS = {"storage.secret_file": "keys/the.secret.links"}  # it has no key of its own


@pytest.fixture(scope="module")
def private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def house(tmp_path: Path, private_key: bytes) -> Iterator[House]:
    """A house whose configuration names a file for every secret, each readable by its account alone."""
    with closing(House(tmp_path / "house")) as here:
        (here.folder / "keys").mkdir()
        for name in (*FILES.values(), *OF_LINKS.values(), "ca.pem"):
            (here.folder / name).write_bytes(
                private_key if name == "dkim.pem" else b"a-secret-of-32-letters-or-more!!"
            )
            (here.folder / name).chmod(0o600)
        (here.folder / "more.toml").write_text(INCLUDED)
        written = CONFIG.format(source="", weekly="") + TABLES.format(kind="smtp")
        here.config.write_text(f'include = ["more.toml"]\n{written}')
        here.settings = load(here.config, {})
        yield here


def is_open(path: Path) -> bool:
    """Judge the file alone, because the folders of tests are closed to others."""
    return path.exists() and bool(path.stat().st_mode & 0o066)


def told(settings: Settings) -> list[str]:
    return list(key_problems(settings, is_open))


def test_each_file_of_a_secret_that_others_may_read_is_told_with_its_key_and_cure(house: House) -> None:
    assert told(house.settings) == [] and list(file_findings(house.place, is_open)) == []
    for key, name in (*FILES.items(), *OF_LINKS.items()):
        path = house.folder / name
        quoted = f"'{path}'" if " " in name else str(path)
        for mode in (0o640, 0o604, 0o644, 0o620, 0o666, 0o440):
            path.chmod(mode)
            assert told(house.settings) == [
                f"{key}: {path} can be read by other accounts of this machine; `chmod 600 {quoted}`"
            ], oct(mode)
            [finding] = file_findings(house.place, is_open)
            assert (finding.level, finding.place) == ("wrong", "files")
            assert finding.cure.startswith(f"`chmod -R go= {quoted}`")
        for mode in (0o600, 0o400):
            path.chmod(mode)
            assert told(house.settings) == [] and list(file_findings(house.place, is_open)) == [], oct(mode)
        assert "a-secret" not in f"{told(house.settings)}"


def test_it_does_not_matter_which_way_out_is_chosen_nor_what_the_environment_gives(house: House) -> None:
    for name in FILES.values():
        (house.folder / name).chmod(0o644)
    config = house.config.read_text()
    given = {"DIGEST_TRANSPORT_PASSWORD": "x" * 32, "SENDGRID_API_KEY": "SG.x", "DIGEST_EVENTS_PASSWORD": "x"}
    for kind in ("smtp", "file", "sendgrid"):
        house.config.write_text(config.replace('kind = "smtp"', f'kind = "{kind}"'))
        assert {line.rpartition(": ")[0] for line in told(load(house.config, given))} == FILES.keys()


def test_a_file_that_is_not_there_is_no_fault_of_its_rights(house: House) -> None:
    (house.folder / "sendgrid.key").unlink()
    (house.folder / OF_LINKS["storage.secret_file"]).unlink()
    (house.folder / "ca.pem").chmod(0o644)
    assert told(load(house.config, {})) == []


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a table of the configuration and all tables in it."""
    yield model
    for field in model.model_fields.values():
        for inner in within(field.annotation):
            yield from models(inner)


def within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, dict, UnionType) or get_args(annotation):
        for argument in get_args(annotation):
            yield from within(argument)


def test_every_key_that_names_a_secret_ends_as_the_rule_knows_it() -> None:
    """A new key of a password or of a key is judged because of its name; here it fails if it has another."""
    names = {(model.__name__, name) for model in models(ConfigFile) for name in model.model_fields}
    by_rule = {(table, name) for table, name in names if name.endswith("_file") and name not in NO_SECRETS}
    assert len(by_rule) == 7 and len({name for _, name in names & by_rule}) == 4
    secret = {(table, name) for table, name in names if re.search(r"key|password|secret|token|pem|credential", name)}
    assert secret - by_rule == {("EventsPart", "sendgrid_keys")}  # public keys
