"""Write a [[source]] table as config.toml has it, to paste."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence

from subscribers.characters import whole_characters
from subscribers.invisible import one_line

LONGEST_NAME = 200  # characters


def source_table(
    name: str, url: str, *, policy_areas: Sequence[str] = (), full_text: str = "", allow_private: bool = False
) -> str:
    """Return a [[source]] table in TOML, each key on a line; what is left out is as config.toml has it without."""
    lines = ["[[source]]", f"name = {_text(name)}", f"url = {_text(url)}"]
    if policy_areas:
        lines.append(f"policy_areas = [{', '.join(map(_text, policy_areas))}]")
    if full_text:
        lines.append(f"full_text = {_text(full_text)}")
    if allow_private:
        lines.append("allow_private = true")
    return "\n".join([*lines, ""])


def free_name(wanted: str, taken: Container[str], otherwise: str) -> str:
    """Return a name for a source that no other has: the wanted one on a line, with a number where it is taken.

    `otherwise` is what it is called when nothing is left of the wanted one.
    """
    name = (
        whole_characters(one_line(wanted), LONGEST_NAME).strip()
        or whole_characters(one_line(otherwise), LONGEST_NAME)
        or "Source"
    )
    if name not in taken:
        return name
    number = 2
    while (numbered := f"{whole_characters(name, LONGEST_NAME - 6).strip()} ({number})") in taken:
        number += 1
    return numbered


def _text(text: str) -> str:
    # JSON escapes what TOML does, but for DEL, which only TOML forbids.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
