"""Cut texts between characters as people see them: a flag, a family, a letter with its accents. Pure.

All code that shortens a text for people asks here, because two ways of cutting would differ. A character is an
extended grapheme cluster of Unicode (UAX 29), as the library `regex` finds them: it is installed with dateparser
anyway, and its tables follow each version of Unicode.
"""

from __future__ import annotations

# Below this a character stands alone, but for a line end of two; combining marks begin here.
_FIRST_MARK = "\u0300"


def whole_characters(text: str, limit: int) -> str:
    """Return the beginning of `text` in at most `limit` code points, without the half of a character at its end.

    A first character that alone is longer than `limit` is cut all the same, because nothing would be left.
    """
    if len(text) <= limit:
        return text
    head = text[:limit]
    if limit <= 0 or (head[-1] < _FIRST_MARK and text[limit] < _FIRST_MARK and head[-1] != "\r"):
        return head[: max(limit, 0)]
    import regex  # here, because few texts need it and its tables take time to load

    end = 0
    for character in regex.finditer(r"\X", text):
        if character.end() > limit:
            break
        end = character.end()
    return head[:end] or head


def last_characters(text: str, limit: int) -> str:
    """Return the end of `text` in at most `limit` code points, without the half of a character at its beginning."""
    if len(text) <= limit:
        return text
    if limit <= 0:
        return ""
    start = len(whole_characters(text, len(text) - limit))
    if start < len(text) - limit:  # the character at the edge begins before it
        import regex

        edge = regex.compile(r"\X").match(text, start)
        start = edge.end() if edge else len(text) - limit
    return text[start:]


def cut(text: str, limit: int) -> str:
    """Return `text` in at most `limit` code points: cut after a word if one ends in the second half, then "…"."""
    if len(text) <= limit:
        return text
    short = whole_characters(text, limit - 1)
    if len(short) < limit - 1 or text[limit - 1] != " ":
        word = short.rfind(" ")
        short = short[:word] if word > limit // 2 else short
    return short.rstrip(" ,;:.-–—") + "…"


def cut_anywhere(text: str, limit: int) -> str:
    """Return `text` in at most `limit` code points, with "…" in place of the rest, for tables and logs."""
    return text if len(text) <= limit else whole_characters(text, limit - 1) + "…"
