"""The workflow of docs/how-to/ci.md, step by step, in a project with a target `ci`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbt_drift.sandbox.transport import listen

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "ci.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
PORT = "8484"
PEOPLE = """
select 'ada@example.com' as email, 'pro' as plan_tier, 5 as seats, true as is_pro
union all
select 'eve@example.com', 'free', 1, false
"""
DRIFT = {
    "fields": {"email": "email", "plan_tier": "plan_tier", "seats": "seats"},
    "audiences": [{"tag": "Pro", "mode": "mirror", "when": "is_pro"}],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, which the workflow of the page uses")
    output = {"type": "duckdb", "path": "ci.duckdb", "threads": 1}
    model = {"name": "people", "config": {"meta": {"drift": DRIFT}}}
    documents = {
        "dbt_project.yml": {"name": "acme", "profile": "acme", "flags": {"send_anonymous_usage_stats": False}},
        "profiles.yml": {"acme": {"target": "dev", "outputs": {"ci": output, "prod": {**output, "schema": "marts"}}}},
        "models/people.yml": {"models": [model]},
    }
    for folder in ("models", "ci"):
        (tmp_path / folder).mkdir()
    for name, document in documents.items():
        (tmp_path / name).write_text(yaml.safe_dump(document))
    (tmp_path / "models" / "people.sql").write_text(PEOPLE)
    return tmp_path


def free_port() -> str:
    with listen(0) as opened:
        return str(opened.getsockname()[1])


def steps(workflow: str) -> list[dict[str, Any]]:
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    found = [step for step in job["steps"] if "run" in step]
    assert found[0]["name"] == "Install"
    return found[1:]


def run(step: dict[str, Any], project: Path, environment: dict[str, str]) -> str:
    # As GitHub's runner does where no shell is named.
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_workflow_runs(project: Path) -> None:
    port = free_port()
    workflow, sandbox, _ = (block.replace(PORT, port) for block in BLOCKS)
    (project / "ci" / "sandbox.yml").write_text(sandbox)
    given = yaml.safe_load(workflow)["jobs"]["drift"]["env"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **given, "PATH": path, "NO_PROXY": "127.0.0.1"}
    try:
        said = {step["name"]: run(step, project, environment) for step in steps(workflow)}
        assert len(said) == 6
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((project / "sandbox.pid").read_text()), signal.SIGTERM)
    assert "OK=1 WARN=0 BLOCKED=0 ERROR=0" in said["Sync"]
    assert said["A second sync sends nothing"].count('"requests":[]') == 2


GH = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$2" in
  repos/*/comments) echo "$POSTED" ;;
esac
"""
"""What the workflow asks of GitHub's command line: the calls are written down, and a list of comments has this one."""


def test_the_plan_is_posted_once(project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin" / "gh").write_text(GH)
    (project / "bin" / "gh").chmod(0o755)
    plan, comment = steps(BLOCKS[2])
    calls = project / "calls"
    environment = {
        **os.environ,
        "PATH": f"{project / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "POSTED": "",
        "NUMBER": "7",
        "GITHUB_REPOSITORY": "acme/dbt",
        "GH_TOKEN": "x",
    }
    run(plan, project, environment)
    assert (
        (project / "plan.md").read_text().startswith("<!-- dbt-drift plan -->\n### Drift: 2 contacts would be sent\n")
    )

    run(comment, project, environment)
    assert calls.read_text().splitlines()[1:] == ["pr comment 7 --repo acme/dbt --body-file plan.md"]
    calls.unlink()
    run(comment, project, {**environment, "POSTED": "4711"})
    assert calls.read_text().splitlines()[1:] == [
        "api --method PATCH repos/acme/dbt/issues/comments/4711 --field body=@plan.md"
    ]
