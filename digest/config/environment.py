"""Lay the environment over config.toml: DIGEST_SITE__NAME="…" overrides `name` of [site]."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any


def override(raw: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Write the DIGEST_SECTION__KEY variables of `environ` into `raw`, the tables of config.toml.

    Returns a line for each variable that names no key of a table.
    """
    problems = []
    for name in sorted(environ):
        if not name.startswith("DIGEST_") or "__" not in name:
            continue
        *sections, key = name.removeprefix("DIGEST_").lower().split("__")
        table: Any = raw
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            problems.append(f"{name}: names no single key; only tables can be overridden, not lists")
            continue
        table[key] = _toml_value(environ[name])
    return problems


def _toml_value(text: str) -> Any:
    """Return the value of a text in TOML; a text that is no TOML stands for itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
