from __future__ import annotations

import json
from typing import Any

import pytest

from dbt_drift.declarations.audiences import AudienceMapping
from dbt_drift.declarations.sync import AttributeMapping, Sync
from dbt_drift.declarations.syncs import declare
from tests.support.projects import EMAIL, manifest, node


def only_sync(*nodes: dict[str, Any]) -> Sync:
    (sync,) = declare(manifest(*nodes))
    return sync


def test_a_whole_declaration_becomes_one_sync() -> None:
    drift = {
        "object": "contacts",
        "mode": "upsert",
        "match_on": "externalId",
        "fields": {"name": "full_name", "externalId": "customer_id", "email": "email", "plan_tier": "plan"},
        "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}, {"tag": "Customer", "mode": "add"}],
    }

    sync = only_sync(node(drift=drift, columns={"phone_number": "phone"}, tags=["crm"]))

    assert sync == Sync(
        unique_id="model.jaffle.dim_contacts",
        name="dim_contacts",
        slug="dim_contacts",
        package="jaffle",
        database="dev",
        schema="marts",
        identifier="dim_contacts",
        relation_name='"dev"."marts"."dim_contacts"',
        path="models/dim_contacts.yml",
        declared=json.dumps({"drift": drift, "columns": {"phone_number": "phone"}}, sort_keys=True),
        match_on="externalId",
        attributes=(
            AttributeMapping("email", "email", "meta.drift.fields.email"),
            AttributeMapping("name", "full_name", "meta.drift.fields.name"),
            AttributeMapping("externalId", "customer_id", "meta.drift.fields.externalId"),
            AttributeMapping("plan_tier", "plan", "meta.drift.fields.plan_tier"),
            AttributeMapping("phone", "phone_number", "columns.phone_number.meta.drift"),
        ),
        audiences=(
            AudienceMapping("VIP", "mirror", "is_vip", "meta.drift.audiences[0]"),
            AudienceMapping("Customer", "add", None, "meta.drift.audiences[1]"),
        ),
    )
    assert sync.match_column == "customer_id"


def test_everything_but_email_has_a_default() -> None:
    sync = only_sync(node(drift=EMAIL))

    assert (sync.match_on, sync.match_column, sync.audiences) == ("email", "email", ())


def test_a_model_can_be_declared_by_its_columns() -> None:
    sync = only_sync(node(drift={}, columns={"mail": "email", "mobile": "phone", "id": None, "city": False}))

    assert [(one.attribute, one.column) for one in sync.attributes] == [("email", "mail"), ("phone", "mobile")]


def test_the_long_forms_say_how_values_are_written() -> None:
    fields = {"email": "email", "alias": {"column": "nick", "overwrite": False}, "city": {"column": "town"}}
    columns = {"mobile": {"attribute": "phone", "nulls": "clear"}}

    sync = only_sync(node(drift={"fields": fields, "create_missing": False, "on_deleted": "reject"}, columns=columns))

    assert sync.attributes[1:] == (
        AttributeMapping("alias", "nick", "meta.drift.fields.alias", overwrite=False),
        AttributeMapping("city", "town", "meta.drift.fields.city"),
        AttributeMapping("phone", "mobile", "columns.mobile.meta.drift", clears=True),
    )
    assert (sync.create_missing, sync.on_deleted) == (False, "reject")


def test_clearing_everything_spares_identities_and_what_is_not_overwritten() -> None:
    alias, city = {"column": "nick", "overwrite": False}, {"column": "town", "nulls": "skip"}
    fields = {"email": "email", "externalId": "id", "name": "name", "alias": alias, "city": city}

    sync = only_sync(node(drift={"nulls": "clear", "fields": fields}))

    assert [one.attribute for one in sync.attributes if one.clears] == ["name"]


def test_one_mapping_said_twice_is_one_mapping() -> None:
    sync = only_sync(node(drift=EMAIL, columns={"email": "email"}))

    assert [one.key for one in sync.attributes] == ["meta.drift.fields.email"]


def test_one_column_can_fill_two_attributes() -> None:
    sync = only_sync(node(drift={"fields": {"email": "email", "login": "email"}}))

    assert [one.column for one in sync.attributes] == ["email", "email"]


@pytest.mark.parametrize("nothing", [False, None])
def test_false_and_null_declare_nothing(nothing: object) -> None:
    assert declare(manifest(node(drift=nothing), node("other", EMAIL)))[0].name == "other"


def test_false_takes_back_the_short_forms_too() -> None:
    assert declare(manifest(node(drift=False, columns={"email": "email"}))) == []


def test_null_is_the_same_as_no_key_because_dbt_2_drops_it() -> None:
    drift = {
        "mode": None,
        "match_on": None,
        "fields": {"email": "email"},
        "audiences": [{"tag": "VIP", "mode": "add", "when": None}],
    }

    sync = only_sync(node(drift=drift))

    assert (sync.match_on, sync.audiences[0].when) == ("email", None)


@pytest.mark.parametrize("kind", ["seed", "snapshot"])
def test_seeds_and_snapshots_are_relations_too(kind: str) -> None:
    assert only_sync(node(drift=EMAIL, resource_type=kind)).unique_id.startswith(f"{kind}.")


def test_syncs_come_in_the_order_of_their_unique_ids() -> None:
    project = manifest(node("b", EMAIL), node("a", EMAIL), node("c"))

    assert [sync.name for sync in declare(project)] == ["a", "b"]


def test_two_models_may_share_their_keys() -> None:
    by_id = {"match_on": "externalId", "fields": {"email": "email", "externalId": "id"}}

    assert len(declare(manifest(node("a", by_id), node("b", by_id), node("c", EMAIL)))) == 3


def test_the_models_file_is_named_where_no_properties_file_describes_it() -> None:
    assert only_sync(node(drift=EMAIL, patch_path=None)).path == "models/dim_contacts.sql"


def test_an_alias_is_the_relations_name() -> None:
    sync = only_sync(node(drift=EMAIL, alias="contacts", database=None))

    assert (sync.name, sync.identifier, sync.database) == ("dim_contacts", "contacts", None)


@pytest.mark.parametrize("drift", [EMAIL, {}])
def test_the_meta_that_dbt_2_hands_down_to_columns_is_no_short_form(drift: dict[str, Any]) -> None:
    handed_down = node(drift=drift, columns={"email": "email", "plan": drift, "city": drift})
    own = node(drift=drift, columns={"email": "email"})
    if drift:
        handed_down["columns"].pop("email")
        own["columns"].pop("email")

    assert only_sync(handed_down) == only_sync(own)
