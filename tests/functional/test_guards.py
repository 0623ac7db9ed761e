"""What a bad day upstream would take away: blocked, said, and let through only when it is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import project_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

MIRROR = {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}]}


def people(count: int, *, members: int) -> str:
    """Return a model of so many people, the first of whom are members."""
    return (
        "select 'p' || i || '@example.com' as email, cast(i as varchar) as name, "
        f"i <= {members} as is_vip from generate_series(1, {count}) as g(i)"
    )


def limits(**guards: float) -> Mapping[str, object]:
    return {**MIRROR, "guards": guards}


@pytest.fixture
def tagged(bench: Bench) -> Bench:
    """A hundred people, of whom eighty carry the tag."""
    bench.table("people", people(100, members=80))
    bench.declare("people", MIRROR)
    assert bench.sync().contacts.tags_added == 80
    bench.requests()
    return bench


def carriers(bench: Bench) -> int:
    return sum("VIP" in contact.tags for contact in bench.sandbox.contacts())


def test_an_empty_model_takes_nothing_away(tagged: Bench) -> None:
    tagged.execute("delete from $.people")
    plan = tagged.plan()
    results = tagged.run()

    (result,) = results.results
    assert (result.status, result.cause, result.requests, tagged.requests()) == ("blocked", "empty", 0, 0)
    assert "the model is empty, and had 100 rows in the last sync" in result.message
    assert "80 of 80 contacts would lose the tag 'VIP'" in result.message
    assert "--select people --max-removals 80" in result.message
    assert (
        "  Check whether the build was complete. Look at it with `dbt-drift plan`. If you intend it: " in result.message
    )
    assert plan.blocked == result.message.replace("Look at it with `dbt-drift plan`. ", "")
    assert results.exit_code == 1
    assert carriers(tagged) == 80
    tagged.table("people", people(100, members=80))
    assert (tagged.sync().status, tagged.requests()) == ("success", 0)


def test_an_empty_model_without_a_mirror_is_given_up_too(bench: Bench) -> None:
    bench.table("people", people(3, members=0))
    bench.declare("people", {"fields": {"email": "email"}})
    bench.sync()
    bench.execute("delete from $.people")
    result = bench.sync()
    assert (result.status, "3 rows in the last sync" in result.message) == ("blocked", True)
    assert "--allow-removals" in result.message


def test_a_model_that_was_always_empty_is_well(bench: Bench) -> None:
    bench.table("people", people(0, members=0))
    bench.declare("people", MIRROR)
    assert [bench.sync().status, bench.sync().status] == ["success", "success"]


def test_a_model_that_shrank_by_more_than_half(tagged: Bench) -> None:
    tagged.execute("delete from $.people where not is_vip or name in ('1', '2')")
    assert tagged.sync().status == "success"
    tagged.execute("delete from $.people where cast(name as integer) > 38")
    result = tagged.sync()
    assert (result.status, carriers(tagged)) == ("blocked", 78)
    assert "the model has 36 rows, and had 78 in the last sync (limit: 50% fewer)" in result.message


def test_flags_that_turn_off_over_the_share(tagged: Bench) -> None:
    tagged.execute("update $.people set is_vip = false where cast(name as integer) <= 25")
    result = tagged.sync()
    assert result.status == "blocked"
    assert "too many contacts would lose the tag 'VIP' (limit: 1,000 or 30%)" in result.message
    assert "25 of 80 contacts would lose the tag 'VIP'" in result.message
    assert result.rows.problem == ""

    assert tagged.sync(max_removals=24).status == "blocked"
    allowed = tagged.sync(max_removals=25)
    assert (allowed.status, allowed.contacts.tags_removed, carriers(tagged)) == ("success", 25, 55)


def test_few_removals_are_no_share(bench: Bench) -> None:
    bench.table("people", people(40, members=19))
    bench.declare("people", MIRROR)
    bench.sync()
    bench.table("people", people(40, members=0))
    assert bench.sync().contacts.tags_removed == 19


def test_a_model_has_limits_of_its_own(tagged: Bench) -> None:
    tagged.execute("update $.people set is_vip = false where cast(name as integer) <= 25")
    tagged.declare("people", limits(most=24, share=1))
    assert "(limit: 24)" in tagged.sync().message
    tagged.declare("people", limits(share=1))
    assert tagged.sync().contacts.tags_removed == 25
    tagged.execute("delete from $.people")
    tagged.declare("people", limits(share=1, shrink=1))
    assert (tagged.sync().contacts.tags_removed, carriers(tagged)) == (55, 0)


def test_what_was_allowed_once_is_what_the_next_run_compares_with(tagged: Bench) -> None:
    tagged.execute("delete from $.people")
    assert tagged.sync(max_removals=float("inf")).contacts.tags_removed == 80
    assert (tagged.sync().status, carriers(tagged)) == ("success", 0)


def test_a_list_of_removals_has_a_number_and_no_share(bench: Bench) -> None:
    bench.table("people", people(50, members=50))
    remove = {"fields": {"email": "email"}, "audiences": [{"tag": "VIP", "mode": "remove"}]}
    bench.declare("people", {**remove, "guards": {"most": 49}})
    result = bench.sync()
    assert (result.status, "50 contacts would lose the tag 'VIP'" in result.message) == ("blocked", True)
    bench.declare("people", remove)
    assert bench.sync().status == "success"


def test_values_that_are_cleared_are_removals(bench: Bench) -> None:
    bench.table("people", people(60, members=0))
    bench.declare("people", {"fields": {"email": "email", "name": "name"}, "nulls": "clear"})
    bench.sync()
    bench.execute("update $.people set name = null where cast(name as integer) <= 30")
    result = bench.sync()
    assert result.status == "blocked"
    assert "30 of 60 contacts would lose the value of name" in result.message
    assert bench.sync(max_removals=30).contacts.updated == 30
    bench.execute("update $.people set name = null where cast(name as integer) <= 35")
    assert bench.sync().contacts.updated == 5


def test_the_run_has_limits_and_other_syncs_go_on(bench: Bench, dbt_drift: CommandLine) -> None:
    for name, tag in (("first", "A"), ("second", "B"), ("third", "C")):
        bench.table(name, people(30, members=30).replace("'p'", f"'{name}'"))
        bench.declare(name, {"fields": {"email": "email"}, "audiences": [{**MIRROR["audiences"][0], "tag": tag}]})  # type: ignore[index]
    bench.run()
    for name, members in (("first", 12), ("second", 12), ("third", 30)):
        bench.execute(f"update $.{name} set is_vip = cast(name as integer) <= {members}")
    bench.execute("update $.third set email = 'x' || email where name = '1'")
    guards = f"{{dbt_drift: {{schema: {bench.ledger}, guards: {{run_most: 20, share: 1, run_share: 1}}}}}}"
    done = dbt_drift("sync", *project_of(bench)[:-1], guards, environment=bench.environment)
    assert done.code == 1
    assert "OK=2 WARN=0 BLOCKED=1" in done.out
    assert "the run would take away 36 tags and values (limit: 20)" in done.out
    assert "18 of 30 contacts would lose the tag 'B'" in done.out
    quiet = dbt_drift(
        "sync", "--quiet", "--allow-removals", *project_of(bench)[:-1], guards, environment=bench.environment
    )
    assert (quiet.code, quiet.out) == (0, "")
    assert carriers_of(bench) == {"A": 12, "B": 12, "C": 30}


def carriers_of(bench: Bench) -> dict[str, int]:
    tags = [tag for contact in bench.sandbox.contacts() for tag in contact.tags]
    return {tag: tags.count(tag) for tag in sorted(set(tags))}


def test_a_first_careful_run(bench: Bench, dbt_drift: CommandLine) -> None:
    bench.table("people", people(30, members=10))
    bench.declare("people", MIRROR)
    done = dbt_drift("sync", "--limit", "4", *project_of(bench), environment=bench.environment)
    assert done.code == 0
    assert "26 contacts left for the next run" in done.out
    assert len(bench.sandbox.contacts()) == 4
    result = bench.sync()
    assert (result.rows.unchanged, result.rows.sent, result.rows.unfinished) == (4, 26, 0)
