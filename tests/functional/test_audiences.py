"""Audiences whose tags a column names, and audiences that leave the declaration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.binding.tag_columns import MOST_TAGS
from dbt_drift.binding.undeclared_tags import warnings
from dbt_drift.errors import ConfigurationError, DeclarationError
from dbt_drift.operations.untag import forget_tag, untag
from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of
from tests.support.harness import Recorder

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ADA, BOB = "ada@example.com", "bob@example.com"


def again(bench: Bench) -> Prepared:
    """What a command finds: the ledger as it is now."""
    return prepare(bench.options(), needs_syncs=False)


def sync(bench: Bench) -> None:
    """Sync with the tags that the columns name now."""
    bench.declare("people", bench.declared("people"))
    assert bench.sync(max_removals=math.inf).status == "success"


def write(bench: Bench, *rows: str) -> None:
    bench.execute("delete from $.people")
    if rows:
        bench.execute(f"insert into $.people values {', '.join(rows)}")


def named(bench: Bench, mode: str, kind: str = "varchar") -> None:
    bench.table("people", f"select cast('' as varchar) as email, cast(null as {kind}) as plan where false")
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [{"tag_from": "PLAN", "mode": mode}]})


def test_a_mirrored_column_of_tags_moves_contacts_from_one_tag_to_the_next(bench: Bench) -> None:
    named(bench, "mirror")
    write(bench, f"('{ADA}', ' Gold '), ('{BOB}', 'It''s')")
    sync(bench)
    assert (bench.tags(ADA), bench.tags(BOB)) == ({"Gold"}, {"It's"})

    write(bench, f"('{ADA.upper()}', 'Silver'), ('{BOB}', null)")
    sync(bench)
    assert (bench.tags(ADA), bench.tags(BOB)) == ({"Silver"}, set())

    write(bench)
    bench.declare("people", bench.declared("people"))
    assert bench.sync(max_removals=1).status == "success"
    assert bench.tags(ADA) == set()
    assert warnings(again(bench)) == []

    write(bench, f"('{ADA}', 'Gold')")
    sync(bench)
    assert bench.tags(ADA) == {"Gold"}


def test_an_added_column_of_tags_takes_nothing_away(bench: Bench) -> None:
    named(bench, "add")
    for plan in ("'Gold'", "'Silver'", "''"):
        write(bench, f"('{ADA}', {plan})")
        sync(bench)

    assert bench.tags(ADA) == {"Gold", "Silver"}
    assert warnings(again(bench)) == []


def test_a_row_may_name_several_tags(bench: Bench) -> None:
    named(bench, "mirror", "varchar[]")
    several = "['A', 'B', null]" if bench.warehouse.kind == "duckdb" else "array['A', 'B', null]"
    one = "['B']" if bench.warehouse.kind == "duckdb" else "array['B']"
    write(bench, f"('{ADA}', {several}), ('{BOB}', null)")
    sync(bench)
    assert (bench.tags(ADA), bench.tags(BOB)) == ({"A", "B"}, set())

    write(bench, f"('{ADA}', {one})")
    sync(bench)
    assert bench.tags(ADA) == {"B"}


def test_a_column_of_too_many_tags_is_refused(bench: Bench) -> None:
    named(bench, "mirror")
    write(bench, *(f"('p{number}@example.com', 'tag {number}')" for number in range(MOST_TAGS + 1)))

    with pytest.raises(DeclarationError, match=f"names more than {MOST_TAGS} tags"):
        again(bench)


def test_one_tag_in_two_spellings_is_refused(bench: Bench) -> None:
    named(bench, "mirror")
    write(bench, f"('{ADA}', 'Gold'), ('{BOB}', 'gold')")

    with pytest.raises(DeclarationError, match="which is already declared"):
        again(bench)


@pytest.mark.parametrize(("first", "second", "fights"), [("add", "add", False), ("mirror", "add", True)])
def test_a_column_may_name_the_tag_of_another_model_only_where_they_agree(
    bench: Bench, first: str, second: str, *, fights: bool
) -> None:
    named(bench, first)
    write(bench, f"('{ADA}', 'Gold')")
    bench.table("others", f"select '{BOB}' as email")
    bench.declare("others", {"fields": {"email": "email"}, "audiences": [{"tag": "gold", "mode": second}]})

    if fights:
        with pytest.raises(DeclarationError, match="also decided by"):
            again(bench)
    else:
        assert len(again(bench).syncs) == 2


def mirrored(bench: Bench) -> None:
    """Ada carries VIP because of the model; Eve because of a person."""
    bench.sandbox.seed([{"email": "eve@example.com", "tags": ["VIP"]}])
    bench.table("people", f"select '{ADA}' as email")
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "mirror"}]})
    assert bench.sync(max_removals=math.inf).status == "success"


@pytest.mark.parametrize("left", [{"fields": {"email": "email"}}, False])
def test_an_audience_that_left_is_named_and_can_be_taken_away(bench: Bench, left: object) -> None:
    mirrored(bench)
    with pytest.raises(ConfigurationError, match="still declares the tag 'VIP'"):
        untag(again(bench), "people", "VIP", bench.environment, Recorder())
    bench.declare("people", left)
    (warning,) = warnings(again(bench))
    assert "1 contact still" in warning
    assert 'dbt-drift untag people "VIP"' in warning

    bench.sandbox.change(faults=[Fault(status=401)])
    assert untag(again(bench), "people", "VIP", bench.environment, Recorder()).status == "error"
    assert len(warnings(again(bench))) == 1
    bench.sandbox.change(faults=[])
    assert untag(again(bench), "people", "VIP", bench.environment, Recorder()).status == "success"

    assert bench.tags(ADA) == set()
    assert bench.tags("eve@example.com") == {"VIP"}
    assert warnings(again(bench)) == []


def test_an_audience_that_left_can_be_forgotten(bench: Bench) -> None:
    mirrored(bench)
    bench.declare("people", {"fields": {"email": "email"}})
    bench.requests()

    forget_tag(again(bench), "people", "VIP")

    assert warnings(again(bench)) == []
    assert bench.requests() == 0
    assert bench.tags(ADA) == {"VIP"}
    with pytest.raises(ConfigurationError, match="knows no tag 'VIP' of people"):
        forget_tag(again(bench), "people", "VIP")


def test_a_tag_that_moved_to_another_model_is_left_to_it(bench: Bench) -> None:
    mirrored(bench)
    bench.declare("people", {"fields": {"email": "email"}})
    bench.table("others", f"select '{BOB}' as email")
    bench.declare("others", {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "add"}]})

    with pytest.raises(ConfigurationError, match="others gives the tag"):
        untag(again(bench), "people", "VIP", bench.environment, Recorder())


def test_the_commands_say_what_they_did(people: Bench, dbt_drift: CommandLine) -> None:
    bench = people
    mirrored(bench)
    bench.declare("people", {"fields": {"email": "email"}})

    for command in (["plan"], ["check", "--offline"]):
        assert "WARN people no longer declares the tag 'VIP'" in dbt_drift(*command, *project_of(bench)).err
    done = dbt_drift("untag", "people", "VIP", *project_of(bench), environment=bench.environment)
    assert done.code == 0, done.err
    assert "taken from 1 contact in" in done.out
    assert "created" not in done.out
    assert "Done in" in done.out
    assert bench.tags(ADA) == set()
    assert dbt_drift("forget", "people", "VIP", *project_of(bench)).code == 2


def test_tags_that_drift_takes_and_ignores_are_not_taken_for_set(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt_drift.drift.contact.tagging.SECOND_LOOK_SECONDS", 0.01)
    bench.sandbox.change(tags="ignored")
    bench.table("people", "select 'p' || i || '@example.com' as email from generate_series(1, 30) as g(i)")
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "add"}]})
    result = bench.sync()
    assert (result.status, result.reasons, result.contacts.tags_added) == ("warn", {"tags_ignored": 30}, 0)
    bench.sandbox.change(tags="live")
    result = bench.sync()
    assert (result.status, result.contacts.tags_added) == ("success", 30)
    assert all(set(contact.tags) == {"VIP"} for contact in bench.sandbox.contacts())


def test_the_tag_changes_of_a_contact_travel_together(bench: Bench) -> None:
    audiences = [{"tag": f"T{number}", "mode": "mirror", "when": f"t{number}"} for number in range(5)]
    bench.declare("people", {"fields": {"email": "email", "name": "name"}, "audiences": audiences})
    before = "true as t0, true as t1, false as t2, false as t3, false as t4"
    bench.table("people", f"select '{ADA}' as email, 'Ada' as name, {before}")
    bench.sync()
    bench.declare("people", bench.declared("people"))  # a run of its own: it knows that tags have been seen
    bench.requests()

    bench.execute("update $.people set t0 = false, t1 = false, t2 = true, t3 = true, t4 = true")
    result = bench.sync(max_removals=math.inf)
    assert (result.contacts.tags_added, result.contacts.tags_removed, bench.requests()) == (3, 2, 2)
    assert bench.tags(ADA) == {"T2", "T3", "T4"}

    bench.execute("update $.people set name = 'Ada L.'")
    bench.sync()
    assert bench.requests() == 1

    bench.execute("update $.people set name = 'Ada', t0 = true")
    bench.sync()
    assert bench.requests() == 2
