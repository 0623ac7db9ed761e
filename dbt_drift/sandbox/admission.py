"""Which requests are let in at all: contacts may be real people's, and a browser sends what any page tells it to.

A page of another site must reach nothing, neither by a name of its own that leads to this machine (the `Host` is then
that name) nor by a request across sites (which browsers mark with `Origin` and with `Sec-Fetch-Site`). A program on
this machine sends none of the marks, and is let in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbt_drift.sandbox.calls.answers import Answer, error

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

_HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::\d{1,5})?", re.IGNORECASE)
_OWN = {None, "none", "same-origin"}
_VISITED = {"/", "/authorize"}
"""The paths that a link, or an app that signs somebody in, may lead a browser to. Neither changes a contact, and the
site that leads there does not see what comes."""


def refusal_of(method: str, path: str, headers: CIMultiDictProxy[str]) -> Answer | None:
    """Return the answer to a request that is not let in, from its head alone; None for one that is."""
    hosts = headers.getall("Host", [])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return error(403, "The sandbox answers requests to 127.0.0.1 or localhost only.")
    is_visit = method == "GET" and path in _VISITED and headers.get("Sec-Fetch-Mode") == "navigate"
    is_own = headers.get("Sec-Fetch-Site") in _OWN and headers.get("Origin") in (None, f"http://{hosts[0]}")
    return None if is_own or is_visit else error(403, "The sandbox answers no requests of other sites.")
