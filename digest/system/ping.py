"""Ask an address that waits for a sign of life, in a few seconds at most, and never raise."""

from __future__ import annotations

import threading
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError

_PATIENCE = 3.0  # seconds for each step of a connection
_IN_ALL = 5.0  # seconds, because a server may send its answer drop by drop, and a name may not be resolved


def ping(url: str, signal: str, agent: str, patience: float = _IN_ALL) -> str:
    """Ask the address below `url` that stands for a signal ("": `url` itself); return why it failed, or "".

    The address is a secret: neither it nor a part of it is returned. A redirect is not followed, because another
    server would learn the address.
    """
    heard: list[str] = []
    address = f"{url.rstrip('/')}/{signal}" if signal else url

    def ask() -> None:
        heard.append(_ask(address, agent))

    # A thread that ends with the process, because no step of urllib has a limit of the whole time.
    thread = threading.Thread(target=ask, name="ping", daemon=True)
    thread.start()
    thread.join(patience)
    return heard[0] if heard else f"no answer within {patience:g} seconds"


def _ask(address: str, agent: str) -> str:
    try:
        request = urllib.request.Request(address, headers={"User-Agent": agent})  # noqa: S310, config allows http(s) only
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_PATIENCE) as answer:
            answer.read(1024)
    except HTTPError as error:
        error.close()
        return f"it answered {error.code}"
    except URLError as error:
        return str(getattr(error.reason, "strerror", None) or type(error.reason).__name__)
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "strerror", None) or type(error).__name__)
    return ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
