"""Where a share begins to count; tests/functional/test_guards.py shows what it does."""

from __future__ import annotations

from typing import Any

import pytest

from dbt_drift.binding.settings import Guards
from dbt_drift.declarations.syncs import declare
from dbt_drift.delivery.guards import Guard
from dbt_drift.ledger.delta import Counts
from tests.support.projects import EMAIL, manifest, node

(SYNC,) = declare(manifest(node(drift={**EMAIL, "audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}]})))


def counts(*, rows: int, rows_before: int, removed: int = 0) -> Counts:
    """Return what staging found: of 30 who carry the tag, so many would lose it."""
    nothing: dict[str, Any] = dict.fromkeys(Counts.__struct_fields__, 0)
    nothing |= {name: {} for name in ("invalid", "given_up", "attributes", "tags_added")}
    nothing |= {"values_cleared": {}, "values_set": {}, "tags_removed": {"VIP": removed}, "tags_carried": {"VIP": 30}}
    return Counts(**{**nothing, "rows": rows, "rows_before": rows_before})


@pytest.mark.parametrize(("removed", "blocked"), [(19, False), (20, True)])
def test_a_share_of_the_contacts_counts_from_twenty_on(removed: int, blocked: bool) -> None:  # noqa: FBT001
    reason = Guard(Guards(share=0.5)).check(SYNC, counts(rows=100, rows_before=100, removed=removed))
    assert ("too many contacts would lose the tag 'VIP'" in reason) is blocked
    assert bool(reason) is blocked


@pytest.mark.parametrize(("rows", "blocked"), [(11, False), (10, True)])
def test_a_share_of_the_rows_counts_from_twenty_on(rows: int, blocked: bool) -> None:  # noqa: FBT001
    reason = Guard(Guards(shrink=0.5)).check(SYNC, counts(rows=rows, rows_before=30))
    assert ("had 30 in the last sync" in reason) is blocked
    assert bool(reason) is blocked
