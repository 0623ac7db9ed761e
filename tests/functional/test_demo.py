from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from click.testing import CliRunner

from dbt_drift.cli.main import group
from dbt_drift.demo import run
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_demo_tells_its_story_and_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "dbt_drift", "demo", "--directory", str(folder)]
    monkeypatch.setenv("DBT_TARGET", "one-of-another-project")

    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line.split(" --")[0] for line in done.stdout.splitlines() if line.startswith("$ d")]
    day = ["$ dbt build", "$ dbt-drift plan", "$ dbt-drift sync", "$ dbt-drift sync"]
    assert steps == ["$ dbt-drift sandbox", *day, *day]
    assert done.stdout.count("Done. PASS=") == 2
    assert done.stdout.count("with 0 requests.") == 2
    # The counts are those of integration_project/README.md, less what cannot be sent.
    assert "Drift now holds 480 contacts. Tagged: Customers 239, Newsletter 232, Trial ending 47." in done.stdout
    assert "unchanged 0, a day later" in done.stdout
    assert "2 duplicate_key, 2 malformed_email, 1 missing_key" in done.stdout
    last = json.loads((folder / "target" / "drift_results.json").read_text())
    assert [(result["requests"], result["rows"]["unchanged"]) for result in last["results"]] == [(0, 45), (0, 479)]

    again = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_a_step_that_fails_ends_the_demo_with_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "dbt_project.yml").write_text("name: fernhill\nprofile: nowhere\n")
    (broken / "profiles.yml").write_text("fernhill: {}\n")
    monkeypatch.setattr(run, "integration_project", lambda: broken)

    ended = CliRunner().invoke(group, ["demo", "--no-wait"], standalone_mode=False)

    assert ended.return_value == 1
    assert "nowhere" in ended.stdout
    assert "Error: `dbt build` ended with exit code 2" in ended.stderr


def test_a_missing_package_is_answered_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)

    ended = CliRunner().invoke(group, ["demo"], standalone_mode=False)

    assert isinstance(ended.exception, ConfigurationError)
    assert "pip install 'dbt-drift[demo]'" in str(ended.exception)
