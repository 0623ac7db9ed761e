"""How many requests a contact costs, by the sandbox's own log."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.drift import TOKEN, forget_contacts, put_contacts, sandbox, spent
from benchmarks.people import prepared_people, write_people
from benchmarks.table import Figure
from dbt_drift.delivery.run import run_syncs
from tests.support.harness import Recorder

if TYPE_CHECKING:
    import argparse

    from dbt_drift.drift.contact.change import MatchOn

CHANGED = 10
"""One contact in so many changes after the first sync."""


def measure(given: argparse.Namespace) -> list[Figure]:
    """Sync into organisations that know nobody, everybody and every second contact; then a few changes."""
    everybody = range(1, given.contacts + 1)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, sandbox(rate_limit=0) as url:
        populations: list[tuple[MatchOn, range, str, float | None]] = [
            ("email", everybody[:0], "a new contact, Drift knows nobody, by email", 1.1),
            ("email", everybody, "a known contact that differs, by email", 2.1),
            ("email", everybody[::2], "every second one known, by email", None),
            ("externalId", everybody, "a known contact that differs, by externalId", 1.05),
            ("externalId", everybody[:0], "a new contact, Drift knows nobody, by externalId", None),
        ]
        for match_on, known, first, must in populations:
            costs = _costs(Path(folder) / str(len(figures)), url, match_on, known, given.contacts)
            figures.append(_figure(first, costs[0], must))
            figures.append(_figure("... then one that changed, nothing else", costs[1], 1))
            figures.append(_figure("... then nothing changed, all requests", costs[2], 0))
    return figures


def _figure(what: str, cost: float, must: float | None) -> Figure:
    promised = "" if must is None else f"at most {must:g}"
    return Figure(what, f"{cost:.3f}", promised, must is None or cost <= must)


def _costs(project: Path, url: str, match_on: MatchOn, known: range, contacts: int) -> tuple[float, float, float]:
    """Return requests a contact: of the first sync, of the changed ones in the second, and all of the third."""
    duckdb = {"type": "duckdb", "path": str(project / "bench.duckdb"), "schema": "analytics"}
    write_people(project, duckdb, contacts, match_on=match_on)
    forget_contacts(url)
    put_contacts(url, [{"email": f"user{i}@example.com", "externalId": f"cust_{i}", "seats": -1} for i in known])
    environment = {"DRIFT_API_URL": url, "DRIFT_ACCESS_TOKEN": TOKEN}
    with prepared_people(project, rate_limit={"requests": 0}) as prepared:
        spent(url)
        run_syncs(prepared, environment, Recorder())
        first = spent(url)
        with prepared.project.connect("bench") as session, session.transaction():
            people = f"{prepared.project.schema}.people"
            session.call("execute", sql=f"update {people} set seats = -seats where seats % {CHANGED} = 0")
        run_syncs(prepared, environment, Recorder())
        second = spent(url)
        run_syncs(prepared, environment, Recorder())
        return first / contacts, second / (contacts // CHANGED), spent(url)
