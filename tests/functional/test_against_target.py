"""A plan for a pull request: the models that CI built, compared with the ledger of production, which it only reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

DECLARED = {
    "fields": {"email": "email", "name": "name"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
}
PEOPLE = (
    "select 'p' || i || '@example.com' as email, 'Name' as name, i <= 4 as is_vip from generate_series(1, 6) as g(i)"
)


@pytest.fixture
def pull_request(bench: Bench) -> Bench:
    """Production has synced six people; the branch loses a member, changes a value, and maps another attribute.

    The ledger of the target ci is another one, and is not there.
    """
    profiles = bench.project / "profiles.yml"
    document = yaml.safe_load(profiles.read_text())
    output = document["bench"]["outputs"]["dev"]
    document["bench"]["outputs"] |= {"prod": {**output, "schema": bench.schema}, "ci": {**output, "schema": "ci_1"}}
    profiles.write_text(yaml.safe_dump(document))
    bench.table("people", PEOPLE)
    bench.declare("people", DECLARED)
    bench.sync()
    bench.forget_project()
    bench.requests()
    bench.table(
        "people", PEOPLE.replace("i <= 4", "i <= 3").replace("'Name'", "case when i = 6 then 'New' else 'Name' end")
    )
    bench.execute("alter table $.people add column plan text")
    bench.execute("update $.people set plan = 'team'")
    bench.declare("people", {**DECLARED, "fields": {"email": "email", "name": "name", "plan_tier": "plan"}})
    return bench


def plan(bench: Bench, dbt_drift: CommandLine, *options: str) -> Done:
    flags = project_of(bench)
    flags = flags[: flags.index("--vars")]
    return dbt_drift("plan", "--target", "ci", "--against-target", "prod", *options, *flags)


def tables(bench: Bench) -> set[tuple[object, ...]]:
    return set(
        bench.warehouse.rows(
            "select table_schema, table_name, column_name from information_schema.columns "
            f"where table_schema like '{bench.schema}%' or table_schema like 'ci_1%'"
        )
    )


def test_what_production_would_get(pull_request: Bench, dbt_drift: CommandLine) -> None:
    before = tables(pull_request)
    done = plan(pull_request, dbt_drift, "--output", "json", "--ignore-run-results")
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)["plans"]
    counts = found["counts"]
    assert (counts["rows"], counts["new"], counts["changed"]) == (6, 0, 6)
    assert counts["attributes"] == {"email": 0, "name": 1, "plan_tier": 6}
    assert (counts["tags_added"], counts["tags_removed"]) == ({"VIP": 0}, {"VIP": 1})
    assert tables(pull_request) == before
    assert pull_request.requests() == 0


def test_as_a_comment(pull_request: Bench, dbt_drift: CommandLine) -> None:
    done = plan(pull_request, dbt_drift, "--output", "markdown", "--ignore-run-results")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "<!-- dbt-drift plan -->"
    assert "### Drift: 6 contacts would be sent" in lines
    assert "- **`people`**: 1 of 4 contacts would lose the tag `VIP`" in lines
    assert "| `people` | 6 | 0 | 6 | 0 | 0 | 0 |" in lines
    assert "| `plan_tier` | 6 |" in lines
    assert "@" not in done.out


def test_a_role_that_may_only_read(pull_request: Bench, dbt_drift: CommandLine) -> None:
    if pull_request.warehouse.kind != "postgres":
        pytest.skip("DuckDB has no roles")
    bench = pull_request
    for schema in (bench.schema, bench.ledger):
        bench.warehouse.execute(
            f"do $$ begin if not exists (select 1 from pg_roles where rolname = 'reader') then "
            f"create role reader login password 'x'; end if; end $$; "
            f"grant usage on schema {schema} to reader; grant select on all tables in schema {schema} to reader"
        )
    profiles = bench.project / "profiles.yml"
    document = yaml.safe_load(profiles.read_text())
    document["bench"]["outputs"]["ci"] |= {"user": "reader", "password": "x"}
    profiles.write_text(yaml.safe_dump(document))
    before = tables(bench)
    done = plan(bench, dbt_drift, "--rows", "1", "--ignore-run-results")
    assert done.code == 0, done.err
    assert "people: 6 rows, 0 unchanged" in done.out
    assert tables(bench) == before


def test_a_plan_without_a_ledger_leaves_nothing_behind(bench: Bench, dbt_drift: CommandLine) -> None:
    bench.table("people", PEOPLE)
    bench.declare("people", DECLARED)
    before = tables(bench)
    done = dbt_drift("plan", "--rows", "0", *project_of(bench))
    assert done.code == 0, done.err
    assert "+ 6 new" in done.out
    assert tables(bench) == before


def test_names_that_would_be_markup(bench: Bench, dbt_drift: CommandLine) -> None:
    hostile = "<img src=x>|`a`@everyone"
    bench.table("people", PEOPLE)
    bench.declare("people", {**DECLARED, "audiences": [{"tag": hostile, "mode": "add", "when": "is_vip"}]})
    out = dbt_drift("plan", "--output", "markdown", *project_of(bench)).out
    assert "| tag `` <img src=x>\\|`a`@everyone `` added | 4 |" in out
