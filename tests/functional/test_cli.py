"""The command line where all goes well; test_cli_errors.py has the rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from dbt_drift import __version__
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.sandbox.calls.tokens import Token
from tests.support.command_line import project_of, run_process, run_program, start_program
from tests.support.harness import DuckDb, write_project
from tests.support.ledgers import bring_ledger

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

REPOSITORY = Path(__file__).parents[2]


def plans_in(out: str) -> dict[str, Any]:
    return {plan["name"]: plan for plan in json.loads(out)["plans"]}


def test_version_and_help(dbt_drift: CommandLine) -> None:
    assert dbt_drift("--version").out == f"dbt-drift, version {__version__}\n"
    for command in (
        [],
        ["plan"],
        ["sync"],
        ["status"],
        ["rebuild"],
        ["unlock"],
        ["check"],
        ["attributes"],
        ["sandbox"],
        ["demo"],
    ):
        done = dbt_drift(*command, "-h")
        assert (done.code, done.err) == (0, "")
        assert "Usage:" in done.out


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['dbt-drift', *sys.argv[1:]]\n"
        "from dbt_drift.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'dbt', 'dbt_common', 'requests', 'aiohttp', 'duckdb', 'backoff', 'jinja2'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    for arguments in (["--help"], ["plan", "--help"], ["sync", "--help"], ["sandbox", "--help"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]", arguments


def test_processes_plan_and_sync_and_tell_by_their_exit_codes(people: Bench) -> None:
    planned = run_program("plan", *project_of(people))  # no token: it needs none
    assert planned.code == 0
    assert '      name: "Ada"' in planned.out
    assert "bad: malformed_email (email)" in planned.out
    assert people.requests() == 0

    synced = run_program("sync", *project_of(people), environment=people.environment)
    assert synced.code == 1
    assert "1 of 1 WARN people" in synced.out
    assert people.contact("ada@example.com") == {"email": "ada@example.com", "name": "Ada"}

    people.execute("delete from $.people where email = 'bad'")
    assert run_process("sync", "--quiet", *project_of(people), environment=people.environment) == (0, "", "")


def test_plan_and_results_say_the_same_as_documents(people: Bench, dbt_drift: CommandLine) -> None:
    plan = plans_in(dbt_drift("plan", "--output", "json", *project_of(people)).out)["people"]
    assert plan["changes"][0]["attributes"]["name"] == ["null", '"Ada"']
    assert plan["invalid"] == [
        {"key": "bad", "reason": "malformed_email", "attribute": "email", "key_as_written": "bad", "row_id": None}
    ]

    done = dbt_drift("sync", "--output", "json", *project_of(people), environment=people.environment)
    results = json.loads(done.out)
    (result,) = results["results"]
    assert done.code == 1
    assert "1 of 1 WARN people" in done.err
    assert result["rows"] == {
        "read": 2, "unchanged": 0, "sent": 1, "suppressed": 0, "missing": 0, "invalid": 1, "rejected": 0, "given_up": 0,
        "unfinished": 0, "departed": 0,
    }  # fmt: skip
    assert (plan["counts"]["rows"], plan["counts"]["sendable"]) == (result["rows"]["read"], result["rows"]["sent"])
    assert plan["counts"]["invalid"] == result["reasons"]
    assert plan["unique_id"] == result["unique_id"]
    assert json.loads((people.target / "drift_results.json").read_text()) == results
    schema = json.loads((REPOSITORY / "docs" / "schemas" / "drift_results.v1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(results)


def test_counts_alone_show_nobody(people: Bench, dbt_drift: CommandLine) -> None:
    for form in ("text", "json"):
        done = dbt_drift("plan", "--rows", "0", "--output", form, *project_of(people))
        assert done.code == 0
        assert "ada" not in done.out.lower()
        assert "malformed_email" in done.out


def test_log_lines_can_be_objects(people: Bench, dbt_drift: CommandLine) -> None:
    def names(lines: str) -> list[str]:
        found = [json.loads(line)["info"]["name"] for line in lines.splitlines()]
        return [name for name in found if name not in {"Progress", "Notice"}]

    logged = dbt_drift("sync", "--log-format", "json", *project_of(people), environment=people.environment)
    assert names(logged.out) == [
        "RunStarted", "SyncStarted", "Staged", "SyncFinished", "RunFinished",
    ]  # fmt: skip
    both = dbt_drift(
        "sync", "--log-format", "json", "--output", "json", *project_of(people), environment=people.environment
    )
    assert names(both.err) == ["RunStarted", "SyncStarted", "Staged", "SyncFinished", "RunFinished"], both.err
    assert json.loads(both.out)["results"][0]["rows"]["unchanged"] == 1
    quiet = dbt_drift("sync", "-q", "--log-format", "json", *project_of(people), environment=people.environment)
    assert names(quiet.out) == ["SyncFinished"]  # a warning


def test_each_object_says_what_the_lines_for_people_say_and_whose_it_is(people: Bench, dbt_drift: CommandLine) -> None:
    logged = dbt_drift("sync", "--log-format", "json", *project_of(people), environment=people.environment)
    lines = [json.loads(line)["info"] for line in logged.out.splitlines()]
    said = {line["name"]: line["msg"] for line in lines}
    assert said["Staged"] == "people: 2 rows, 0 unchanged, 1 new, 0 changed, 1 invalid"
    assert "WARN people: 1 created, 0 updated, 0 matched in" in said["SyncFinished"]
    assert "1 row did not get through" in said["SyncFinished"]
    assert "OK=0 WARN=1" in said["RunFinished"]
    results = json.loads((people.target / "drift_results.json").read_text())
    assert {line["invocation_id"] for line in lines} == {results["metadata"]["invocation_id"]}
    runs = people.warehouse.rows(f"select distinct invocation_id from {people.ledger}.drift_runs")
    assert runs == [(results["metadata"]["invocation_id"],)]


@pytest.mark.parametrize(
    ("asked", "environment", "kind"),
    [
        (["sync"], {}, "configuration"),
        (["sync", "--select", "nobody"], {}, "configuration"),
        (["retry", "--reason", "nonsense"], {}, "configuration"),
        (["sync"], {"DRIFT_ACCESS_TOKEN": "x", "DRIFT_API_URL": "http://127.0.0.1:9"}, "drift_away"),
    ],
)
def test_why_nothing_could_be_run_is_an_object_too(
    people: Bench,
    dbt_drift: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    asked: list[str],
    environment: dict[str, str],
    kind: str,
) -> None:
    monkeypatch.setattr("dbt_drift.drift.engine.client.RetryPolicy", lambda: RetryPolicy(tries=3, first_delay=0.01))
    failed = dbt_drift(*asked, "--log-format", "json", *project_of(people), environment=environment)
    last = json.loads(failed.out.splitlines()[-1])
    assert {name: last["data"][name] for name in ("event_version", "status", "kind", "retryable", "exit_code")} == {
        "event_version": 1,
        "status": "error",
        "kind": kind,
        "retryable": kind == "drift_away",
        "exit_code": failed.code,
    }
    assert failed.code == (4 if kind == "drift_away" else 2)
    if kind == "drift_away":
        return
    assert (failed.err, last["info"]["name"], last["info"]["level"]) == ("", "RunFailed", "error")
    assert last["info"]["invocation_id"]
    plain = dbt_drift(*asked, *project_of(people), environment=environment)
    assert plain.err == f"Error: {last['info']['msg']}\n"


def test_quiet_says_why_the_exit_code_is_1(people: Bench, dbt_drift: CommandLine) -> None:
    done = dbt_drift("sync", "-q", *project_of(people), environment=people.environment)
    (line,) = done.out.splitlines()
    assert (done.code, done.err) == (1, "")
    assert line.endswith(f"  people: 1 row did not get through: see {people.ledger}.people__rejected")


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_goes_away_does_not_end_the_run(people: Bench, output: str) -> None:
    people.execute("delete from $.people where email = 'bad'")
    running = start_program("sync", "--output", output, *project_of(people), environment=people.environment)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    said = running.stderr.read()
    assert running.wait() == 0, said
    running.stderr.close()
    assert "Traceback" not in said
    assert ("Done in" in said) == (output == "json")
    assert people.contact("ada@example.com")["name"] == "Ada"
    assert people.warehouse.rows(f"select status from {people.ledger}.drift_runs where finished_at is not null") == [
        ("success",)
    ]
    planned = start_program("plan", *project_of(people), environment=people.environment)
    assert planned.stdout is not None
    planned.stdout.close()
    assert planned.stderr is not None
    said = planned.stderr.read()  # there are no results of a build here, and that is all it may say
    assert [line.partition(",")[0] for line in said.splitlines()] == ["WARN There is no run_results.json"]
    assert planned.wait() == 0
    planned.stderr.close()


def test_status_names_the_drift_that_the_ledger_describes(people: Bench, dbt_drift: CommandLine) -> None:
    bring_ledger(people)
    assert "It describes no Drift yet" in dbt_drift("status", *project_of(people)).out
    dbt_drift("sync", *project_of(people), environment=people.environment)
    assert f"It describes {people.sandbox.url}\n" in dbt_drift("status", *project_of(people)).out
    document = json.loads(dbt_drift("status", "--output", "json", *project_of(people)).out)
    assert document["drift_url"] == people.sandbox.url


def test_a_reason_that_does_not_exist_is_refused(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(
        faults=[
            Fault(status=400, method="POST", path="/contacts", body='{"error": {"type": "too_odd", "message": "x"}}')
        ]
    )

    def retry(reason: str) -> Done:
        return dbt_drift("retry", "--reason", reason, *project_of(people), environment=people.environment)

    first = retry("to_odd")
    assert (first.code, "No row is given up" in first.err) == (2, True)
    dbt_drift("sync", *project_of(people), environment=people.environment)
    requests = people.requests()
    wrong = retry("to_odd")
    assert (wrong.code, people.requests()) == (2, 0)
    assert "Did you mean `too_odd`?" in wrong.err
    assert "Rows are given up for: too_odd." in wrong.err
    assert requests
    # What is documented may be on a schedule, also while no row has it.
    assert (retry("email_taken").code, retry("too_odd").code) == (1, 1)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (["--select", "people"], {"people"}),
        (["--select", "people", "others"], {"people", "others"}),
        (["--select", "people others", "--exclude", "others"], {"people"}),
        (["--exclude", "people"], {"others"}),
        (["-s", "fqn:bench.others"], {"others"}),
        (["--select", "config.meta.drift:*", "--exclude", "others"], set()),
        (["--select", "nobody"], set()),
    ],
)
def test_selection_is_dbts(people: Bench, dbt_drift: CommandLine, selection: list[str], expected: set[str]) -> None:
    people.table("others", "select 'bob@example.com' as email, 'B' as initial")
    people.declare("others", {"fields": {"email": "email", "initial": "initial"}})
    done = dbt_drift("plan", "--output", "json", *selection, *project_of(people))
    if expected:
        assert (done.code, set(plans_in(done.out))) == (0, expected)
    else:
        assert (done.code, done.out) == (2, "")
        assert "No selected model declares a sync" in done.err


def test_dbts_flags_and_variables_lead_to_project_profile_and_target(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write_project(elsewhere / "project", people.warehouse.output)
    profiles = {"bench": {"target": "dev", "outputs": {"dev": people.warehouse.output}}}
    profiles["bench"]["outputs"] |= {"empty": DuckDb(tmp_path / "empty.duckdb").output}  # type: ignore[operator]
    (elsewhere / "project" / "profiles.yml").rename(elsewhere / "profiles.yml")
    (elsewhere / "profiles.yml").write_text(json.dumps(profiles))
    flags = ["--project-dir", str(elsewhere / "project"), "--profiles-dir", str(elsewhere)]
    flags += ["--target-path", str(people.target)]
    variables = {"DBT_PROJECT_DIR": flags[1], "DBT_PROFILES_DIR": flags[3], "DBT_TARGET_PATH": flags[5]}
    ledger = ["--vars", f"{{dbt_drift: {{schema: {people.ledger}}}}}"]

    done = dbt_drift("plan", "--rows", "0", *flags, *ledger)
    assert (done.code, done.out.splitlines()[0]) == (0, "people: 2 rows, 0 unchanged"), done.err
    assert dbt_drift("plan", "--rows", "0", *ledger, cwd=tmp_path, environment=variables) == done
    beside = {name: value for name, value in variables.items() if name != "DBT_PROJECT_DIR"}
    assert dbt_drift("plan", "--rows", "0", *ledger, cwd=elsewhere / "project", environment=beside) == done

    for missed in (
        dbt_drift("plan", "--target", "empty", *flags, *ledger),
        dbt_drift("plan", *ledger, environment={**variables, "DBT_TARGET": "empty"}),
    ):
        assert missed.code == 2
        assert "is of another target than empty" in missed.err
        assert "dbt build --target empty" in missed.err


def test_check(people: Bench, dbt_drift: CommandLine) -> None:
    done = dbt_drift("check", *project_of(people), environment=people.environment)
    assert done.code == 0
    assert "ok  people: 2 attributes" in done.out
    assert f"ok  ledger: schema {people.ledger}, database " in done.out
    assert f"ok  {people.sandbox.url}, a sandbox with 0 contacts, started " in done.out
    assert f"accepts the token from DRIFT_ACCESS_TOKEN: orgId:{people.sandbox.organisation}" in done.out
    offline = dbt_drift("check", "--offline", *project_of(people))
    assert offline.code == 0
    assert offline.out.splitlines() == done.out.splitlines()[: len(offline.out.splitlines())]
    assert [one.path for one in people.sandbox.requests()] == ["/app/token_info"]
    assert (
        people.warehouse.rows(f"select * from information_schema.schemata where schema_name = '{people.ledger}'") == []
    )


@pytest.mark.parametrize(
    ("scopes", "code", "lacking"),
    [
        (("contact_read",), 1, ["contact_write"]),
        (("all_contact_read",), 1, ["contact_read", "contact_write"]),
        (("contact_read", "contact_write"), 0, []),
    ],
)
def test_check_judges_the_scopes_as_auth_check_does(
    people: Bench, dbt_drift: CommandLine, scopes: tuple[str, ...], code: int, lacking: list[str]
) -> None:
    people.sandbox.declare_tokens(Token("reader", scopes=scopes))
    environment = {**people.environment, "DRIFT_ACCESS_TOKEN": "reader"}
    done = dbt_drift("check", *project_of(people), environment=environment)
    auth = dbt_drift("auth", "check", environment=environment)
    assert (done.code, auth.code) == (code, code), done.out
    assert re.findall(r"fail  the token lacks the scope (\w+): ", done.out) == lacking
    assert re.findall(r"MISSING (\w+): ", auth.out) == lacking


def test_check_says_what_a_sync_would_hold(people: Bench, dbt_drift: CommandLine) -> None:
    failed = {
        "metadata": {"generated_at": "2026-11-24T10:00:00Z", "invocation_id": "x"},
        "args": {"which": "build"},
        "results": [{"unique_id": "model.bench.people", "status": "error", "message": ""}],
    }
    (people.target / "run_results.json").write_text(json.dumps(failed))
    done = dbt_drift("check", *project_of(people), environment=people.environment)
    assert done.code == 0
    assert "ok  people: 2 attributes" in done.out
    assert "blocked  people: Blocked, with nothing sent: it failed in `dbt build` of 2026-11-24" in done.out


def test_a_sync_says_that_it_goes_to_a_sandbox(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.seed([{"email": "eve@example.com"}])
    first = dbt_drift("sync", *project_of(people), environment=people.environment).out.splitlines()[0]
    assert re.fullmatch(r".* to http://127\.0\.0\.1:\d+, a sandbox with 1 contact, started \d+ s ago", first), first
    logged = dbt_drift("sync", "--log-format", "json", *project_of(people), environment=people.environment)
    assert json.loads(logged.out.splitlines()[0])["data"]["is_sandbox"] is True


@pytest.mark.parametrize(("fail_on", "code"), [(None, 1), ("warn", 1), ("blocked", 0), ("error", 0)])
def test_what_counts_as_a_failure(people: Bench, dbt_drift: CommandLine, fail_on: str | None, code: int) -> None:
    option = ["--fail-on", fail_on] if fail_on else []
    done = dbt_drift("sync", *option, *project_of(people), environment=people.environment)
    assert (done.code, "WARN=1" in done.out) == (code, True)
    by_variable = {} if fail_on is None else {"DBT_DRIFT_FAIL_ON": fail_on}
    again = dbt_drift("sync", *project_of(people), environment={**people.environment, **by_variable})
    assert again.code == code


def test_a_blocked_sync_fails_unless_only_errors_do(people: Bench, dbt_drift: CommandLine) -> None:
    people.run()
    people.execute("delete from $.people")
    for fail_on, code in (("warn", 1), ("blocked", 1), ("error", 0)):
        done = dbt_drift("sync", "--fail-on", fail_on, *project_of(people), environment=people.environment)
        assert (done.code, "BLOCKED=1" in done.out) == (code, True)
