"""Rejects requests from other sites: the contacts may be real people, and a browser sends what any page tells it to.

A page of another site must reach nothing, neither through its own host name that resolves to this machine (`Host` is
then that name) nor through a cross-site request (which browsers mark with `Origin` and `Sec-Fetch-Site`). Programs on
this machine send neither mark and are allowed.
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
"""Paths that a link, or an app that signs a user in, may open in a browser. Neither changes a contact, and the
linking site does not see the answer."""


def refusal_of(method: str, path: str, headers: CIMultiDictProxy[str]) -> Answer | None:
    """Return the answer that rejects a request, based on its headers; None if the request is allowed."""
    hosts = headers.getall("Host", [])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return error(403, "The sandbox answers requests to 127.0.0.1 or localhost only.")
    is_visit = method == "GET" and path in _VISITED and headers.get("Sec-Fetch-Mode") == "navigate"
    is_own = headers.get("Sec-Fetch-Site") in _OWN and headers.get("Origin") in (None, f"http://{hosts[0]}")
    return None if is_own or is_visit else error(403, "The sandbox answers no requests of other sites.")
