"""Read a TOML file of the operator's, and say what stands in its way."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from digest.errors import ConfigError, TryLater, of_disk

HOW_TO_MAKE = "make one with `digest init`, or name yours with --config or DIGEST_CONFIG"


def read_toml(path: Path, cure: str = HOW_TO_MAKE) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises ConfigError, or TryLater when the machine cannot read it now.

    `cure` is what to do when it is not there.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file; {cure}"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder; name a file, such as config.toml in it"]) from None
    except (ValueError, RecursionError) as error:  # also numbers too long to read, and nesting without end
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    except OSError as error:
        if isinstance(passing := of_disk(error, f"{path}: {error.strerror}; run again later"), TryLater):
            raise passing from None
        raise ConfigError([f"{path}: {error.strerror}; check its permissions"]) from None
