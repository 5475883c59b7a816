"""Find the shipped templates, examples and config.toml, in a checkout, an editable install and a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(name: str) -> Path:
    """Return the path of "templates", "examples" or "config.toml" as shipped with this code.

    Raises FileNotFoundError when the installation lacks it.
    """
    # A wheel has them inside the package; a checkout has them beside the package.
    for path in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} is missing from this installation of learning-digest; install it again")
