from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dbt_drift.declarations.syncs import declare, examine
from dbt_drift.errors import DeclarationError
from tests.support.projects import manifest, node

CASES = yaml.safe_load(Path(__file__).with_name("refusals.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_each_refusal_says_what_is_wrong_where_and_what_to_do(case: dict[str, Any]) -> None:
    models = case.get("models")
    if models:
        project = manifest(*(node(name, drift) for name, drift in models.items()))
    else:
        project = manifest(node(drift=case.get("drift"), columns=case.get("columns"), **case.get("node", {})))

    _, problems = examine(project)

    said = [
        f"{problem.model} " * bool(models)
        + f"{problem.key}: {problem.message}"
        + f" [{problem.suggestion}]" * bool(problem.suggestion)
        for problem in problems
    ]
    assert said == case["says"]
    with pytest.raises(DeclarationError):
        declare(project)


def test_a_disabled_declaration_is_refused_unless_an_enabled_node_has_its_id() -> None:
    drift = {"fields": {"email": "email"}}

    _, problems = examine(manifest(disabled=(node(drift=drift),)))
    syncs, none = examine(manifest(node(drift=drift), disabled=(node(drift=drift),)))

    assert [(one.model, one.key, one.message) for one in problems] == [
        ("dim_contacts", "meta.drift", "the model is disabled, so dbt builds nothing to sync")
    ]
    assert [sync.name for sync in syncs] == ["dim_contacts"]
    assert none == []


def test_a_disabled_node_without_a_declaration_is_nobodys_business() -> None:
    assert examine(manifest(disabled=(node(), node("dim_other", drift=False)))) == ([], [])


def test_versions_that_inherit_one_declaration_are_told_how_to_keep_one() -> None:
    drift = {"fields": {"email": "email", "plan": "plan"}}

    _, problems = examine(manifest(node(drift=drift, version=1), node(drift=drift, version=2)))

    assert [(one.model, one.key) for one in problems] == [("dim_contacts.v2", "meta.drift.fields.plan")]
    assert "drift: false" in problems[0].suggestion


def test_all_problems_of_a_project_are_shown_by_model() -> None:
    project = manifest(
        node("dim_people", {"fields": {"Email": "email", "start_date": "created"}}),
        node("dim_contacts", {"object": "companies", "fields": {"email": "email"}}),
        node("dim_right", {"fields": {"email": "email"}}),
        node("stg_crm", {"fields": {}}, package_name="crm"),
    )

    with pytest.raises(DeclarationError) as caught:
        declare(project)

    assert str(caught.value).splitlines() == [
        "4 problems in the Drift declarations of 3 models:",
        "",
        "stg_crm (crm://models/stg_crm.yml)",
        "  meta.drift.fields: no column is mapped to 'email', and every sync maps it",
        "    Add `email: <its column>` to `fields`.",
        "",
        "dim_contacts (models/dim_contacts.yml)",
        "  meta.drift.object: 'companies' is not offered",
        "    Contacts are the only Drift object that dbt-drift writes: leave `object` out.",
        "",
        "dim_people (models/dim_people.yml)",
        "  meta.drift.fields.Email: 'Email' is not how Drift spells this attribute",
        "    Did you mean `email`?",
        "  meta.drift.fields.start_date: the attribute 'start_date' cannot be written: Drift sets this time itself",
    ]


def test_a_wrong_declaration_stops_the_others_too() -> None:
    project = manifest(node("a", {"fields": {"email": "email"}}), node("b", {}))

    with pytest.raises(DeclarationError, match=r"1 problem in the Drift declarations of 1 model:"):
        declare(project)
