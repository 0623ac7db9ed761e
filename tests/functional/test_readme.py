"""The commands of the README, typed by a newcomer into a project that knows nothing of Drift."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dbt_drift.cli.sandbox import DEFAULT_PORT
from tests.support.harness import DuckDb, write_project

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SEED = """\
customer_id,email_address,full_name,plan,is_subscribed
1,ada@example.com,Ada Lovelace,team,true
2,alan@example.com,Alan Turing,starter,false
3,not-an-address,Nobody,starter,false
"""
PROPERTIES = """\
models:
  # Everybody who ever bought something.
  - name: dim_customers
    description: "One row a customer: {{ target.name }}"
    columns:
      - name: customer_id
        data_tests: [unique]
"""


def commands(section: str, block: int) -> list[str]:
    """Return the lines of a block of commands, counted from 0."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"(?:^    .+\n)+", text, re.MULTILINE)
    return [line.strip() for line in found[block].splitlines()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_project(folder, DuckDb(tmp_path / "shop.duckdb").output)
    (folder / "seeds").mkdir()
    (folder / "seeds" / "raw_customers.csv").write_text(SEED)
    (folder / "models" / "stg_customers.sql").write_text("select * from {{ ref('raw_customers') }}")
    (folder / "models" / "dim_customers.sql").write_text("select * from {{ ref('stg_customers') }}")
    (folder / "models" / "schema.yml").write_text(PROPERTIES)
    return folder


def typed(command: str, project: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command with every question answered by the return key, and return what it prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "DRIFT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=project, env={**clean, "PATH": path, **(environment or {})}, input="\n" * 9,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    rejects_a_row = command == "dbt-drift sync"
    assert done.returncode == int(rejects_a_row), done.stdout + done.stderr
    return done.stdout


def test_from_a_plain_project_to_a_plan_and_a_sync(project: Path, sandbox: Sandbox) -> None:
    install, *rest = commands("From your dbt project to a plan", 0)
    assert len(rest) + 1 <= 5
    assert rest[-1] == "dbt-drift plan"

    extras = re.fullmatch(r"pip install '\.\./dbt-drift\[(.+)\]' 'dbt-core<1\.12'", install).group(1)  # type: ignore[union-attr]
    assert set(extras.split(",")) <= set(importlib.metadata.metadata("dbt-drift").get_all("Provides-Extra") or [])
    *_, plan = [typed(command, project) for command in rest]

    assert "dim_customers: 3 rows, 0 unchanged\n  + 2 new: looked up" in plan
    assert "! 1 cannot be sent: malformed_email 1" in plan
    assert "attributes: email 2, name 2" in plan
    assert '+ ada@example.com\n      email: "ada@example.com"\n      name: "Ada Lovelace"' in plan
    assert PROPERTIES.partition("description")[2] in (project / "models" / "schema.yml").read_text()

    assert commands("From your dbt project to a plan", 1) == ["dbt-drift sandbox"]
    export, check, sync = commands("From your dbt project to a plan", 2)
    assert (check, sync) == ("dbt-drift check", "dbt-drift sync")
    names = dict(word.split("=", 1) for word in shlex.split(export)[1:])
    assert names == {"DRIFT_API_URL": f"http://127.0.0.1:{DEFAULT_PORT}", "DRIFT_ACCESS_TOKEN": "sandbox"}
    environment = {**names, "DRIFT_API_URL": sandbox.url}
    assert f"{sandbox.url}, a sandbox with 0 contacts, started" in typed(check, project, environment)
    typed(sync, project, environment)
    ada = sandbox.contact_by_email("ada@example.com")
    assert ada is not None
    assert ada.attributes["name"] == "Ada Lovelace"
    assert len(sandbox.contacts()) == 2


def test_a_sandbox_prints_the_line_to_copy_and_a_taken_port_ends_it(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    program = Path(sys.executable).with_name("dbt-drift")
    taken = subprocess.run([program, "sandbox", "--port", port], capture_output=True, text=True, check=False)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert f"cannot listen on port {port} of 127.0.0.1: it is in use" in taken.stderr

    with subprocess.Popen([program, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        first, second = started.stdout.readline(), started.stdout.readline()
        started.terminate()
    (export,) = [line for line in commands("From your dbt project to a plan", 2) if line.startswith("export")]
    assert second.strip() == export.replace(f"http://127.0.0.1:{DEFAULT_PORT}", first.split()[2])


def test_completion_knows_the_commands() -> None:
    (line,) = commands("Install", -1)
    asked = (
        f"{line}; COMP_WORDS=(dbt-drift sand); COMP_CWORD=1; _dbt_drift_completion dbt-drift; echo ${{COMPREPLY[@]}}"
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", asked], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["sandbox"], done.stderr
