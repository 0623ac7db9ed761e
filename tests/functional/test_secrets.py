"""The access token is in what is sent to Drift, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.functional.command_line import project_of
from tests.functional.harness import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.command_line import CommandLine
    from tests.functional.harness import Bench

QUOTED = f'{{"error": {{"type": "unauthorized", "message": "The token {TOKEN} has expired"}}}}'


@pytest.mark.parametrize("status", [200, 401, 403])
def test_the_token_is_nowhere_whatever_drift_says(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, status: int
) -> None:
    people.sandbox.change(faults=[] if status == 200 else [Fault(status=status, body=QUOTED, method="POST")])
    for command in (["plan"], ["check"], ["sync", "--log-format", "json"], ["sync", "--output", "json"]):
        done = dbt_drift(*command, *project_of(people), environment=people.environment)
        assert TOKEN not in done.out + done.err
    places = [tmp_path, people.project, people.project.parent]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert {"drift_results.json", "profiles.yml", "bench.duckdb"} <= {path.name for path in files}
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
