from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.columns import resolve
from dbt_drift.declarations.syncs import declare
from tests.support.projects import manifest, node

if TYPE_CHECKING:
    from dbt_drift.declarations.sync import Sync


def sync() -> Sync:
    drift = {
        "fields": {"email": "email", "name": "Full_Name"},
        "audiences": [{"tag": "VIP", "mode": "add", "when": "is_vip"}, {"tag": "All", "mode": "add"}],
        "row_id": "Id",
    }
    return declare(manifest(node(drift=drift)))[0]


def bound_columns(bound: Sync) -> list[str | None]:
    return [one.column for one in bound.attributes] + [one.when for one in bound.audiences] + [bound.row_id]


def test_columns_take_the_relations_case() -> None:
    bound, problems = resolve(sync(), ["ID", "EMAIL", "FULL_NAME", "IS_VIP"])

    assert problems == []
    assert bound_columns(bound) == ["EMAIL", "FULL_NAME", "IS_VIP", None, "ID"]


def test_the_exact_name_wins_over_others_that_differ_in_case() -> None:
    bound, problems = resolve(sync(), ["Email", "email", "FULL_NAME", "Full_Name", "is_vip", "Id"])

    assert problems == []
    assert bound_columns(bound) == ["email", "Full_Name", "is_vip", None, "Id"]


def test_binding_changes_nothing_else() -> None:
    declared = sync()

    assert resolve(declared, ["email", "Full_Name", "is_vip", "Id"]) == (declared, [])


def test_a_column_that_could_be_two_is_a_problem() -> None:
    _, problems = resolve(sync(), ["email", "full_name", "FULL_NAME", "is_vip", "Id"])

    assert [(one.key, one.message) for one in problems] == [
        ("meta.drift.fields.name", "the column 'Full_Name' could be any of 'full_name', 'FULL_NAME'")
    ]


def test_each_missing_column_is_named_with_the_nearest_one() -> None:
    _, problems = resolve(sync(), ["e_mail", "name", "vip"])

    assert [(one.model, one.path, one.key, one.message, one.suggestion) for one in problems] == [
        (
            "dim_contacts",
            "models/dim_contacts.yml",
            "meta.drift.fields.email",
            "the relation has no column 'email'",
            "Did you mean `e_mail`?",
        ),
        (
            "dim_contacts",
            "models/dim_contacts.yml",
            "meta.drift.fields.name",
            "the relation has no column 'Full_Name'",
            "Did you mean `name`?",
        ),
        (
            "dim_contacts",
            "models/dim_contacts.yml",
            "meta.drift.audiences[0].when",
            "the relation has no column 'is_vip'",
            "Did you mean `vip`?",
        ),
        (
            "dim_contacts",
            "models/dim_contacts.yml",
            "meta.drift.row_id",
            "the relation has no column 'Id'",
            "Use `e_mail`, `name` or `vip`.",
        ),
    ]


def test_a_wide_relation_is_not_listed_where_nothing_is_near() -> None:
    _, few = resolve(sync(), ["Full_Name", "is_vip", "Id"])
    _, many = resolve(sync(), ["Full_Name", "is_vip", "Id", *(f"column_{number}" for number in range(300))])

    assert [one.suggestion for one in few] == ["Use `Full_Name`, `is_vip` or `Id`."]
    assert [one.suggestion for one in many] == [""]
