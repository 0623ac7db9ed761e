"""The dbt package inside a project of a user: its hooks and its generic tests, run by dbt itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dbt_drift import __version__
from dbt_drift.binding.attribute_types import _SUITS
from dbt_drift.binding.prepare import prepare
from dbt_drift.delivery.run import run_syncs
from dbt_drift.project.options import ProjectOptions
from dbt_drift.sandbox.calls.attributes import Attribute
from tests.support import warm
from tests.support.harness import TOKEN, DuckDb, Postgres, Recorder, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.delivery.results import SyncResult
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import Warehouse

ROOT = Path(__file__).parents[2]

MODEL = """
{{ config(post_hook=["{{ dbt_drift.stage_sync() }}", var('next_hook', '')]) }}
select 'p' || i || '@example.com' as email, 'Name ' || i as name,
       cast({{ var('seats', 1) }} as {{ var('type', 'int') }}) as seats, i <= {{ var('vips', 10) }} as vip
from generate_series(1, 20) as g(i)
"""
MODELS = {"bench": {"+materialized": "table"}, "dbt_drift": {"+enabled": True}}
DRIFT = {"fields": {"email": "email", "name": "name"}, "audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}]}


class UsersProject:
    """A project that installs the package and has one model with the post-hook."""

    def __init__(self, folder: Path, warehouse: Warehouse, sandbox: Sandbox) -> None:
        self.folder = folder
        self.warehouse = warehouse
        self.sandbox = sandbox
        write_project(folder, warehouse.output)
        project = yaml.safe_load((folder / "dbt_project.yml").read_text())
        project |= {"on-run-end": ["{{ dbt_drift.print_waiting() }}"], "models": MODELS}
        (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
        (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
        (folder / "models" / "people.sql").write_text(MODEL)
        self.declare(DRIFT)
        self.dbt("deps")

    def declare(self, drift: Any, **columns: Any) -> None:
        described = [{"name": name, **properties} for name, properties in columns.items()]
        described.append({"name": "seats", "config": {"meta": {"drift": "seats"}}})
        model = {"name": "people", "config": {"meta": {"drift": drift}}, "columns": described}
        (self.folder / "models" / "people.yml").write_text(yaml.safe_dump({"version": 2, "models": [model]}))

    def dbt(self, *arguments: str, exit_code: int = 0, **variables: Any) -> str:
        command = ["dbt", "--no-use-colors", *arguments, "--vars", json.dumps(variables)]
        done = warm.run(*command, cwd=self.folder, env={**os.environ, "DBT_PROFILES_DIR": str(self.folder)})
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def in_tokyo(self) -> None:
        """Give dbt's sessions another time zone."""
        if self.warehouse.kind == "postgres":
            self.warehouse.execute(f"alter database {self.warehouse.output['dbname']} set timezone = 'Asia/Tokyo'")
            return
        profiles = yaml.safe_load((self.folder / "profiles.yml").read_text())
        profiles["bench"]["outputs"]["dev"]["settings"] = {"TimeZone": "Asia/Tokyo"}
        (self.folder / "profiles.yml").write_text(yaml.safe_dump(profiles))

    def sync(self) -> SyncResult:
        folder = str(self.folder)
        settings = {"dbt_drift": {"rate_limit": {"requests": 0}}}
        options = ProjectOptions(project_dir=folder, profiles_dir=folder, vars=settings)
        environment = {"DRIFT_API_URL": self.sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
        (result,) = run_syncs(prepare(options), environment, Recorder()).results
        assert result.status == "success", result.message
        return result

    def stages(self) -> list[str]:
        """Return who made the delta: `dbt` for the hook, nothing where the delta is empty."""
        found = self.warehouse.rows("select distinct left(stage_id, 4) from analytics_drift.people__delta")
        return ["dbt" if stage == "dbt-" else "sync" for (stage,) in found]

    def ledger_models(self) -> dict[str, int]:
        """Return how many rows each model of the package has."""
        models = [path.stem for path in (ROOT / "models").glob("*.sql")]
        return {name: len(self.warehouse.rows(f"select 1 from analytics.{name}")) for name in models}

    def waiting(self) -> int:
        return len(self.warehouse.rows("select 1 from analytics_drift.drift_staged"))


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Iterator[UsersProject]:
    before = Path.cwd()
    duckdb = request.param == "duckdb"
    warehouse = DuckDb(tmp_path / "users.duckdb") if duckdb else Postgres(request.getfixturevalue("postgres_server"))
    yield UsersProject(tmp_path / "project", warehouse, sandbox)
    os.chdir(before)


def test_the_hook_gives_the_session_its_settings_back(project: UsersProject) -> None:
    project.in_tokyo()
    project.dbt("build")
    project.sync()
    project.dbt(
        "build", seats=2, next_hook="create table analytics.after as select current_setting('TimeZone') as zone"
    )
    assert project.stages() == ["dbt"]
    assert project.warehouse.rows("select zone from analytics.after") == [("Asia/Tokyo",)]


def test_the_hook_stages_and_the_sync_sends(project: UsersProject) -> None:
    project.dbt("build")  # no ledger yet: the hook leaves everything to the first sync
    assert set(project.ledger_models().values()) == {0}
    assert project.sync().contacts.created == 20

    said = project.dbt("build", seats=2, vips=5)
    assert "dbt-drift: people: 20 changed\n" in said
    assert (project.stages(), project.waiting()) == (["dbt"], 1)
    sent = project.sync()
    assert (sent.rows.read, sent.contacts.updated, sent.contacts.tags_removed) == (20, 20, 5)
    assert (project.stages(), project.waiting()) == (["dbt"], 0)
    assert project.sync().requests == 0

    project.dbt("build", seats=2, vips=5)
    assert project.ledger_models() == {
        "drift_sync_runs": 3,
        "drift_sync_results": 3,
        "drift_contact_ids": 20,
        "drift_audience_members": 5,
        "drift_rejected_rows": 0,
    }

    # What the hook cannot know is left to the sync: a column of another type, another declaration.
    assert "dbt-drift: people" not in project.dbt("build", seats=3, type="numeric(9, 2)")
    assert project.waiting() == 0
    assert (project.sync().contacts.updated, project.stages()) == (20, ["sync"])
    project.declare({"fields": {"email": "email"}})
    assert "dbt-drift: people" not in project.dbt("build", seats=4, type="numeric(9, 2)")
    assert (project.sync().contacts.updated, project.stages()) == (20, ["sync"])


def test_a_stage_is_as_old_as_the_build_that_it_belongs_to(project: UsersProject) -> None:
    project.dbt("build")
    project.sync()
    project.dbt("build", seats=2)
    project.dbt("build", seats=3)  # stages anew
    project.sync()
    held = {contact.attributes["seats"] for contact in project.sandbox.contacts()}
    assert held == {3}

    project.dbt("build", exit_code=1, seats=4, next_hook="select no_such_column from nowhere")
    waiting = project.waiting()
    # Postgres takes the build back and the stage with it; DuckDB's hooks run in the model's transaction too.
    assert waiting == 0
    assert project.sync().requests == 0


def test_the_tests_find_what_a_sync_would_reject(project: UsersProject) -> None:
    rows = ["'ada@example.com', 1.0", "' ADA@example.com', 2.0", "'no address', 3.0", "null, 4.0"]
    values = ", ".join(f"({row})" for row in rows)
    (project.folder / "models" / "bad.sql").write_text(
        f"select email, case when n = 3 then cast('NaN' as double precision) else n end as n "
        f"from (values {values}) as t(email, n)"
    )
    tests = [{"name": "email", "data_tests": ["dbt_drift.valid_contact_email", "dbt_drift.unique_contact_key"]}]
    tests.append({"name": "n", "data_tests": ["dbt_drift.finite_number"]})
    properties = {"version": 2, "models": [{"name": "bad", "columns": tests}]}
    (project.folder / "models" / "bad.yml").write_text(yaml.safe_dump(properties))
    project.dbt("build", "--select", "bad", exit_code=1)
    results = json.loads((project.folder / "target" / "run_results.json").read_text())["results"]
    failures = {result["unique_id"].split(".")[2]: result["failures"] for result in results if result["failures"]}
    assert failures == {
        "dbt_drift_valid_contact_email_bad_email": 1,
        "dbt_drift_unique_contact_key_bad_email": 1,
        "dbt_drift_finite_number_bad_n": 1,
    }


def test_a_column_that_cannot_fill_its_attribute_is_found(project: UsersProject) -> None:
    project.sandbox.declare_attributes(Attribute("seats", "NUMERIC"), Attribute("renewal", "DATE"))
    (project.folder / "models" / "typed.sql").write_text(
        "select cast('a' as varchar) as renewal, true as seats, cast(1 as integer) as unknown, true as mine"
    )
    test = "dbt_drift.accepted_drift_attribute_type"
    columns: list[dict[str, Any]] = [{"name": name, "data_tests": [test]} for name in ("renewal", "seats", "unknown")]
    columns.append({"name": "mine", "data_tests": [{test: {"type": "BOOLEAN"}}, {test: {"type": "DATE"}}]})
    properties = {"version": 2, "models": [{"name": "typed", "columns": columns}]}
    (project.folder / "models" / "typed.yml").write_text(yaml.safe_dump(properties))

    def found() -> set[str]:
        project.dbt("build", exit_code=1)
        results = json.loads((project.folder / "target" / "run_results.json").read_text())["results"]
        return {re.split("_typed_", result["unique_id"])[1].split(".")[0] for result in results if result["failures"]}

    assert found() == {"mine__DATE"}  # of the others nobody knows Drift's types yet
    project.sync()
    assert found() == {"mine__DATE", "renewal", "seats"}


def test_the_package_and_the_program_agree_on_types(project: UsersProject) -> None:
    project.dbt("build")
    prepared = prepare(ProjectOptions(project_dir=str(project.folder), profiles_dir=str(project.folder)))
    with prepared.project.connect("test") as session:
        found = session.call("suitable_kinds")
    assert {name: frozenset(kinds) for name, kinds in found.items()} == _SUITS


def test_another_version_of_the_package_is_said(tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine) -> None:
    project = UsersProject(tmp_path / "project", DuckDb(tmp_path / "users.duckdb"), sandbox)
    older = tmp_path / "package"
    for name in ("macros", "models", "dbt_project.yml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        older.mkdir(exist_ok=True)
        copy(ROOT / name, older / name)
    for file in (older / "dbt_project.yml", older / "macros" / "hooks" / "stage_sync.sql"):
        file.write_text(file.read_text().replace(__version__, "0.0.9"))

    def said(*arguments: str) -> Any:
        drift = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
        done = dbt_drift(*arguments, cwd=project.folder, environment=drift)
        assert done.code == 0, done.err
        return re.findall(
            r"has the dbt package dbt_drift (\S+), and this is.*commit of dbt-drift (\S+) and", done.out + done.err
        )

    commands = (["check"], ["plan", "--rows", "0"], ["sync"])
    project.dbt("build")
    assert [said(*command) for command in commands] == [[], [], []]

    (project.folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(older)}]}))
    project.dbt("deps")
    project.dbt("build", seats=2)
    assert [said(*command) for command in commands] == [[("0.0.9", __version__)]] * 3
    assert {contact.attributes["seats"] for contact in sandbox.contacts()} == {2}  # synced all the same
    assert project.stages() == ["sync"]

    shutil.rmtree(project.folder / "dbt_packages")
    for name in ("packages.yml", "package-lock.yml"):
        (project.folder / name).unlink(missing_ok=True)
    plain = yaml.safe_load((project.folder / "dbt_project.yml").read_text())
    del plain["on-run-end"], plain["models"]["dbt_drift"]
    (project.folder / "dbt_project.yml").write_text(yaml.safe_dump(plain))
    (project.folder / "models" / "people.sql").write_text(MODEL.partition("\n")[2].partition("\n")[2])
    project.dbt("build", seats=3)
    assert [said(*command) for command in commands] == [[], [], []]
    assert {contact.attributes["seats"] for contact in sandbox.contacts()} == {3}


def test_package_and_program_have_one_version() -> None:
    assert yaml.safe_load((ROOT / "dbt_project.yml").read_text())["version"] == __version__
    assert f"return('{__version__}')" in (ROOT / "macros" / "hooks" / "stage_sync.sql").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="dbt needs git for a package from git")
def test_the_package_installs_from_git(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    for name in ("macros", "models"):
        shutil.copytree(ROOT / name, repository / name)
    shutil.copy(ROOT / "dbt_project.yml", repository)
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "All"], ["tag", f"v{__version__}"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    folder = tmp_path / "project"
    write_project(folder, DuckDb(tmp_path / "users.duckdb").output)
    package = {"git": repository.as_uri(), "revision": f"v{__version__}"}
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [package]}))
    for command in ("deps", "parse"):
        done = warm.run("dbt", command, cwd=folder, env={**os.environ, "DBT_PROFILES_DIR": str(folder)})
        assert done.returncode == 0, done.stdout
    macros = json.loads((folder / "target" / "manifest.json").read_text())["macros"]
    assert "macro.dbt_drift.stage_sync" in macros
