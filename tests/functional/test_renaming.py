"""A model is renamed: its ledger goes on under the new name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.binding.undeclared_tags import warnings
from dbt_drift.errors import ConfigurationError
from dbt_drift.operations.rename import rename
from tests.support.ledgers import command

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

MAPPING = {
    "fields": {"email": "email", "name": "name"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}],
}


def model(bench: Bench, name: str, *, vip: str = "true") -> None:
    numbers = "generate_series(1, 3) as g(i)"
    bench.table(name, f"select 'p' || i || '@example.com' as email, 'Name ' || i as name, {vip} as vip from {numbers}")


def renamed(bench: Bench, *, vip: str = "true") -> None:
    """Sync a model, then give it another name."""
    model(bench, "people")
    bench.declare("people", MAPPING)
    bench.sync()
    bench.undeclare("people")
    model(bench, "dim_people", vip=vip)
    bench.declare("dim_people", MAPPING)


def test_nothing_is_sent_again_and_tags_are_still_taken_away(bench: Bench, dbt_drift: CommandLine) -> None:
    renamed(bench, vip="i = 1")
    done = command(bench, dbt_drift, "rename", "people", "dim_people")
    assert (done.code, done.out) == (0, "dim_people keeps the ledger of people: 3 contacts remembered.\n")
    assert warnings(prepare(bench.options())) == []
    bench.forget_project()
    counts = bench.plan().counts
    assert (counts.tags_removed, counts.rows_before) == ({"VIP": 2}, 3)
    bench.requests()
    bench.sync(max_removals=math.inf)
    assert bench.requests() == 2
    assert [bench.tags(f"p{i}@example.com") for i in (1, 2, 3)] == [{"VIP"}, set(), set()]
    assert bench.sync().requests == 0


def test_what_cannot_go_on(bench: Bench) -> None:
    renamed(bench)
    prepared = prepare(bench.options())
    with pytest.raises(ConfigurationError, match="No model 'dim_peopel' declares a sync"):
        rename(prepared, "people", "dim_peopel")
    with pytest.raises(ConfigurationError, match="knows no sync with the name 'folk'"):
        rename(prepared, "folk", "dim_people")
    bench.sync()
    prepared = bench.prepared
    with pytest.raises(ConfigurationError, match="remembers 3 of its contacts"):
        rename(prepared, "people", "dim_people")
    with pytest.raises(ConfigurationError, match="dim_people still declares a sync"):
        rename(prepared, "dim_people", "dim_people")
