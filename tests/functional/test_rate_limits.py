"""Quotas that are smaller than told, or shared with others: everything gets through, and most requests are no 429."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox
from tests.support.command_line import project_of, start_process
from tests.support.harness import Bench
from tests.support.ledgers import people

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import ParsedProject

CONTACTS = 80


class Program(threading.Thread):
    """A program with a rate limiter of its own, which was told 100 requests a second."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self._url = url
        self._name = name
        self.created = 0
        self.waiting: set[str] = set()

    def run(self) -> None:
        client = DriftClient(self._url, AccessToken("secret"), limiter=RateLimiter(100, 1.0), workers=32)
        with client, client.dispatcher() as dispatcher:
            for number in range(CONTACTS):
                email = f"{self._name}{number}@example.com"
                dispatcher.submit(
                    ContactChange(seq=number, key=email, identity={"email": email}, attributes={"email": email})
                )
            outcomes = 0
            while outcomes < CONTACTS:
                for outcome in dispatcher.collect(timeout=0.1):
                    outcomes += 1
                    self.created += outcome.status == "created"
                self.waiting.add(dispatcher.statistics().waiting)


def work(sandbox: Sandbox, programs: int) -> list[Program]:
    started = [Program(sandbox.url, name) for name in "abcd"[:programs]]
    for program in started:
        program.start()
    for program in started:
        program.join()
    return started


def refused(sandbox: Sandbox) -> float:
    """Return the share of the requests that were answered with 429."""
    counts = sandbox.counts()
    return sum(count for (*_, status), count in counts.items() if status == 429) / sum(counts.values())


@pytest.mark.parametrize(
    ("quota", "programs"),
    [
        ({"rate_limit": 100}, 1),
        ({"rate_limit": 100, "rate_window": "fixed"}, 1),
        ({"rate_limit": 50}, 1),
        ({"rate_limit": 50, "rate_hint": "retry-after"}, 1),
        ({"rate_limit": 50, "rate_hint": "ratelimit-reset", "rate_window": "fixed"}, 1),
        ({"rate_limit": 100}, 3),
        ({"rate_limit": 100, "rate_hint": "retry-after"}, 3),
    ],
    ids=str,
)
def test_every_quota_is_lived_with(quota: dict[str, Any], programs: int) -> None:
    with Sandbox(behaviour=Behaviour(rate_window_s=1, latency_ms=10).changed(quota)) as sandbox:
        done = work(sandbox, programs)
        assert [program.created for program in done] == [CONTACTS] * programs
        assert len(sandbox.contacts()) == CONTACTS * programs
        assert refused(sandbox) < (0.6 if quota["rate_limit"] < 100 or programs > 1 else 0.01)
        if quota["rate_limit"] < 100:
            assert "Drift asked to slow down (429)" in done[0].waiting


def test_the_pace_recovers_with_the_limit() -> None:
    with Sandbox(behaviour=Behaviour(rate_limit=5, rate_window_s=1)) as sandbox:
        threading.Timer(1.5, lambda: sandbox.change(rate_limit=0)).start()
        (program,) = work(sandbox, 1)
        assert program.created == CONTACTS
        # At five a second it would have met hundreds.
        assert sum(count for (*_, status), count in sandbox.counts().items() if status == 429) < CONTACTS


def test_two_processes_on_one_quota(
    duckdb_project: ParsedProject, postgres_project: ParsedProject, tmp_path: Path
) -> None:
    with Sandbox(behaviour=Behaviour(rate_limit=100, rate_window_s=1)) as sandbox:
        running = []
        for number, project in enumerate((duckdb_project, postgres_project)):
            folder = tmp_path / str(number)
            folder.mkdir()
            bench = Bench(project, folder, sandbox)
            people(bench, CONTACTS)
            bench.execute(f"update $.people set email = '{number}' || email")
            *flags, _ = project_of(bench)
            settings = f"{{dbt_drift: {{schema: {bench.ledger}, rate_limit: {{requests: 100, seconds: 1}}}}}}"
            running.append(start_process("sync", *flags, settings, environment=bench.environment))
        ended = [(process.communicate()[1], process.returncode) for process in running]
        assert [code for _, code in ended] == [0, 0], ended
        contacts = sandbox.contacts()
        assert len({contact.attributes["email"] for contact in contacts}) == len(contacts) == 2 * CONTACTS
        assert refused(sandbox) < 0.6
