"""Turn pydantic's errors into lines that name the key of config.toml and the cure."""

from __future__ import annotations

import os
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]  # keys and indexes from the root of the file, as pydantic gives them
# The default of a table. Validated with the file, because an instance would cost each table a validator of its own.
EMPTY: Any = {}


def validate(model: type[Model], raw: dict[str, Any]) -> tuple[Model | None, list[str]]:
    """Return the model of the tables in `raw`, and a line for each key with a mistake of form.

    Takes those keys out of `raw`, so that the caller can check the others too. The model is None where it cannot
    be without them.
    """
    # Because pydantic would look through every installed package for plugins, and none has a say in what is valid.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        problems = [_line(model, detail) for detail in error.errors()]
        for detail in error.errors():
            _take_out(raw, detail["loc"])
    try:
        return model.model_validate(raw), problems
    except ValidationError:
        return None, problems


def _line(model: type[BaseModel], detail: ErrorDetails) -> str:
    """Return the line for one error of a validation of `model`."""
    kind, location = detail["type"], detail["loc"]
    *_, key = steps = [str(step) for step in location]
    path = ".".join(steps)
    if kind == "extra_forbidden":
        if key == "include" and len(steps) > 1:
            return f"{path}: unknown key; include belongs to no table: write it above the first [table]"
        from difflib import get_close_matches  # here, because few files have a mistake

        allowed = _keys_beside(model, location)
        near = get_close_matches(key, allowed, 1)
        cure = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(allowed))}"
        return f"{path}: unknown key; {cure}"
    if kind == "missing":
        return f"{path}: is missing; add it"
    if path == "transport.kind":
        return f'{path}: {detail["input"]!r} is not a transport; use "file", "smtp" or "sendgrid"'
    return f"{path}: {_problem(kind, detail)}"


# The mistake and its cure, by the beginning of pydantic's name for it.
_FORMS = {
    "string": 'is no text; write it in quotes: "…"',
    "int": "is no whole number; write it without quotes: 10",
    "float": "is no number; write it without quotes: 2.5",
    "finite": "is no number; write it without quotes: 2.5",
    "bool": "is neither true nor false; write true or false, without quotes",
    "date": "is no day; write it without quotes: 2026-12-31",
    "list": 'is no list; write one like ["…", "…"]',
    "dict": "is no table; write its keys below a line in brackets, such as [table]",
    "model": "is no table; write its keys below a line in brackets, such as [table]",
}
_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_BOUND_WORDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def _problem(kind: str, detail: ErrorDetails) -> str:
    """Return the mistake and its cure; pydantic's own words only where a check of ours gave them."""
    context = detail.get("ctx", {})
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind in _BOUNDS:
        bound = _BOUNDS[kind]
        return f"{detail['input']!r} does not fit; write a number that is {_BOUND_WORDS[bound]} {context[bound]}"
    if kind == "literal_error":
        return f"{detail['input']!r} is unknown; use {context['expected'].replace(chr(39), chr(34))}"
    if kind == "string_too_short":
        return (
            "is empty; write it"
            if not detail["input"]
            else f"is too short; write {context['min_length']} or more letters"
        )
    if kind == "string_too_long":
        return f"is too long; write at most {context['max_length']} letters"
    form = _FORMS.get(kind.partition("_")[0])
    return form or f"{detail['msg'][:1].lower()}{detail['msg'][1:]}; correct it as docs/configuration.md says"


def _keys_beside(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys allowed in the table that holds `location`, by walking the models from `model` down."""
    for step in location[:-1]:
        # An index of a list or the name of a table of tables is no field, and stays in the model it chooses from.
        fields = [field for name, field in model.model_fields.items() if step == (field.alias or name)]
        model = next((inner for field in fields if (inner := _model_in(field.annotation))), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in a type such as `list[Part]`, `dict[str, Part]` or `Part | None`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)


def _take_out(raw: Any, location: Location) -> None:
    """Remove the key at `location` from nested tables; do nothing where it is not there."""
    *way, key = location
    for step in way:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(raw, dict):
        raw.pop(key, None)
