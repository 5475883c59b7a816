"""Tell values that a tool prints where it has none: "undefined", "[object Object]", "{{ title }}". Pure."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 60
# As `_bare` writes them; each stands alone, because "None of us is an island" is a title.
_EMPTY = frozenset(
    line.strip()
    for line in """
    undefined
    null
    none
    nan
    nil
    n/a
    true
    false
    object object
    no title
    no title available
    title
    post title
    untitled
    untitled post
    untitled document
    heb deitl
    dim teitl
    teitl
    ohne titel
    kein titel
    sans titre
    sin título
    senza titolo
    sem título
    zonder titel
    geen titel
    bez tytułu
    utan titel
    uten tittel
    no description
    no description available
    no description provided
    no description found
    description not available
    no summary
    no summary available
    no excerpt
    no excerpt available
    there is no excerpt because this is a protected post
    no content
    no content available
    no text
    dim disgrifiad
    dim disgrifiad ar gael
    dim crynodeb
    keine beschreibung
    keine beschreibung verfügbar
    keine zusammenfassung
    pas de description
    aucune description
    aucune description disponible
    aucun résumé
    sin descripción
    nessuna descrizione
    sem descrição
    geen beschrijving
    brak opisu
    string
    system.string
    array
    """.splitlines()
    if line.strip()
)
_ACCOUNT_NAMES = """
    unknown anonymous admin administrator webmaster root guest user wordpress wpadmin siteadmin
"""
_ACCOUNTS = frozenset(_ACCOUNT_NAMES.split())
_NAME = r"[\w.\-]+(?:\s*\|\s*\w+)?"
_TEMPLATE = re.compile(
    rf"\{{{{[{{%]?\s*[^{{}}]{{0,60}}\s*[%}}]?\}}}}|\{{%\s*[^{{}}]{{0,60}}%\}}|[$#@]?\{{\s*{_NAME}\s*\}}"
    rf"|\${_NAME}|%+\w+%+|<%[=-]?.{{0,60}}%>|\[\[\s*{_NAME}\s*\]\]|\*\|.{{1,40}}\|\*|__\w+__|@\w+@|\[%\s*.{{1,40}}\s*%\]"
)
_MONEY = re.compile(r"\$[\d.]+\w*")
_SAYS = frozenset("LNS")  # letters, numbers, symbols such as emoji


def is_placeholder(text: str) -> bool:
    """Return whether a title, a name or a line of a text says nothing, or is what a tool prints for no value."""
    if len(text) > _LONGEST:
        return False
    line = text.strip()
    if _TEMPLATE.fullmatch(line) and not _MONEY.fullmatch(line):
        return True
    if not any(unicodedata.category(char)[0] in _SAYS and char not in "|<>=+~^`$" for char in line):
        return True
    return _bare(line) in _EMPTY


def without_placeholder(text: str) -> str:
    """Return a title or a name, or "" for one that says nothing."""
    return "" if is_placeholder(text) else text


def is_account(name: str) -> bool:
    """Return whether the name of an author is the account of a publishing tool, which names nobody."""
    return _bare(name).replace("_", "").replace(" ", "").replace("-", "") in _ACCOUNTS


def _bare(line: str) -> str:
    inner = re.sub(r"\A[\W_]+|[\W_]+\Z", "", unicodedata.normalize("NFC", line))
    return " ".join(inner.casefold().split())
