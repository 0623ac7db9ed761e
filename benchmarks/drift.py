"""A sandbox in a process of its own, and changes to send to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

from dbt_drift.drift.changes import ContactChange

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVER = """
import json, sys
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import serve
serve(port=0, behaviour=Behaviour(**json.loads(sys.argv[1])), announce=lambda url: print(url, flush=True))
"""


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


def summary(url: str) -> dict[str, Any]:
    """Return what the sandbox counted."""
    with urllib.request.urlopen(f"{url}/_sandbox/summary") as answer:  # noqa: S310 - our own loopback server
        found: dict[str, Any] = json.load(answer)
        return found


def new_contact(number: int) -> ContactChange:
    """Return a contact that Drift has not met: a look-up and a creation."""
    email = f"p{number}@example.com"
    attributes = {"email": email, "name": f"Name {number}", "plan_tier": "gold"}
    return ContactChange(seq=number, key=email, identity={"email": email}, attributes=dict(attributes))


def known_contact(number: int, contact_id: int) -> ContactChange:
    """Return a change to a contact whose id is known: one request."""
    email = f"p{number}@example.com"
    return ContactChange(
        seq=number, key=email, identity={"email": email}, contact_id=contact_id, attributes={"plan_tier": "free"}
    )
