"""Audiences as attributes, for organisations that have no contact tags any more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.binding.undeclared_tags import warnings
from dbt_drift.errors import DeclarationError
from dbt_drift.operations.untag import untag
from dbt_drift.sandbox.calls.attributes import Attribute
from tests.support.harness import Recorder
from tests.support.ledgers import command

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
MIRROR = {"attribute": "is_vip", "mode": "mirror", "when": "vip"}


def declare(bench: Bench, *audiences: dict[str, Any], **more: Any) -> None:
    bench.declare("people", {"fields": {"email": "email"}, "audiences": list(audiences), **more})


def people(bench: Bench, **vip: bool) -> None:
    """Write the model: each address and whether it is a member."""
    rows = ", ".join(f"('{name}@example.com', {str(member).lower()})" for name, member in vip.items())
    bench.table("people", f"select * from (values {rows}) as t(email, vip)")


def marks(bench: Bench) -> dict[str, object]:
    return {
        str(contact.email).partition("@")[0]: contact.attributes.get("is_vip") for contact in bench.sandbox.contacts()
    }


def again(bench: Bench) -> Prepared:
    return prepare(bench.options())


def test_a_mirror_says_yes_to_members_and_no_to_those_who_were(bench: Bench) -> None:
    bench.sandbox.change(tags="gone")
    people(bench, ada=True, bob=True, carl=True, eve=False)
    declare(bench, MIRROR)
    result = bench.sync()
    assert (result.status, result.contacts.tags_added, result.requests) == ("success", 3, bench.requests())
    assert marks(bench) == {"ada": True, "bob": True, "carl": True, "eve": None}  # the first run takes nothing away

    people(bench, ada=True, bob=False, eve=False)
    bench.requests()
    result = bench.sync(max_removals=math.inf)
    assert (result.contacts.tags_removed, result.rows.departed, bench.requests()) == (2, 1, 2)
    assert marks(bench) == {"ada": True, "bob": False, "carl": False, "eve": None}
    assert bench.sync().rows.sent == 0


def test_a_member_costs_no_request_of_its_own(bench: Bench) -> None:
    people(bench, ada=True)
    bench.sandbox.seed([{"email": ADA}])
    bench.declare("people", {"fields": {"email": "email", "seen": "vip"}, "audiences": [MIRROR]})
    bench.sync()
    assert bench.requests() == 2  # a look-up, and one PATCH for both attributes
    assert bench.contact(ADA) == {"email": ADA, "seen": True, "is_vip": True}


def test_add_and_remove(bench: Bench) -> None:
    bench.sandbox.seed([{"email": BOB, "is_old": True}])
    bench.table(
        "people", f"select * from (values ('{ADA}', true, false), ('{BOB}', false, true)) as t(email, vip, gone)"
    )
    declare(
        bench,
        {"attribute": "is_vip", "mode": "add", "when": "vip"},
        {"attribute": "is_old", "mode": "remove", "when": "gone"},
    )
    bench.sync(max_removals=math.inf)
    assert (bench.contact(ADA).get("is_vip"), bench.contact(BOB).get("is_old")) == (True, False)
    assert "is_old" not in bench.contact(ADA)


def test_from_a_tag_to_an_attribute(bench: Bench) -> None:
    people(bench, ada=True)
    declare(bench, {"tag": "VIP", "mode": "mirror", "when": "vip"})
    bench.sync()
    declare(bench, MIRROR)
    (warning,) = warnings(again(bench))
    assert 'untag people "VIP"' in warning
    assert bench.sync().contacts.tags_added == 1
    assert (bench.tags(ADA), marks(bench)) == ({"VIP"}, {"ada": True})


def test_one_that_is_no_longer_declared_is_named_and_can_be_taken_away(bench: Bench) -> None:
    people(bench, ada=True, bob=False)
    declare(bench, MIRROR)
    bench.sync()
    declare(bench)
    (warning,) = warnings(again(bench))
    assert 'untag people "is_vip=true"' in warning
    result = untag(again(bench), "people", "is_vip=true", bench.environment, Recorder())
    assert (result.status, marks(bench)) == ("success", {"ada": False, "bob": None})
    assert warnings(again(bench)) == []


def test_the_successor_of_a_deleted_contact_is_a_member(bench: Bench) -> None:
    people(bench, ada=True)
    bench.declare("people", {"fields": {"email": "email", "name": "email"}, "audiences": [MIRROR]})
    bench.sync()
    bench.sandbox.reset("contacts")
    bench.table("people", f"select '{ADA}' as email, true as vip, 'Ada' as name")
    bench.declare("people", {"fields": {"email": "email", "name": "name"}, "audiences": [MIRROR]})
    bench.sync()
    assert bench.contact(ADA) == {"email": ADA, "name": "Ada", "is_vip": True}


def test_a_rebuild_remembers_members(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, ada=True, bob=True)
    bench.sandbox.seed([{"email": ADA, "is_vip": True}, {"email": BOB}])
    declare(bench, MIRROR)
    assert command(bench, dbt_drift, "rebuild").code == 0
    assert (bench.sync().contacts.tags_added, marks(bench)) == (1, {"ada": True, "bob": True})


def test_the_attribute_has_to_be_a_yes_or_no(bench: Bench) -> None:
    bench.sandbox.declare_attributes(Attribute("is_vip", "STRING"))
    people(bench, ada=True)
    declare(bench, MIRROR)
    with pytest.raises(DeclarationError, match="is STRING in Drift, and an audience needs BOOLEAN"):
        bench.sync()


def test_the_attribute_cannot_be_written_twice(bench: Bench) -> None:
    people(bench, ada=True)
    bench.declare("people", {"fields": {"email": "email", "is_vip": "vip"}, "audiences": [MIRROR]})
    with pytest.raises(DeclarationError, match="also written by people, from the column 'vip'"):
        again(bench)
    declare(bench, MIRROR, {"attribute": "IS_VIP", "mode": "add"})
    with pytest.raises(DeclarationError, match="has an audience already"):
        again(bench)
    declare(bench, {"attribute": "name", "mode": "add"}, {"attribute": "tags", "mode": "add"})
    with pytest.raises(DeclarationError, match=r"holds text(.|\n)*cannot be written"):
        again(bench)
