"""Detects whether the Drift URL on this machine is a sandbox.

A sandbox accepts any token, and its port may have been used by another program before, so it is easily confused with
another sandbox or program. A sandbox identifies itself. Only loopback URLs are contacted, and without the token.
"""

from __future__ import annotations

from contextlib import closing

import msgspec

from dbt_drift.drift.http.messages import Request
from dbt_drift.drift.http.transport import NoAnswerError, Timeouts, Transport
from dbt_drift.drift.http.url import is_loopback


class LocalSandbox(msgspec.Struct, frozen=True, rename="camel"):
    """The identification of a sandbox.

    Attributes:
        sandbox: The version of dbt-drift that serves it.
        contacts: Number of contacts in all organisations.
        running_s: Uptime in seconds.
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
"""A server that does not answer in this time counts as no sandbox. The API calls use longer timeouts."""


def sandbox_at(url: str) -> LocalSandbox | None:
    """Return the identification of the sandbox at a URL, or None if no sandbox is known there."""
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
