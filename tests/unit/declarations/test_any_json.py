"""Whatever a user writes: it becomes syncs, or an error that names the model and the key. Never another exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.declarations.attributes import READ_ONLY
from dbt_drift.declarations.syncs import declare, examine
from dbt_drift.errors import DeclarationError
from tests.support.projects import manifest, node

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return right values for the most part, or no draw would get beyond the first key."""
    return st.integers(0, 9).flatmap(lambda draw: ANYTHING if draw == 0 else right)


NAMES = st.sampled_from(["email", "externalId", "name", "plan", "Plan", "Email", "tags", *READ_ONLY]) | st.text(
    max_size=4
)
COLUMNS = mostly(st.sampled_from(["email", "id", "plan"]))
OPTIONS = {
    "overwrite": mostly(st.booleans()),
    "nulls": mostly(st.sampled_from(["skip", "clear"])),
    "null": COLUMNS,
}
LONG_FORMS = st.fixed_dictionaries({"column": COLUMNS}, optional=OPTIONS)
FIELDS = st.builds(
    lambda fixed, more: {**fixed, **more},
    st.sampled_from([{"email": "email"}, {"email": "email", "externalId": "id"}, {}]),
    st.dictionaries(NAMES, COLUMNS | LONG_FORMS, max_size=2),
)
AUDIENCES = st.fixed_dictionaries(
    {
        "tag": mostly(st.sampled_from(["VIP", "vip", "Gold"])),
        "mode": mostly(st.sampled_from(["add", "remove", "mirror"])),
    },
    optional={"when": COLUMNS, "wehn": COLUMNS},
)
DRIFT = mostly(
    st.fixed_dictionaries(
        {},
        optional={
            "object": mostly(st.just("contacts")),
            "mode": mostly(st.sampled_from(["upsert", "upsert", "insert"])),
            "match_on": mostly(st.sampled_from(["email", "externalId"])),
            "fields": mostly(FIELDS),
            "nulls": mostly(st.sampled_from(["skip", "clear"])),
            "create_missing": mostly(st.booleans()),
            "on_deleted": mostly(st.sampled_from(["create", "reject"])),
            "audiences": mostly(st.lists(mostly(AUDIENCES), max_size=3)),
        },
    )
)
SHORT_FORMS = st.dictionaries(
    st.sampled_from(["email", "id", "a b"]),
    mostly(NAMES | st.fixed_dictionaries({"attribute": mostly(NAMES)}, optional=OPTIONS)),
    max_size=2,
)


@given(drift=DRIFT, columns=SHORT_FORMS, other=DRIFT)
def test_any_json_gives_syncs_or_problems_with_a_model_and_a_key(
    drift: Any, columns: dict[str, Any], other: Any
) -> None:
    project = manifest(node(drift=drift, columns=columns), node("dim_other", other))

    syncs, problems = examine(project)

    for problem in problems:
        assert problem.model in {"dim_contacts", "dim_other"}
        assert problem.path == f"models/{problem.model}.yml"
        assert problem.key.startswith(("meta.drift", "columns"))
        assert problem.message
    assert {sync.name for sync in syncs}.isdisjoint(problem.model for problem in problems)
    for sync in syncs:
        assert sync.attributes[0].attribute == "email"
        assert sync.match_column
        assert len({one.attribute.casefold() for one in sync.attributes}) == len(sync.attributes)
        assert len({one.tag.casefold() for one in sync.audiences}) == len(sync.audiences)
    if not problems:
        assert declare(project) == syncs
        return
    with pytest.raises(DeclarationError) as caught:
        declare(project)
    for problem in problems:
        assert f"\n{problem.model} ({problem.path})\n" in str(caught.value)
        assert f"\n  {problem.key}: " in str(caught.value)
