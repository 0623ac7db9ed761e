"""One way through each command that works on a ledger; `make test-fast` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.harness import Bench
from tests.support.ledgers import command

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

PEOPLE = """
select 'p' || i || '@example.com' as email, case when i = 3 then 'bad' else 'Name ' || i end as name, i < 3 as vip
from generate_series(1, 4) as g(i)
"""
FIELDS = {"email": "email", "name": "name"}
VIPS = [{"tag": "VIP", "mode": "mirror", "when": "vip"}]


def test_one_way_through_each_command(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)

    def run(*arguments: str, code: int = 0) -> str:
        done = command(bench, dbt_drift, *arguments)
        assert done.code == code, done
        bench.forget_project()
        return done.out

    bench.table("people", PEOPLE)
    bench.table("members", "select 'p4@example.com' as email")
    bench.declare("people", {"fields": FIELDS, "audiences": VIPS})
    bench.declare("members", drift=False)

    assert "ok  people: 2 attributes, 1 audience" in run("check")
    assert "4 new" in run("plan")
    synced = run("sync", "--log-level", "debug")
    assert "4 created" in synced
    assert "Drift has 4 of 4 rows as the models have them: 4 sent now, 0 as before. 2 tags set, 0 taken away." in synced
    assert "POST /contacts: 200 in " in synced
    assert "p1@example.com" not in synced
    assert "people: 4 contacts remembered" in run("status")
    assert "drift_report.html" in run("report")
    assert "Adopted: 1 contact" in run("adopt", "people", "VIP", "members")
    assert "OK=1" in run("retry", "--allow-removals")
    assert "Nobody holds the lock" in run("unlock")
    assert "email" in run("attributes")

    bench.undeclare("people")
    bench.table("dim_people", PEOPLE)
    bench.declare("dim_people", {"fields": FIELDS})
    assert "keeps the ledger of people" in run("rename", "people", "dim_people")
    assert "Done in" in run("untag", "dim_people", "VIP")
    assert bench.tags("p1@example.com") == set()
    assert "found and remembered" in run("rebuild")

    bench.declare("dim_people", {"fields": FIELDS, "audiences": VIPS})
    run("sync")
    bench.declare("dim_people", {"fields": FIELDS})
    assert "keep the tag 'VIP' in Drift" in run("forget", "dim_people", "VIP")
    assert "of dim_people__accepted" in run("purge", "p1@example.com", "--yes")
