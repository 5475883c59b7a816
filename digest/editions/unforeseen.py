"""Keep an error that nobody foresaw to the edition it concerns, so that the others go out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from digest.errors import BadEdition, DigestError
from digest.store.engine import is_of_database

_log = logging.getLogger(__name__)


@contextmanager
def unforeseen(problem: str) -> Iterator[None]:
    """Turn an error that no code foresees into BadEdition: `problem`, and the class of the error.

    Errors raised on purpose and those of the database pass through.
    """
    try:
        yield
    except DigestError:
        raise
    except Exception as error:
        if is_of_database(error):
            raise
        # The words of such an error may hold anything, so that only its class is told; the log has the rest.
        _log.debug("%s", problem, exc_info=error)
        raise BadEdition(f"{problem}: a fault of this program ({type(error).__name__}), please report it") from error
