"""What a plan says that sending costs is what it costs, or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.delivery.plan import Cost
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

DECLARED = {
    "fields": {"email": "email", "name": "name"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
}


def test_the_requests_of_a_plan_are_those_of_its_sync(bench: Bench) -> None:
    bench.table(
        "people",
        "select 'p' || i || '@example.com' as email, 'N' as name, i <= 4 as is_vip from generate_series(1, 10) as g(i)",
    )
    bench.declare("people", DECLARED)
    assert bench.plan().cost == Cost(10, 10, 4, None)
    bench.run()
    assert bench.requests() <= 24
    bench.forget_project()
    assert bench.plan().cost == Cost(0, 0, 0, None)

    bench.execute("update $.people set name = 'New' where email in ('p1@example.com', 'p2@example.com')")
    bench.execute("update $.people set is_vip = not is_vip where email in ('p4@example.com', 'p5@example.com')")
    cost = bench.plan().cost
    assert cost == Cost(0, 2, 2, None)
    bench.run()
    assert bench.requests() == cost.requests


def test_a_plan_says_how_long_it_takes_at_the_quota(bench: Bench, dbt_drift: CommandLine) -> None:
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 2000) as g(i)"
    )
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    done = dbt_drift("plan", "--rows", "0", *project_of(bench))
    assert "  at most 4,000 requests: 2,000 look-ups, 2,000 writes; 1:20 at the quota" in done.out
