"""Write strangers' words as lines of the text part, so that no mail program takes them for anything else. Pure.

Mail programs have no markup to go by in plain text, so they guess: a line that begins with ">" is a quotation, "-- "
begins a signature, "On … wrote:" an earlier letter, "begin 644" a file. They colour, fold or hide what they take for
one. A text that begins so stands in quotation marks here, which leaves its words as they are in every program; inside
a text such a sign never begins a line, because the word before it comes along. "From " and "." at the start of a line
are encoded on the wire (`digest.letter.mime.quoted_printable`).
"""

from __future__ import annotations

import re
import textwrap

from digest.letter.bidi import LTR, closed_rows, isolated_rows

COLUMNS = 72
_ROW = re.compile(rf"(.{{1,{COLUMNS}}}|[^ ]+)(?: |$)")
# Names of headers that programs write above the letter they answer, in English, Welsh and other languages of Europe.
_HEADERS = (
    "from|sent|to|cc|bcc|date|subject|reply-to|received|forwarded"
    "|oddi wrth|anfonwyd|at|dyddiad|pwnc"
    "|von|gesendet|an|datum|betreff|de|envoyé|à|objet|para|asunto|fecha|enviado|assunto|da|inviato|a|oggetto"
    "|van|verzonden|aan|onderwerp|fra|sendt|til|emne|från|skickat|till|ämne|od|wysłano|do|temat|lähettäjä|aihe"
)
_SIGNS = re.compile(
    r"\s*(?:"
    r"[|>:}#¦»›＞]"  # marks of quotation; mutt knows the first five
    r"|\w{1,4}>"  # with the initials of who is quoted
    r"|[-–—_=*~]{2,}"  # signature, rule, "-----Original Message-----"
    r"|[-–—_]\s*$"
    r")"
)
_BEGINNINGS = re.compile(
    r"\s*(?:"
    r"begin[ \t]+(?:\d|[ \t])"  # uuencode
    r"|begin forwarded message|sent from my |get outlook for |content-[\w-]+:"
    rf"|[*_]*(?:{_HEADERS})[*_]*\s?:"
    r")",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"\s*(?:"
    r"(?:on|am|le|el|il|op|den|em|dne|w dniu|ar|ddydd)\b(?=.*[\d@]).{1,200}[:>]$"  # "On 3 May Ceri <c@x.example>:"
    r"|.{1,200}\b(?:wrote|ysgrifennodd|schrieb|schreef|écrit|escribió|escreveu|scritto|skrev|napisał\(?a?\)?)\s?:$"
    r")",
    re.IGNORECASE,
)
_QUOTES = frozenset("\"“‘'«„")


def reads_as_mail(line: str) -> bool:
    """Return whether a mail program may take a line for a quotation, a signature, a header or a file."""
    if not line:
        return False
    if not line[0].isalnum() and _SIGNS.match(line):
        return True
    if ">" in line[:5] and _SIGNS.match(line):
        return True
    # Few lines are read by the slow expressions, because each reader's own words are tried here.
    if line[-1] in ":>" and _ATTRIBUTION.match(line):
        return True
    may_begin = ":" in line[:24] or line[0] in "bBcCgGsS"
    return may_begin and _BEGINNINGS.match(line) is not None


def wrapped(sentence: str) -> str:
    """Return a sentence in lines of at most 72 columns for the text part; addresses stay whole."""
    if len(sentence) <= COLUMNS or sentence.split(None, 1) == [sentence]:
        return in_quotes(sentence) if " " in sentence else sentence
    sentence = in_quotes(sentence)
    if " ".join(sentence.split()) != sentence:
        rows = textwrap.wrap(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False)
    else:
        rows = _ROW.findall(sentence)  # the same rows, ten times quicker
    return "\n".join(closed_rows(_joined(rows)))


def wrapped_text(text: str, first: str = "", rest: str = "", around: str = LTR) -> str:
    """Return a text in lines of at most 72 columns: the first begins with `first`, the others with `rest`.

    `around` is the direction of the letter, in which a text of the other direction keeps its own.
    """
    rows = textwrap.wrap(
        text if first.strip() else in_quotes(text),
        COLUMNS,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(isolated_rows(closed_rows(_joined(rows, rest)), around))


def in_quotes(text: str) -> str:
    """Return a text as it stands at the beginning of a line: in quotation marks if it would be taken for mail."""
    return f"“{text}”" if reads_as_mail(text) and text[:1] not in _QUOTES else text


def _joined(rows: list[str], indent: str = "") -> list[str]:
    """Return rows of which none but the first begins with a sign of mail: the word before it comes along."""
    for number in range(len(rows) - 1, 0, -1):
        while number < len(rows) and reads_as_mail(rows[number].strip()):
            before, _, word = rows[number - 1].rpartition(" ")
            if before.strip():
                rows[number - 1], rows[number] = before, f"{indent}{word} {rows[number].strip()}"
            else:  # the word before is alone on its line
                rows[number - 1 : number + 1] = [f"{rows[number - 1]} {rows[number].strip()}"]
                break
    return rows
