"""The command line as a user meets it, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from dbt_drift import __version__
from tests.functional.harness import TOKEN, Bench

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox
    from tests.functional.harness import ParsedProject

REPOSITORY = Path(__file__).parents[2]
GOOD = {"fields": {"email": "email", "name": "name"}}


def run(*arguments: str, environment: dict[str, str] | None = None, cwd: Path | None = None) -> tuple[int, str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "DRIFT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "dbt_drift", *arguments],
        env=clean | (environment or {}), cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    everything = done.stdout + done.stderr
    assert "Traceback" not in everything, everything
    assert TOKEN not in everything
    return done.returncode, done.stdout, done.stderr


def project(bench: Bench, *, ledger: str | None = None) -> list[str]:
    return [
        "--project-dir", str(bench.project), "--profiles-dir", str(bench.project), "--target-path", str(bench.target),
        "--vars", f"{{dbt_drift: {{schema: {ledger or bench.ledger}}}}}",
    ]  # fmt: skip


@pytest.fixture
def people(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table("people", "select * from (values ('ada@example.com', 'Ada'), ('bad', 'Bad')) as t(email, name)")
    bench.declare("people", GOOD)
    return bench


def test_version_and_help() -> None:
    assert run("--version")[1] == f"dbt-drift, version {__version__}\n"
    for command in ([], ["plan"], ["sync"], ["check"], ["sandbox"], ["demo"]):
        code, out, _ = run(*command, "-h")
        assert code == 0
        assert "Usage:" in out


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['dbt-drift', '--help']\n"
        "from dbt_drift.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'dbt', 'dbt_common', 'requests', 'aiohttp', 'duckdb', 'backoff', 'jinja2'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_plan_sync_and_results(people: Bench) -> None:
    code, out, _ = run("plan", *project(people))  # no token: it needs none
    assert code == 0
    assert '      name: "Ada"' in out
    assert "bad: malformed_email (email)" in out
    assert people.requests() == 0

    code, out, _ = run("plan", "--output", "json", *project(people))
    (plan,) = json.loads(out)["plans"]
    assert plan["changes"][0]["attributes"]["name"] == ["null", '"Ada"']

    code, out, err = run("sync", "--output", "json", *project(people), environment=people.environment)
    results = json.loads(out)
    assert code == 1  # a row could not be sent
    assert "1 of 1 WARN people" in err
    assert results["results"][0]["rows"] == {
        "read": 2, "unchanged": 0, "sent": 1, "invalid": 1, "rejected": 0, "unfinished": 0, "departed": 0,
    }  # fmt: skip
    written = (people.target / "drift_results.json").read_text()
    assert json.loads(written) == results
    assert TOKEN not in written
    schema = json.loads((REPOSITORY / "docs" / "schemas" / "drift_results.v1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(results)

    people.execute("delete from $.people where email = 'bad'")
    code, out, _ = run("sync", "--quiet", *project(people), environment=people.environment)
    assert (code, out) == (0, "")


def test_json_log_lines(people: Bench) -> None:
    _, out, _ = run("sync", "--log-format", "json", *project(people), environment=people.environment)
    names = [json.loads(line)["info"]["name"] for line in out.splitlines()]
    assert [name for name in names if name != "Progress"] == [
        "RunStarted", "SyncStarted", "Staged", "SyncFinished", "RunFinished",
    ]  # fmt: skip


def test_selection_is_dbts(people: Bench) -> None:
    people.table("others", "select 'bob@example.com' as email, 'B' as initial")
    people.declare("others", {"fields": {"email": "email", "initial": "initial"}})
    for selection, expected in (
        (["--select", "people"], {"people"}),
        (["--select", "people", "others"], {"people", "others"}),
        (["--exclude", "people"], {"others"}),
        (["-s", "fqn:bench.others"], {"others"}),
        (["--select", "config.meta.drift:*", "--exclude", "others"], set()),
    ):
        code, out, err = run("plan", "--output", "json", *selection, *project(people))
        found = {plan["name"] for plan in json.loads(out)["plans"]} if code == 0 else set()
        assert found == expected, err


def test_dbts_environment_variables_count(people: Bench) -> None:
    environment = {"DBT_PROJECT_DIR": str(people.project), "DBT_PROFILES_DIR": str(people.project)}
    environment |= {"DBT_TARGET_PATH": str(people.target)}
    code, out, err = run("plan", "--rows", "0", "--vars", f"{{dbt_drift: {{schema: {people.ledger}}}}}",
                         environment=environment, cwd=people.target)  # fmt: skip
    assert (code, out.splitlines()[0]) == (0, "people: 2 rows, 0 unchanged"), err
    code, _, err = run("plan", environment=environment | {"DBT_TARGET": "nowhere"}, cwd=people.target)
    assert code == 2
    assert "nowhere" in err


def test_check(people: Bench) -> None:
    code, out, _ = run("check", *project(people), environment=people.environment)
    assert code == 0
    assert "ok  people: 2 attributes" in out
    assert "orgId:" in out


def _message(bench: Bench, *arguments: str, **environment: str) -> str:
    code, _, err = run(*arguments, *project(bench), environment=environment)
    assert code == 2
    return err


def test_every_wrong_declaration_is_named_at_once(people: Bench) -> None:
    people.declare("people", {"mode": "mirror", "fields": {"email": "email"}})
    people.declare("others", {"fields": {"name": "name"}, "audiences": [{"tag": "x", "mode": "upsert"}]})
    err = _message(people, "plan")
    for part in ("people", "meta.drift.mode", "others", "models/others.yml", "email", "audiences[0].mode"):
        assert part in err


def test_what_does_not_fit_the_relation_is_named_at_once(people: Bench) -> None:
    people.declare(
        "people",
        {"fields": {"email": "email", "name": "nam"}, "audiences": [{"tag": "x", "mode": "add", "when": "email"}]},
    )
    people.declare("missing", {"fields": {"email": "email", "score": "score"}})
    err = _message(people, "plan")
    assert "'nam'" in err
    assert "Did you mean `name`?" in err
    assert "dbt build --select missing" in err


def test_what_is_missing_or_wrong_is_said(people: Bench) -> None:
    assert "DRIFT_ACCESS_TOKEN is not set" in _message(people, "sync")
    plain = _message(people, "sync", DRIFT_ACCESS_TOKEN=TOKEN, DRIFT_API_URL="http://drift.example.com")
    assert "without https" in plain
    unknown = [*project(people)[:-1], "{dbt_drift: {shema: x}}"]
    assert "did you mean schema" in run("plan", *unknown)[2]
    (people.target / "manifest.json").unlink()
    assert "dbt build" in _message(people, "plan")


def test_a_port_in_use_is_said(people: Bench) -> None:
    port = people.sandbox.url.rpartition(":")[2]
    code, _, err = run("sandbox", "--port", port)
    assert code == 2
    assert port in err
