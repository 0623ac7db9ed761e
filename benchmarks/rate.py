"""How much of Drift's quota is used, and whether the client ever asks for more than it has."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from benchmarks.drift import new_contact, sandbox, summary
from benchmarks.table import Figure
from dbt_drift.drift.client import DriftClient
from dbt_drift.drift.credentials import AccessToken
from dbt_drift.drift.limiter import RateLimiter

if TYPE_CHECKING:
    import argparse

LIMIT, WINDOW = 1000, 20.0


def measure(given: argparse.Namespace) -> list[Figure]:
    """Send for a minute at the default limit, without latency and with two seconds."""
    figures = []
    for latency in (0, 2000):
        with sandbox(rate_limit=LIMIT, rate_window_s=WINDOW, latency_ms=latency) as url:
            _send_for(url, given.seconds)
            counted = summary(url)
        throttled = sum(count["count"] for count in counted["requests"] if count["status"] == 429)
        taken = counted["totalRequests"] - throttled
        share = taken / (LIMIT * given.seconds / WINDOW)
        figures += [
            Figure(
                f"{latency} ms latency, {given.seconds} s: share of the limit that is used",
                f"{share:.1%} ({taken} requests)",
                "97%",
                share >= 0.97,
            ),
            Figure(f"{latency} ms latency: answers 429", str(throttled), "0", throttled == 0),
        ]
    return figures


def _send_for(url: str, seconds: float) -> None:
    numbers = itertools.count()
    ending = time.monotonic() + seconds
    limiter = RateLimiter(LIMIT, WINDOW)
    with DriftClient(url, AccessToken("bench"), limiter=limiter) as client, client.dispatcher() as dispatcher:
        while time.monotonic() < ending:
            for _ in range(dispatcher.room):
                dispatcher.submit(new_contact(next(numbers)))
            dispatcher.collect(timeout=0.1)
