from __future__ import annotations

import msgspec
import pytest

from dbt_drift.declarations.syncs import declare
from dbt_drift.init.proposal import Audience, Column, Proposal, likeness, propose
from tests.support.projects import manifest, node


def proposed(*names: str, **kinds: str) -> Proposal | None:
    return propose([*(Column(name) for name in names), *(Column(name, kind) for name, kind in kinds.items())])


def test_drifts_own_attributes_are_found_by_the_usual_names() -> None:
    found = proposed("Full_Name", "CONTACT_ID", "plan", "E_Mail", "phone_number", "nickname")

    assert found == Proposal(
        fields={
            "email": "E_Mail", "externalId": "CONTACT_ID", "name": "Full_Name", "phone": "phone_number",
            "alias": "nickname",
        },
        others=("plan",),
    )  # fmt: skip
    assert declare(manifest(node(drift=found.declaration)))


def test_an_external_id_is_only_suggested_unless_it_is_matched_on() -> None:
    found = proposed("email", "id")
    assert found is not None
    assert found.declaration["fields"] == {"email": "email"}
    assert "  # externalId: id" in found.lines(2)
    matched = msgspec.structs.replace(found, match_on="externalId")
    assert matched.declaration["fields"] == {"email": "email", "externalId": "id"}
    assert "  externalId: id" in matched.lines(2)


@pytest.mark.parametrize("name", ["email", "EMAIL_ADDRESS", "billing_email", "email_lower"])
def test_a_column_that_looks_like_an_address(name: str) -> None:
    found = proposed("id", name, "email_hash", "is_email_valid")
    assert found is not None
    assert found.fields == {"email": name, "externalId": "id"}


@pytest.mark.parametrize("name", ["email_hash", "is_email_valid", "email_count", "emails_sent_at", "plan"])
def test_what_only_is_about_addresses_is_none(name: str) -> None:
    assert proposed(name) is None


def test_types_count_where_they_are_known() -> None:
    found = proposed(
        "email", id="integer", name="boolean", phone="integer", is_vip="boolean", photo="unsupported", createdAt="date"
    )

    assert found is not None
    assert found.fields == {"email": "email", "externalId": "id"}
    assert found.audiences == (Audience("Name", "name"), Audience("Vip", "is_vip"))
    assert found.others == ()  # Drift keeps createdAt for itself, and phone is a number
    assert proposed(email="boolean") is None


def test_jinja_in_a_name_is_left_out() -> None:
    assert proposed("email", "{{ x }}") == proposed("email")


def test_people_come_before_things() -> None:
    found = proposed("email")
    richer = proposed("email", "name", "phone")
    assert found is not None
    assert richer is not None
    assert likeness("dim_customers", found) > likeness("invoices", richer) > likeness("invoices", found)


def test_what_other_models_fill_is_left_to_them() -> None:
    found = proposed("email", "id", "name", "plan", "city")
    assert found is not None
    left = found.without({"email", "externalId", "plan"})
    assert (left.fields, left.others) == ({"email": "email", "name": "name"}, ("city",))
