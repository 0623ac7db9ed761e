"""dbt-drift called from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import dbt_drift
from dbt_drift import plan, sync
from dbt_drift.errors import ConfigurationError
from tests.support.ledgers import people

if TYPE_CHECKING:
    from tests.support.harness import Bench


def project_of(bench: Bench) -> dict[str, Any]:
    return {
        "project_dir": str(bench.project),
        "profiles_dir": str(bench.project),
        "target_path": str(bench.target),
        "vars": {"dbt_drift": {"schema": bench.ledger}},
        "environment": bench.environment,
    }


def test_a_plan_and_a_sync(bench: Bench) -> None:
    people(bench, 3)
    folder = os.getcwd()  # noqa: PTH109 - what is compared
    (planned,) = plan(**project_of(bench), rows=2)
    assert (planned.counts.new, len(planned.changes)) == (3, 2)
    results = sync(**project_of(bench), limit=2)
    assert (results.exit_code, results.results[0].contacts.created) == (0, 2)
    assert results.results[0].message == "1 contact left for the next run, because of --limit"
    assert sync(**project_of(bench)).results[0].contacts.created == 1
    assert sync(**project_of(bench), select=["people"]).results[0].rows.unchanged == 3
    assert os.getcwd() == folder  # noqa: PTH109 - what is compared


def test_errors_are_raised_and_nothing_is_printed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    people(bench, 1)
    with pytest.raises(ConfigurationError, match="DRIFT_ACCESS_TOKEN is not set"):
        sync(**project_of(bench) | {"environment": {"DRIFT_API_URL": bench.sandbox.url}})
    with pytest.raises(ConfigurationError, match="No selected model declares a sync"):
        plan(**project_of(bench), select=["nobody"])
    assert capsys.readouterr() == ("", "")


def test_importing_the_package_imports_nothing_else() -> None:
    script = (
        "import sys, dbt_drift; print([m for m in sys.modules if m.startswith(('dbt_drift.', 'dbt.', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_there_is_nothing_else() -> None:
    assert dbt_drift.__all__ == ["__version__", "plan", "sync"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dbt_drift.nothing
