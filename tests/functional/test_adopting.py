"""Members that a mirror has not tagged itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.errors import ConfigurationError
from dbt_drift.operations.adopt import adopt
from tests.support.ledgers import command

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ADA, BOB, EVE, FAY = (f"{name}@example.com" for name in ("ada", "bob", "eve", "fay"))
UNDECLARED = False
VIP = {"tag": "VIP", "mode": "mirror", "when": "vip"}


def tagged_by_a_person(bench: Bench, *, match_on: str = "email") -> None:
    """Everybody carries VIP; by the model Ada is a member, Bob is none, Eve is not in it; Fay stays unmentioned."""
    bench.sandbox.seed({"email": email, "externalId": email[:3], "tags": ["VIP"]} for email in (ADA, BOB, EVE, FAY))
    rows = f"('{ADA}', 'ada', true), ('{BOB}', 'bob', false)"
    bench.table("people", f"select * from (values {rows}) as t(email, id, vip)")
    fields = {"email": "email", "externalId": "id"}
    bench.declare("people", {"match_on": match_on, "fields": fields, "audiences": [VIP]})
    rows = f"(' {ADA}', 'ada'), ('{BOB.upper()}', 'bob'), ('{EVE}', 'eve'), (null, null)"
    bench.table("members", f"select * from (values {rows}) as t(email, id)")
    bench.declare("members", UNDECLARED)


def adopted(bench: Bench, model: str = "people", tag: str = "VIP", **more: Any) -> int:
    try:
        return adopt(prepare(bench.options()), model, tag, **{"members": "members"} | more)
    finally:
        bench.declare("members", UNDECLARED)  # the next sync reads the project anew


@pytest.mark.parametrize("match_on", ["email", "externalId"])
@pytest.mark.parametrize("synced", [False, True])
def test_adopted_members_lose_the_tag_when_they_are_none(bench: Bench, match_on: str, *, synced: bool) -> None:
    tagged_by_a_person(bench, match_on=match_on)
    if synced:
        bench.sync()
        assert [bench.tags(one) for one in (ADA, BOB, EVE)] == [{"VIP"}] * 3
    assert adopted(bench) == (2 if synced else 3)  # what the mirror has set or found set is its own already
    assert adopted(bench) == 0
    plan = bench.plan()
    assert sum(plan.counts.tags_removed.values()) == 2
    # Eve has no row: she is one who leaves, and nobody new.
    assert (plan.counts.departed, plan.counts.new) == (1, 0 if synced else 2)
    assert bench.sync(max_removals=math.inf).status == "success"
    assert [bench.tags(one) for one in (ADA, BOB, EVE, FAY)] == [{"VIP"}, set(), set(), {"VIP"}]
    assert bench.sync().requests == 0


def test_guards_stand_before_what_was_adopted(bench: Bench) -> None:
    tagged_by_a_person(bench)
    adopted(bench)
    assert bench.sync(max_removals=1).status == "blocked"
    assert bench.tags(BOB) == {"VIP"}


def test_the_command(bench: Bench, dbt_drift: CommandLine) -> None:
    tagged_by_a_person(bench)
    done = command(bench, dbt_drift, "adopt", "people", "VIP", "members", "--column", "EMAIL")
    assert (done.code, "Adopted: 3 contacts" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "persons"}, "No model 'persons' declares"),
        ({"tag": "Vip"}, "'Vip' is not among"),
        ({"members": "membres"}, "Did you mean `members`"),
        ({"column": "mail"}, "no column 'mail'"),
    ],
)
def test_what_cannot_be_adopted(bench: Bench, asked: dict[str, Any], said: str) -> None:
    tagged_by_a_person(bench)
    with pytest.raises(ConfigurationError, match=said):
        adopted(bench, **asked)


def test_only_mirrors_adopt(bench: Bench) -> None:
    tagged_by_a_person(bench)
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "add"}]})
    with pytest.raises(ConfigurationError, match="is 'add', and only `mirror`"):
        adopted(bench)
