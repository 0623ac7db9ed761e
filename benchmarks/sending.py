"""How many contacts a second go out with the limit lifted, beside a script that sends one request after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests

from benchmarks.drift import known_contact, new_contact, sandbox, summary
from benchmarks.table import Figure
from dbt_drift.drift.client import DriftClient
from dbt_drift.drift.credentials import AccessToken
from dbt_drift.drift.limiter import RateLimiter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from dbt_drift.drift.changes import ContactChange, Outcome

CONTACTS = 3000
SCRIPT_SECONDS = 4.0


def measure(given: argparse.Namespace) -> list[Figure]:  # noqa: ARG001 - all benchmarks are called alike
    """Send new contacts, then changes to them, without latency and with 50 ms."""
    figures = []
    for latency in (0, 50):
        with sandbox(rate_limit=0, latency_ms=latency) as url:
            script = _script_rate(url)
            new_rate, outcomes = _rate(url, (new_contact(number) for number in range(CONTACTS)))
            known = [known_contact(outcome.seq, outcome.contact_id or 0) for outcome in outcomes]
            known_rate, _ = _rate(url, known)
            assert summary(url)["contacts"] >= CONTACTS
        for what, rate in (
            ("new contacts (2 requests each)", new_rate),
            ("changed contacts (1 request each)", known_rate),
        ):
            figures.append(Figure(f"{latency} ms latency, {what}", f"{rate:.0f}/s", "300/s", rate >= 300))
        figures.append(
            Figure(
                f"{latency} ms latency, new contacts, dbt-drift / a requests loop",
                f"{new_rate / script:.1f} ({script:.0f}/s)",
            )
        )
    return figures


def _rate(url: str, changes: Iterable[ContactChange]) -> tuple[float, list[Outcome]]:
    outcomes: list[Outcome] = []
    started = time.perf_counter()
    with DriftClient(url, AccessToken("bench"), limiter=RateLimiter(None)) as client, client.dispatcher() as dispatcher:
        for change in changes:
            if not dispatcher.room:
                outcomes += dispatcher.collect()
            dispatcher.submit(change)
        while dispatcher.open:
            outcomes += dispatcher.collect()
        outcomes += dispatcher.collect(0)
    assert all(outcome.status in {"created", "updated"} for outcome in outcomes)
    return len(outcomes) / (time.perf_counter() - started), outcomes


def _script_rate(url: str) -> float:
    """What one would write first: look up, then create, one contact after the other."""
    done = 0
    started = time.perf_counter()
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer bench"
        while time.perf_counter() - started < SCRIPT_SECONDS:
            email = f"script{done}@example.com"
            assert session.get(f"{url}/contacts", params={"email": email}, timeout=10).json()["data"] == []
            session.post(f"{url}/contacts", json={"attributes": {"email": email}}, timeout=10).raise_for_status()
            done += 1
    return done / (time.perf_counter() - started)
