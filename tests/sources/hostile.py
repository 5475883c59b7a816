"""Feeds that try to break a reader, built by the program: XML tricks (group C) and encodings (group D)."""

from __future__ import annotations

import codecs

_ITEM = "<item><guid>g1</guid><title>Good</title><link>https://x.example/1</link></item>"


def rss(inner: str = _ITEM, *, head: str = "") -> bytes:
    """A small RSS feed around `inner`."""
    return f'{head}<rss version="2.0"><channel><title>T</title>{inner}</channel></rss>'.encode()


def _laughs(levels: int, width: int = 10) -> str:
    entities = ['<!ENTITY l0 "ha">']
    entities += [f'<!ENTITY l{n} "{f"&l{n - 1};" * width}">' for n in range(1, levels)]
    return f"<?xml version='1.0'?><!DOCTYPE rss [{''.join(entities)}]>"


def xml_tricks(secret: str, port: int, *, scale: float = 1.0) -> dict[str, bytes]:
    """Group C by name; `secret` is a file to steal, `port` a loopback listener, `scale` shrinks the floods."""
    many = lambda count: max(3, int(count * scale))  # noqa: E731
    title = "<item><guid>g1</guid><title>&{};</title></item>"
    return {
        "xxe file": rss(title.format("x"), head=f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]>'),
        "xxe http": rss(title.format("x"), head=f'<!DOCTYPE rss [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]>'),
        "xxe parameter": rss(head=f'<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p"> %p;]>'),
        "external dtd": rss(head=f'<!DOCTYPE rss SYSTEM "http://127.0.0.1:{port}/d.dtd">'),
        "stylesheet": rss(head=f'<?xml-stylesheet href="http://127.0.0.1:{port}/s.xsl"?>'),
        "xinclude": rss(f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{secret}"/>' + _ITEM),
        "nine laughs": rss(title.format("l8"), head=_laughs(9)),
        "six laughs": rss(title.format("l5"), head=_laughs(6)),
        "quadratic entity": rss(
            f"<item><guid>g1</guid><title>{'&a;' * many(20_000)}</title></item>",
            head=f'<!DOCTYPE rss [<!ENTITY a "{"a" * many(20_000)}">]>',
        ),
        "deep elements": rss("<a>" * many(200_000)),
        "deep elements closed": rss("<a>" * many(50_000) + "</a>" * many(50_000) + _ITEM),
        "many entities": rss("<item><title>" + "&amp;" * many(200_000) + "</title></item>"),
        "many namespaces": rss("".join(f'<a xmlns:n{n}="u{n}"/>' for n in range(many(20_000))) + _ITEM),
        "namespaces in one tag": rss("<a " + " ".join(f'xmlns:n{n}="u"' for n in range(many(20_000))) + "/>" + _ITEM),
        "many attributes": rss("<a " + " ".join(f'b{n}="c"' for n in range(many(20_000))) + "/>" + _ITEM),
        "duplicate attributes": rss('<item a="1" a="2"><guid>g1</guid><title>x</title></item>'),
        "unclosed cdata": rss("<item><guid>g1</guid><title>x</title><description><![CDATA[never ends"),
        "unclosed comment": rss(_ITEM + "<!--" + "- " * many(200_000)),
        "nul bytes": rss(_ITEM).replace(b"Good", b"Go\0od"),
        "control characters": rss(_ITEM).replace(b"Good", b"Go\x01\x1bod"),
        "two roots": rss() + rss(_ITEM.replace("g1", "g2")),
        "text before": b"\n\nNotice: undefined index\n" + rss(),
        "undefined entity": rss(_ITEM.replace("Good", "Good&nbsp;&nosuch;")),
        "mismatched tags": rss("<item><guid>g1</guid><title>x</item></title>"),
        "many items": rss("".join(f"<item><guid>{n}</guid><title>{n}</title></item>" for n in range(many(20_000)))),
        "long title": rss(f"<item><guid>g1</guid><title>{'x' * many(5_000_000)}</title></item>"),
        "long guid and link": rss(
            f"<item><guid>{'g' * many(500_000)}</guid><link>https://x.example/{'l' * many(500_000)}</link></item>"
        ),
        "many categories": rss(
            "<item><guid>g1</guid>" + "".join(f"<category>c{n}</category>" for n in range(many(5_000))) + "</item>"
        ),
        "only openings": b"<rss>" + b"<item>" * many(50_000),
        "declarations": b"<!" * many(100_000) + rss(),
        "processing": b"<?" * many(100_000) + rss(),
        "brackets": b"<" * many(300_000),
        "xhtml deep": (
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="xhtml">'
            '<div xmlns="http://www.w3.org/1999/xhtml">' + "<b>" * many(5_000) + "</b>" * many(5_000)
            + "</div></content></entry></feed>"
        ).encode(),
        "base64 content": (
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="image/png">'
            + "A" * many(100_000) + "</content></entry></feed>"
        ).encode(),
    }  # fmt: skip


_SMUGGLED = "<script>alert(1)</script>"


def encodings() -> dict[str, tuple[bytes, str]]:
    """Group D by name: (body, content type). Every one holds one entry."""
    plain = rss().decode()
    accents = plain.replace("Good", "Café “Größe”")

    def declared(name: str, text: str = plain) -> bytes:
        return f'<?xml version="1.0" encoding="{name}"?>{text}'.encode()

    smuggled = (b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-").decode()
    return {
        "utf-7 declared": (declared("utf-7", plain.replace("Good", f"Good {smuggled}")), ""),
        "utf-7 in the header": (rss().replace(b"Good", smuggled.encode()), "application/xml; charset=utf-7"),
        "utf-7 in wide letters": (declared("utf-7").decode().encode("utf-16"), ""),
        "utf-16 without mark": (f'<?xml version="1.0" encoding="utf-16"?>{accents}'.encode("utf-16-le"), ""),
        "utf-16 with mark": (accents.encode("utf-16"), "text/xml"),
        "utf-32": (f'<?xml version="1.0"?>{accents}'.encode("utf-32"), ""),
        "overlong": (rss().replace(b"Good", b"Good \xc0\xbcscript\xc0\xbe"), ""),
        "mark lies": (codecs.BOM_UTF16_LE + rss(), ""),
        "utf-8 mark over latin-1": (codecs.BOM_UTF8 + accents.replace("“Größe”", "Größe").encode("latin-1"), ""),
        "zlib": (declared("zlib"), ""),
        "rot13": (declared("rot13"), ""),
        "hex": (declared("hex"), "application/xml; charset=hex"),
        "punycode": (declared("punycode", accents), ""),
        "punycode in the header": (rss(), "text/xml; charset=punycode"),
        "idna": (declared("idna", accents), "application/rss+xml; charset=idna"),
        "unicode_escape": (declared("unicode_escape", plain.replace("Good", r"Good \x3cscript\x3e")), ""),
        "undefined": (declared("undefined"), ""),
        "nul in the name": (declared("utf\0-8"), "application/xml; charset=utf\0-8"),
        "long name": (declared("x" * 100_000), ""),
        "no such name": (declared("klingon"), "application/xml; charset=klingon"),
        "header says latin-1, bytes utf-8": (accents.encode(), "text/xml; charset=iso-8859-1"),
        "header says windows-1252, bytes utf-8": (accents.encode(), "text/xml; charset=windows-1252"),
        "declared latin-1, bytes utf-8": (declared("iso-8859-1", accents), ""),
        "header says utf-8, bytes windows-1252": (accents.encode("cp1252"), "application/rss+xml; charset=utf-8"),
        "header says nothing, bytes windows-1252": (accents.encode("cp1252"), "text/xml"),
        "declared windows-1252": (f'<?xml version="1.0" encoding="windows-1252"?>{accents}'.encode("cp1252"), ""),
        "shift-jis": (
            f'<?xml version="1.0" encoding="shift_jis"?>{plain.replace("Good", "日本")}'.encode("shift_jis"),
            "",
        ),
        "lone surrogates": (rss().replace(b"Good", b"Good \xed\xa0\x80"), ""),
        "surrogate reference": (rss().replace(b"Good", b"Good &#xD800;"), ""),
        "reference beyond unicode": (rss().replace(b"Good", b"Good &#x110000; &#99999999999;"), ""),
        "text/plain": (rss(), "text/plain"),
        "text/html": (rss(), "text/html; charset=utf-8"),
        "no type": (rss(), ""),
        "odd type": (rss(), ";;;charset==\"';\x00"),
    }
