"""A dbt project, a warehouse and a sandbox, quick enough for tests of many rounds.

dbt parses the project once a session. A test then has a project of the same name, writes its tables straight into the
warehouse and its declarations into the manifest, which is all that dbt-drift reads of a build.
"""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import duckdb
import yaml

from dbt_drift.binding.prepare import prepare
from dbt_drift.delivery.plan import SyncPlan, make_plans
from dbt_drift.delivery.run import run_syncs
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.project.options import ProjectOptions
from tests.support import warm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.results import Results, SyncResult
    from dbt_drift.drift.engine.statistics import Statistics
    from dbt_drift.drift.http.local_sandbox import LocalSandbox
    from dbt_drift.ledger.delta import Counts
    from dbt_drift.ledger.lock import LockOwner
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.postgres import PostgresServer

TOKEN = "planted-token-5f1e0c"

ABOUT_THE_RUN = ("/contacts/attributes", "/app/token_info")
"""What a run asks once, however many contacts it sends: which attributes Drift has, whose the token is."""

_NUMBERS = itertools.count(1)


class Warehouse(Protocol):
    """What a test does to a warehouse without dbt."""

    kind: str
    output: dict[str, Any]

    def of_test(self, folder: Path) -> Warehouse:
        """Return the warehouse for a test that has this folder."""

    def keep(self) -> None:
        """Make it quick to connect to, as far as that takes a step of its own."""

    def execute(self, sql: str) -> None: ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...


class DuckDb:
    """A file of DuckDB.

    DuckDB takes 35 ms to open a file that nobody in the process has open. `keep` holds it open, until the test starts
    another process: one at a time can have the file.
    """

    kind = "duckdb"
    _kept: ClassVar[list[duckdb.DuckDBPyConnection]] = []

    def __init__(self, file: Path) -> None:
        self._file = file
        self.output = {"type": "duckdb", "path": str(file), "schema": "analytics", "threads": 1}

    def of_test(self, folder: Path) -> DuckDb:
        """Return a file of its own: to open one takes the longer the more tables other tests have left in it."""
        return DuckDb(folder / self._file.name)

    def keep(self) -> None:
        """Hold the file open until the test ends or starts a process."""
        self._kept.append(duckdb.connect(str(self._file)))

    @classmethod
    def let_go(cls) -> None:
        """Close every file that is held open."""
        while cls._kept:
            cls._kept.pop().close()

    def execute(self, sql: str) -> None:
        with closing(duckdb.connect(str(self._file))) as connection:
            connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(duckdb.connect(str(self._file))) as connection:
            return list(connection.execute(sql).fetchall())


class Postgres:
    kind = "postgres"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._database = server.create_database()
        self.output = {**server.profile_output(self._database), "schema": "analytics", "threads": 1}

    def of_test(self, folder: Path) -> Postgres:
        """Return the same database: a schema of its own is enough, and made much sooner."""
        return self

    def keep(self) -> None:
        pass

    def execute(self, sql: str) -> None:
        with closing(self._server.connect(self._database)) as connection:
            connection.cursor().execute(sql)
            connection.commit()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self._server.connect(self._database)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())


class Recorder:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.counts: dict[str, Counts] = {}
        self.results: list[SyncResult] = []
        self.done: list[int] = []
        self.waited_for: list[LockOwner] = []

        self.notices: list[str] = []

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        pass

    def waiting(self, owner: LockOwner) -> None:
        self.waited_for.append(owner)

    def noticed(self, notice: str) -> None:
        self.notices.append(notice)

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        pass

    def staged(self, sync: Sync, counts: Counts) -> None:
        self.counts[sync.name] = counts

    def page_read(self, rows: int, began: int) -> None: ...

    def requested(self, method: str, target: str, status: int | None, began: int) -> None: ...

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        self.done.append(done)

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        self.results.append(result)


_NAMES = """
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}
"""
"""A test's tables lie in a schema of its own, by that name alone."""


class ParsedProject:
    """A project that dbt has parsed, with one model that declares nothing."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse
        write_project(folder, warehouse.output)
        (folder / "models" / "bare.sql").write_text("select 1 as id")
        dbt(folder, "parse")
        self.manifest = json.loads((folder / "target" / "manifest.json").read_text())


class Bench:
    """One test's copy of a parsed project: its own folder, tables, manifest, ledger and Drift."""

    def __init__(self, parsed: ParsedProject, folder: Path, sandbox: Sandbox) -> None:
        number = next(_NUMBERS)
        self.warehouse = parsed.warehouse.of_test(folder)
        self.sandbox = sandbox
        self.project = folder / "bench"
        self.target = folder
        self.schema = f"t{number}"
        self.ledger = f"t{number}_drift"
        self.workers = 16
        self.environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
        self._manifest = json.loads(json.dumps(parsed.manifest))
        self._bare = self._manifest["nodes"].pop("model.bench.bare")
        self._prepared: Prepared | None = None
        self._counted = 0
        self.warehouse.keep()
        write_project(self.project, self.warehouse.output)
        self.warehouse.execute(f"create schema {self.schema}")

    def table(self, name: str, select: str) -> None:
        """Make the table of a model anew."""
        self.warehouse.execute(f"drop table if exists {self.schema}.{name}")
        self.warehouse.execute(f"create table {self.schema}.{name} as {select}")

    def execute(self, sql: str) -> None:
        """Run SQL in which `$` stands for the test's schema."""
        self.warehouse.execute(sql.replace("$", self.schema))

    def declare(self, name: str, drift: Any, columns: Mapping[str, Any] | None = None) -> None:
        """Give a model this declaration; columns: the short forms."""
        unique_id = f"model.bench.{name}"
        node = json.loads(json.dumps(self._bare))
        node |= {"unique_id": unique_id, "name": name, "alias": name, "schema": self.schema, "fqn": ["bench", name]}
        node |= {"original_file_path": f"models/{name}.sql", "patch_path": f"bench://models/{name}.yml"}
        node["config"]["schema"] = self.schema
        node["relation_name"] = f'"{node["database"]}"."{self.schema}"."{name}"'
        node["config"]["meta"] = node["meta"] = {"drift": drift}
        node["columns"] = {
            column: {"name": column, "meta": {"drift": short}, "config": {"meta": {"drift": short}}}
            for column, short in (columns or {}).items()
        }
        self._manifest["nodes"][unique_id] = node
        (self.target / "manifest.json").write_text(json.dumps(self._manifest))
        self._prepared = None

    def undeclare(self, name: str) -> None:
        """Let a model leave the project."""
        del self._manifest["nodes"][f"model.bench.{name}"]
        (self.target / "manifest.json").write_text(json.dumps(self._manifest))
        self._prepared = None

    def declared(self, name: str) -> Any:
        """Return what a model declares."""
        return self._manifest["nodes"][f"model.bench.{name}"]["config"]["meta"]["drift"]

    def options(self, **settings: Any) -> ProjectOptions:
        """Return dbt's flags; settings: of dbt-drift, over the test's own."""
        chosen = {"schema": self.ledger, "rate_limit": {"requests": 0}, **settings}
        return ProjectOptions(
            project_dir=str(self.project),
            profiles_dir=str(self.project),
            target_path=str(self.target),
            vars={"dbt_drift": chosen},
        )

    @property
    def prepared(self) -> Prepared:
        """The project, read once for each set of declarations."""
        self._prepared = self._prepared or prepare(self.options())
        return self._prepared

    def forget_project(self) -> None:
        """Read the project anew for what comes next."""
        self._prepared = None

    def plan(self, *, rows: int = 100) -> SyncPlan:
        """Return the plan of the only model."""
        (plan,) = make_plans(self.prepared, rows=rows)
        return plan

    def run(self, reporter: Recorder | None = None, **options: Any) -> Results:
        """Sync all models."""
        chosen = RunOptions(**{"workers": self.workers, **options})
        return run_syncs(self.prepared, self.environment, reporter or Recorder(), chosen)

    def sync(self, **options: Any) -> SyncResult:
        """Sync the only model."""
        (result,) = self.run(**options).results
        return result

    def requests(self) -> int:
        """Return how many requests came in since the last call, without those that every run sends about itself."""
        about = sum(len(self.sandbox.requests(path=path)) for path in ABOUT_THE_RUN)
        before, self._counted = self._counted, self.sandbox.summary().total_requests - about
        return self._counted - before

    def contact(self, email: str) -> dict[str, Any]:
        """Return what Drift holds of a contact, without what is Drift's own."""
        found = self.sandbox.contact_by_email(email)
        assert found is not None, f"no contact with the email {email}"
        return {name: value for name, value in found.attributes.items() if name not in _DRIFTS_OWN}

    def tags(self, email: str) -> set[str]:
        """Return the tags of a contact."""
        found = self.sandbox.contact_by_email(email)
        return set(found.tags) if found else set()


_DRIFTS_OWN = {
    "_END_USER_VERSION", "_end_user_version", "_calculated_version", "socialProfiles", "events", "start_date",
    "external_id", "tags",
}  # fmt: skip


def write_project(folder: Path, output: Mapping[str, Any]) -> None:
    """Write an empty dbt project called bench."""
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "macros" / "names.sql").write_text(_NAMES)
    flags = {"send_anonymous_usage_stats": False}
    project = {"name": "bench", "version": "1.0", "profile": "bench", "config-version": 2, "flags": flags}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    profiles = {"bench": {"target": "dev", "outputs": {"dev": dict(output)}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))


def dbt(folder: Path, *arguments: str) -> None:
    """Run dbt in a project."""
    done = warm.run("dbt", "--quiet", *arguments, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
