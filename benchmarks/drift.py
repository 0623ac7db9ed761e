"""A sandbox in a process of its own, and what it says of the requests that came in."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from tests.support.harness import ABOUT_THE_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "bench"  # noqa: S105 - the sandbox takes any

LOGGED = 10_000
"""How many requests the sandbox keeps one by one: its log can time no more."""

_SERVER = """
import json, sys
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import serve
from dbt_drift.sandbox.setup import Setup
serve(port=0, setup=Setup(behaviour=Behaviour(**json.loads(sys.argv[1]))), announce=lambda url: print(url, flush=True))
"""


class Arrivals(NamedTuple):
    """What came in.

    Attributes:
        taken: When each request arrived that was taken, in seconds.
        throttled: How many were answered with 429.
        ended: When the last answer was out, in seconds.
    """

    taken: list[float]
    throttled: int
    ended: float

    @property
    def span(self) -> float:
        """Seconds from the first arrival to the last answer."""
        return self.ended - self.taken[0]


@contextlib.contextmanager
def sandbox(**behaviour: Any) -> Iterator[str]:
    """Run a sandbox with these switches; yields its URL."""
    command = [sys.executable, "-c", _SERVER, json.dumps(behaviour)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def arrivals(url: str) -> Arrivals:
    """Return what came in since the last call about contacts, which must be no more than the sandbox keeps."""
    total = _control("GET", url, "summary")["requests"]
    found = _control("GET", url, "requests", limit=LOGGED)["requests"]
    assert len(found) == sum(kind["count"] for kind in total), "more requests than the sandbox keeps"
    _control("POST", url, "reset", only="requests")
    found = [request for request in found if request["template"] not in ABOUT_THE_RUN]
    return Arrivals(
        taken=[request["at"] / 1000 for request in found if request["status"] != 429],
        throttled=sum(request["status"] == 429 for request in found),
        ended=max(request["at"] + request["ms"] for request in found) / 1000,
    )


def forget_contacts(url: str) -> None:
    """Empty the sandbox."""
    _control("POST", url, "reset", only="contacts")


def put_contacts(url: str, contacts: list[dict[str, Any]]) -> None:
    """Add contacts to the sandbox."""
    requests.put(f"{url}/_sandbox/contacts", json=contacts, timeout=60).raise_for_status()


def spent(url: str) -> int:
    """Return how many requests about contacts came in since the last call."""
    total = _control("GET", url, "summary")["requests"]
    _control("POST", url, "reset", only="requests")
    return sum(kind["count"] for kind in total if kind["template"] not in ABOUT_THE_RUN)


def _control(method: str, url: str, call: str, **parameters: Any) -> Any:
    answer = requests.request(method, f"{url}/_sandbox/{call}", params=parameters, timeout=60)
    answer.raise_for_status()
    return answer.json()
