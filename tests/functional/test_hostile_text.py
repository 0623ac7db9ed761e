"""Text from outside in every channel that leads to a terminal or a CI log: whatever it holds, it is only read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.sandbox.calls.attributes import Attribute
from tests.support.command_line import Done, project_of
from tests.support.harness import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

ONE_LINE = "x\x1b[2J\x1b]0;PWN\x07\x9b31m\u202e\u2028 ##[error]spoof ##vso[task.complete]\x7f\r::add-mask::secret"
"""What stands in one line of YAML, too."""

HOSTILE = f"{ONE_LINE}\n::add-mask::secret\n  ::stop-commands::x\n##[error]spoof"
TARGET = HOSTILE.replace("\r", "")
"""dbt renders a target's name, and Jinja takes each line end for the same one."""

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COMMANDS = re.compile(r"(?m)^\s*::|##\[|##vso\[")


def is_only_read(done: Done) -> None:
    """No control character is left in what was printed, and no line that a CI system takes for a command."""
    for printed in (done.out, done.err):
        assert CONTROLS.findall(printed) == [], printed
        assert COMMANDS.findall(printed) == [], printed


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture
def hostile(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    """A project in which keys, values, tags, columns, attributes, the model and the target are such texts."""
    bench = Bench(duckdb_project, tmp_path, sandbox)
    column = '"' + ONE_LINE + '"'
    bench.table(
        "people",
        f"select {quoted(HOSTILE)} as email, 'x' as {column}, {quoted(HOSTILE)} as tag "
        f"union all select 'ada@example.com', {quoted(HOSTILE)}, {quoted(HOSTILE)} "
        f"union all select 'bob@example.com', 'B', 'plain'",
    )
    audiences = [{"tag_from": "tag", "mode": "mirror"}]
    fields = {"email": "email", "name": ONE_LINE, ONE_LINE: ONE_LINE}
    bench.declare("people", {"fields": fields, "row_id": ONE_LINE, "audiences": audiences})
    rename_model(bench, HOSTILE)
    sandbox.declare_attributes(Attribute("score", "NUMERIC", HOSTILE))
    profiles = yaml.safe_load((bench.project / "profiles.yml").read_text())["bench"]
    (tmp_path / "profiles.yml").write_text(
        yaml.safe_dump({"bench": {"target": TARGET, "outputs": {TARGET: profiles["outputs"]["dev"]}}})
    )
    return bench


def rename_model(bench: Bench, name: str) -> None:
    node = bench._manifest["nodes"]["model.bench.people"]
    node["name"] = name
    node["config"]["alias"] = node["alias"]  # which is not what its new name gives
    (bench.target / "manifest.json").write_text(json.dumps(bench._manifest))


@pytest.fixture
def asked(hostile: Bench, dbt_drift: CommandLine) -> Any:
    def ask(*arguments: str) -> Done:
        where = [*project_of(hostile), "--profiles-dir", str(hostile.target)]
        done = dbt_drift(*arguments, *where, environment=hostile.environment)
        is_only_read(done)
        return done

    return ask


JSON = ("--output", "json")


def test_of_the_project_and_its_rows(hostile: Bench, asked: Any) -> None:
    for command in (["plan"], ["plan", *JSON], ["check"], ["attributes"], ["attributes", *JSON]):
        assert asked(*command).code == 0, command
    plan = json.loads(asked("plan", *JSON).out)["plans"][0]
    assert HOSTILE in plan["counts"]["tags_added"]
    assert [row["key_as_written"] for row in plan["invalid"]] == [HOSTILE]

    synced = asked("sync")
    assert (synced.code, "target x\\x1b" in synced.out) == (1, True), synced
    hostile.execute("update $.people set tag = 'other' where email = 'ada@example.com'")
    logged = asked("sync", "--log-format", "json", "--allow-removals")
    assert [json.loads(line)["info"]["level"] for line in logged.out.splitlines()][-1] == "info"
    assert json.loads(asked("sync", *JSON).out)["metadata"]["target_name"] == TARGET
    for command in (["status"], ["status", *JSON], ["rebuild"], ["retry"], ["unlock"]):
        assert asked(*command).code in {0, 1}, command
    assert CONTROLS.search((hostile.target / "drift_results.json").read_text()) is None


def test_of_what_is_wrong_with_the_project(hostile: Bench, asked: Any) -> None:
    assert asked("adopt", "people", HOSTILE, "nothing").code == 2
    assert asked("untag", "people", HOSTILE).code == 2
    asked("sync")
    # The tag is declared no more; a column is misspelled, and the nearest one is named; an attribute cannot be filled.
    hostile.declare("people", {"fields": {"email": "email"}})
    rename_model(hostile, HOSTILE)
    assert "no longer declares" in asked("plan").err
    hostile.declare("people", {"fields": {"email": "email", "name": ONE_LINE[:-1]}})
    rename_model(hostile, HOSTILE)
    assert "Did you mean" in asked("check").err
    hostile.declare("people", {"fields": {"email": "email", "score": ONE_LINE}})
    hostile.sandbox.declare_attributes(Attribute("score", "BOOLEAN", "Score"))
    rename_model(hostile, HOSTILE)
    for command in (["sync"], ["sync", "--log-format", "json"], ["plan"]):
        assert asked(*command).code == 2
    hostile.declare("people", {"fields": {"email": ONE_LINE, ONE_LINE: 7}, ONE_LINE: 1})
    rename_model(hostile, HOSTILE)
    assert asked("check").code == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_of_drifts_messages(hostile: Bench, asked: Any, dbt_drift: CommandLine, status: int) -> None:
    body = json.dumps({"error": {"type": "validation_error", "message": HOSTILE}})
    hostile.sandbox.change(faults=[Fault(status=status, body=body)])
    for command in (["plan"], ["sync"], ["sync", "--log-format", "json"], ["sync", *JSON], ["check"], ["rebuild"]):
        asked(*command)
    checked = dbt_drift("auth", "check", environment=hostile.environment)
    is_only_read(checked)
    assert "x\\x1b[2J" in checked.err
    if status == 400:
        asked("status")
        ((table,),) = hostile.warehouse.rows(
            f"select table_name from information_schema.tables where table_schema = '{hostile.ledger}' "
            "and table_name like '%!_!_rejected' escape '!'"
        )
        messages = hostile.warehouse.rows(f"select message from {hostile.ledger}.{table} where message is not null")
        assert (HOSTILE,) in messages, "Drift's own words are kept in the warehouse"


def test_of_the_warehouse(hostile: Bench, asked: Any) -> None:
    hostile.execute("drop table $.people")
    hostile.execute(
        f"create view $.people as select error({quoted(HOSTILE)})::varchar as email, 'x' as tag, 'y' as \"{ONE_LINE}\""
    )
    hostile.declare("people", {"fields": {"email": "email"}})
    for command in (["plan"], ["sync"], ["sync", "--log-format", "json"], ["sync", *JSON], ["status"]):
        done = asked(*command)
        assert done.code == (0 if command == ["status"] else 2), command
    assert "PWN" in asked("status").out or "PWN" in asked("sync").out


def test_of_another_run(hostile: Bench, asked: Any) -> None:
    asked("sync")
    now = "cast(current_timestamp at time zone 'UTC' as timestamp)"
    hostile.warehouse.execute(f"delete from {hostile.ledger}.drift_lock")
    hostile.warehouse.execute(
        f"insert into {hostile.ledger}.drift_lock "
        f"values (1000, {quoted(HOSTILE)}, {quoted(HOSTILE)}, {quoted(HOSTILE)}, 7, '', {now}, {now}, "
        f"{now} + interval '120 seconds')"
    )
    for command in (["sync"], ["sync", "--log-format", "json"], ["unlock"]):
        assert asked(*command).code == 3
    assert asked("status").code == 0
