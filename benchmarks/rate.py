"""How much of Drift's quota is used, and whether the client ever asks for more than it has."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from benchmarks.drift import TOKEN, arrivals, sandbox
from benchmarks.table import Figure
from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.limiter import RateLimiter

if TYPE_CHECKING:
    import argparse

LIMIT, WINDOW = 1000, 20.0


def measure(given: argparse.Namespace) -> list[Figure]:
    """Send for a minute at the default limit, without latency and with two seconds.

    The limit allows request 3,001 to arrive 60 s after the first. How much later it does is what is not used.
    """
    figures = []
    allowed = max(1, round(given.seconds / WINDOW))
    for latency in (0, 2000):
        with sandbox(rate_limit=LIMIT, rate_window_s=WINDOW, latency_ms=latency) as url:
            _send(url, allowed * LIMIT + 1)
            came = arrivals(url)
        took = came.taken[allowed * LIMIT] - came.taken[0]
        share = allowed * WINDOW / took
        how = f"request {allowed * LIMIT + 1:,} after {took:.1f} s, allowed after {allowed * WINDOW:.0f} s"
        figures += [
            Figure(
                f"{latency} ms latency: share of the limit that is used",
                f"{share:.1%} ({how})",
                "97%",
                share >= 0.97,
            ),
            Figure(f"{latency} ms latency: answers 429", str(came.throttled), "0", came.throttled == 0),
        ]
    return figures


def _send(url: str, requests: int) -> None:
    """Send new contacts, two requests each, until at least so many requests were answered."""
    numbers = itertools.count()
    limiter = RateLimiter(LIMIT, WINDOW)
    with DriftClient(url, AccessToken(TOKEN), limiter=limiter) as client, client.dispatcher() as dispatcher:
        while dispatcher.statistics().requests < requests:
            for _ in range(dispatcher.room):
                dispatcher.submit(_new_contact(next(numbers)))
            dispatcher.collect(timeout=0.1)


def _new_contact(number: int) -> ContactChange:
    email = f"p{number}@example.com"
    attributes = {"email": email, "name": f"Name {number}", "plan_tier": "gold"}
    return ContactChange(seq=number, key=email, identity={"email": email}, attributes=dict(attributes))
