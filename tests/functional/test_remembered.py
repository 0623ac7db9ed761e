"""What the ledger remembers of what Drift has accepted, from one sync to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import TOKEN

if TYPE_CHECKING:
    from tests.support.harness import Bench

ADA = "ada@example.com"


@pytest.fixture
def ada(bench: Bench) -> Bench:
    """One contact, with a plan and a tag that a mirror has set."""
    bench.declare(
        "people",
        {
            "fields": {"email": "email", "name": "name", "plan_tier": "plan"},
            "audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}],
        },
    )
    change(bench, "Ada", plan="gold", vip=True)
    assert bench.sync().status == "success"
    bench.requests()
    return bench


def change(bench: Bench, name: str, *, plan: str | None, vip: bool) -> None:
    """Write the model anew."""
    literal = "cast(null as varchar)" if plan is None else f"'{plan}'"
    bench.table("people", f"select '{ADA}' as email, '{name}' as name, {literal} as plan, {str(vip).lower()} as vip")


def test_a_value_that_was_null_for_a_while(ada: Bench) -> None:
    change(ada, "Ada L.", plan=None, vip=True)
    assert (ada.sync().contacts.updated, ada.requests()) == (1, 1)
    assert ada.contact(ADA)["plan_tier"] == "gold"  # a null is not sent

    change(ada, "Ada L.", plan="gold", vip=True)
    assert (ada.sync().rows.unchanged, ada.requests()) == (1, 0)

    change(ada, "Ada L.", plan="free", vip=True)
    assert (ada.sync().contacts.updated, ada.requests()) == (1, 1)
    assert ada.contact(ADA)["plan_tier"] == "free"


def test_the_id_of_a_contact_that_was_made_anew(ada: Bench) -> None:
    gone = ada.sandbox.contact_by_email(ADA)
    assert gone is not None
    url = f"{ada.sandbox.url}/contacts/{gone.id}"
    assert requests.delete(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).ok
    change(ada, "Ada L.", plan="gold", vip=True)
    assert ada.sync().contacts.created == 1
    made = ada.sandbox.contact_by_email(ADA)
    assert made is not None
    assert made.id != gone.id
    ada.sync()  # whatever the successor still lacks
    ada.requests()

    change(ada, "Ada Lovelace", plan="gold", vip=True)
    assert (ada.sync().contacts.updated, ada.requests()) == (1, 1)
    assert ada.contact(ADA)["name"] == "Ada Lovelace"


def test_a_tag_that_drift_did_not_take_away(ada: Bench) -> None:
    ada.sandbox.change(faults=[Fault(status=400, path="/contacts/{id}/tags/delete/_bulk")])
    change(ada, "Ada L.", plan="gold", vip=False)
    assert ada.sync().rows.rejected == 1
    assert (ada.contact(ADA)["name"], ada.tags(ADA)) == ("Ada L.", {"VIP"})
    ada.sandbox.change(faults=[])

    change(ada, "Ada Lovelace", plan="gold", vip=False)
    assert ada.sync().contacts.tags_removed == 1
    assert ada.tags(ADA) == set()


def test_values_that_drift_did_not_take(ada: Bench) -> None:
    ada.sandbox.change(faults=[Fault(status=400, method="PATCH")])
    change(ada, "Ada L.", plan="free", vip=True)
    assert ada.sync().rows.rejected == 1
    ada.sandbox.change(faults=[])

    change(ada, "Ada", plan="gold", vip=True)  # as Drift holds it
    ada.requests()
    assert (ada.sync().rows.unchanged, ada.requests()) == (1, 0)
