from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import addresses
from subscribers.addresses import Address, parse_address
from subscribers.errors import BadAddress
from tests.counts import table


@table(
    "raw, email, key",
    [
        ("jo@town.example", "jo@town.example", "jo@town.example"),
        ("  Jo.Smith@Town.Example\r\n", "Jo.Smith@town.example", "jo.smith@town.example"),
        ("\ufeffjo@town.example\u200b", "jo@town.example", "jo@town.example"),
        ("jo@bücher.example", "jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("jo@straße.example", "jo@xn--strae-oqa.example", "jo@xn--strae-oqa.example"),
        ("POSTMASTER@town.example", "POSTMASTER@town.example", "postmaster@town.example"),
        ("+tag@town.example", "+tag@town.example", "+tag@town.example"),
        ("=cmd@town.example", "=cmd@town.example", "=cmd@town.example"),
        ("o'neill@town.example", "o'neill@town.example", "o'neill@town.example"),
        ("jo@a.test", "jo@a.test", "jo@a.test"),
        ("<jo@town.example>", "jo@town.example", "jo@town.example"),
        ("a" * 64 + "@town.example", "a" * 64 + "@town.example", "a" * 64 + "@town.example"),
    ],
)
def test_what_is_read(raw: str, email: str, key: str) -> None:
    assert parse_address(raw) == Address(email, key)


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Jo Smith <jo@town.example>", "Jo Smith"), ('"Smith, Jo" <jo@town.example>', "Smith, Jo")],
)
def test_a_display_name_is_kept(raw: str, name: str) -> None:
    assert parse_address(raw) == Address("jo@town.example", "jo@town.example", name)


@table(
    "raw, reason",
    [
        ("", "empty"),
        (" \u200b ", "empty"),
        ("jo", "@-sign"),
        ("jo@", "after the @"),
        ("@town.example", "before the @"),
        ("jo@town", "not a full domain name"),
        ("jo@localhost", "special-use"),
        ("jo@thing.invalid", "special-use"),
        ("jo@1.2.3.4", "not a full domain name"),
        ("jo@[192.0.2.1]", "bracketed IP"),
        ('"jo smith"@town.example', "Quoting"),
        ("jo..smith@town.example", "two periods"),
        ("jo.@town.example", "period"),
        ("jo@town..example", "two periods"),
        ("jo@-town.example", "hyphen"),
        ("jo@town_hall.example", "invalid characters"),
        ("jo@town.example, al@town.example", "invalid characters"),
        ("mailto:jo@town.example", "invalid characters"),
        ("josé@town.example", "letters outside ASCII"),
        ("ｊｏ@town.example", "letters outside ASCII"),
        ("jo\r\nBcc: al@town.example", "control"),
        ("jo\x00@town.example", "control"),
        ("jo@town\u202e.example", "control"),
        ("jo\u2028@town.example", "control"),
        ("a" * 65 + "@town.example", "64 characters"),
        ("jo@" + "b." * 130 + "example", "too long"),
        ("a" * 64 + "@" + "bcd." * 47 + "example", "254"),
        ("a" * 5_000_000, "254"),
    ],
)
def test_what_is_refused_and_why_without_the_address(raw: str, reason: str) -> None:
    with pytest.raises(BadAddress, match=reason) as caught:
        parse_address(raw)
    text = str(caught.value)
    assert len(text) < 160 and "\n" not in text
    assert "town.example" not in text and "josé" not in text and "smith" not in text


def test_an_address_does_not_show_in_repr() -> None:
    assert "jo" not in repr(parse_address("Jo <jo@town.example>"))


_WORD = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-.", min_size=1, max_size=70)
_DOMAIN = st.text("abcZ09-.", min_size=1, max_size=30)


@given(_WORD, _DOMAIN)
def test_the_quick_way_and_the_library_agree(local: str, domain: str) -> None:
    """The pattern for plain ASCII takes nothing that email-validator refuses, and the other way round."""

    def outcome(split: tuple[str, str, str] | None) -> str:
        try:
            local, domain, _ = split or addresses._by_library(text)
            return f"{local}@{addresses.ascii_domain(domain)}" if len(local) <= 64 else "refused"
        except BadAddress:
            return "refused"

    text = f"{local}@{domain}"
    plain = addresses._PLAIN.match(text)
    assert outcome((plain[1], plain[2], "") if plain else None) == outcome(None)


@pytest.mark.long
@given(st.text(max_size=60) | st.emails())
def test_nothing_but_an_address_or_a_reason_comes_out(raw: str) -> None:
    try:
        found = parse_address(raw)
    except BadAddress:
        return
    assert found.email.isascii() and found.key == found.email.lower() and len(found.email) <= 254
    assert parse_address(found.email) == Address(found.email, found.key)
