"""Whether the Drift on this machine is a sandbox.

A sandbox takes any token and listens on a port that anybody may have taken before, so it is easily taken for another
one, or for something else. It says itself what it is. Only a loopback URL is asked, and without the token.
"""

from __future__ import annotations

from contextlib import closing

import msgspec

from dbt_drift.drift.http.messages import Request
from dbt_drift.drift.http.transport import NoAnswerError, Timeouts, Transport
from dbt_drift.drift.http.url import is_loopback


class LocalSandbox(msgspec.Struct, frozen=True, rename="camel"):
    """What a sandbox says of itself.

    Attributes:
        sandbox: The version of dbt-drift that serves it.
        contacts: How many contacts it holds, in all organisations.
        running_s: For how many seconds it has been running.
    """

    sandbox: str
    contacts: int
    running_s: float

    def __str__(self) -> str:
        people = f"{self.contacts:,} contact{'' if self.contacts == 1 else 's'}"
        return f"a sandbox with {people}, started {_duration(self.running_s)} ago"


_ABOUT = Request(
    method="GET", target="/_sandbox/about", scope="", reads=msgspec.json.Decoder(LocalSandbox, strict=True)
)
_TIMEOUTS = Timeouts(connect=1.0, read=1.0)
"""Whatever does not answer at once is asked about its contacts with more patience, and is no sandbox till then."""


def sandbox_at(url: str) -> LocalSandbox | None:
    """Return what the sandbox at a URL says of itself, or None where none is known to be."""
    if not is_loopback(url):
        return None
    with closing(Transport(url, timeouts=_TIMEOUTS)) as transport:
        try:
            response = transport.send(_ABOUT, None)
        except NoAnswerError:
            return None
    found: LocalSandbox | None = response.data
    return found


def _duration(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    if seconds < 7200:  # noqa: PLR2004 - two hours
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours"
