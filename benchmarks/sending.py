"""How many contacts a second a sync sends with the limit lifted, beside a script without threads."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from benchmarks.drift import LOGGED, TOKEN, arrivals, forget_contacts, sandbox
from benchmarks.people import prepared_people, write_people
from benchmarks.table import Figure
from dbt_drift.delivery.run import run_syncs
from tests.support.harness import Recorder

if TYPE_CHECKING:
    import argparse

    from dbt_drift.binding.prepared import Prepared

SCRIPT_SECONDS = 3.0


class Paces(NamedTuple):
    """Contacts a second: while requests went out, over the whole sync, and those of the script."""

    sending: float
    whole: float
    script: float


def measure(given: argparse.Namespace) -> list[Figure]:
    """Sync new contacts, then changes to them, without latency and with 50 ms."""
    contacts = min(given.contacts, LOGGED // 2)  # a new contact takes up to two requests
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_people(project, {"type": "duckdb", "path": f"{folder}/bench.duckdb", "schema": "analytics"}, contacts)
        for latency in (0, 50):
            with sandbox(rate_limit=0, latency_ms=latency) as url:
                rounds = [_round(project, url, contacts, f"ledger_{latency}_{n}") for n in range(given.rounds)]
            figures += _figures(
                f"{latency} ms latency, new contacts (hardly more than 1 request each)", [new for new, _ in rounds]
            )
            figures += _figures(f"{latency} ms latency, changed contacts (1 request each)", [old for _, old in rounds])
    return figures


def _figures(what: str, found: list[Paces]) -> list[Figure]:
    sending, whole, script = (statistics.median(paces) for paces in zip(*found, strict=True))
    return [
        Figure(what, f"{sending:.0f}/s ({whole:.0f}/s with staging and folding)", "300/s", sending >= 300),
        Figure(f"{what}: dbt-drift / a requests loop", f"{sending / script:.1f} ({script:.0f}/s)"),
    ]


def _round(project: Path, url: str, contacts: int, ledger: str) -> tuple[Paces, Paces]:
    forget_contacts(url)
    script_new, script_changed = _script_paces(url)
    with prepared_people(project, schema=ledger, rate_limit={"requests": 0}) as prepared:
        new = _sync(prepared, url, contacts)
        with prepared.project.connect("bench") as session, session.transaction():
            session.call("execute", sql=f"update {prepared.project.schema}.people set seats = seats + 1")
        changed = _sync(prepared, url, contacts)
    return Paces(*new, script_new), Paces(*changed, script_changed)


def _sync(prepared: Prepared, url: str, contacts: int) -> tuple[float, float]:
    environment = {"DRIFT_API_URL": url, "DRIFT_ACCESS_TOKEN": TOKEN}
    (result,) = run_syncs(prepared, environment, Recorder()).results
    came = arrivals(url)
    assert (result.status, result.rows.sent, result.requests) == ("success", contacts, len(came.taken))
    return contacts / came.span, contacts / result.execution_time


def _script_paces(url: str) -> tuple[float, float]:
    """What one would write first: look up, then create, one contact after the other; then change each."""
    ids: list[int] = []
    started = time.perf_counter()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        while time.perf_counter() - started < SCRIPT_SECONDS and len(ids) < LOGGED // 2:
            attributes: dict[str, Any] = {"email": f"script{len(ids)}@example.com", "name": "Script", "seats": 1}
            query = {"email": attributes["email"]}
            assert session.get(f"{url}/contacts", params=query, timeout=10).json()["data"] == []
            answer = session.post(f"{url}/contacts", json={"attributes": attributes}, timeout=10)
            ids.append(answer.json()["data"]["id"])
        new = arrivals(url)
        for contact_id in ids:
            change = {"attributes": {"seats": 2}}
            session.patch(f"{url}/contacts/{contact_id}", json=change, timeout=10).raise_for_status()
    return len(ids) / new.span, len(ids) / arrivals(url).span
