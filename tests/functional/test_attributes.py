"""The mapping held against the attributes that the organisation has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dbt_drift.binding.settings import Settings
from dbt_drift.delivery.plan import make_plans
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.errors import DeclarationError
from dbt_drift.operations.rebuild import run_rebuild
from dbt_drift.sandbox.calls.attributes import Attribute
from dbt_drift.sandbox.calls.tokens import Token
from tests.support.command_line import project_of
from tests.support.harness import TOKEN, Recorder

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.attributes import AttributeType
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ADA, BOB = "ada@example.com", "bob@example.com"
LISTING = "/contacts/attributes"


def _typed(bench: Bench, **types: AttributeType) -> None:
    bench.sandbox.declare_attributes(*(Attribute(name, kind) for name, kind in types.items()))


def _without_the_listing(bench: Bench) -> None:
    bench.sandbox.declare_tokens(Token(TOKEN, scopes=("contact_read", "contact_write")))


def _one(bench: Bench, columns: str, *attributes: str) -> None:
    """Give the model one row of these columns, each mapped to the attribute of its name."""
    bench.table("people", f"select '{ADA}' as email, {columns}")
    bench.declare("people", {"fields": {name: name for name in ("email", *attributes)}})


def test_values_are_sent_in_the_type_that_drift_lists(bench: Bench) -> None:
    bench.sandbox.change(attribute_types="checked")
    _typed(bench, seats="STRING", price="STRING", paying="STRING", score="NUMERIC", since="DATE", seen="DATETIME")
    _typed(bench, first="NUMERIC", ticks="DATETIME", active="BOOLEAN")
    columns = (
        "7 as seats, cast(1.50 as decimal(6, 2)) as price, true as paying, ' 12.50 ' as score, "
        "date '2026-03-02' as since, timestamp '2026-03-02 01:02:03' as seen, date '2026-03-02' as first, "
        "1772413323000 as ticks, false as active"
    )
    names = ("seats", "price", "paying", "score", "since", "seen", "first", "ticks", "active")
    _one(bench, columns, *names)

    result = bench.sync()

    assert (result.status, result.reasons) == ("success", {})
    assert bench.contact(ADA) == {
        "email": ADA, "seats": "7", "price": "1.5", "paying": "true", "score": 12.5, "since": 1772409600000,
        "seen": 1772413323000, "first": 1772409600000, "ticks": 1772413323000, "active": False,
    }  # fmt: skip


def test_a_text_that_is_no_number_costs_its_row(bench: Bench) -> None:
    _typed(bench, score="NUMERIC")
    texts = [
        "n/a",
        "",
        "007",
        "1e3",
        "+5",
        "5.",
        ".5",
        "1,000",
        "NaN",
        "1\n2",
        "-0.50",
        "0",
        "-0",
        "123456789012345678901.25",
    ]
    rows = ", ".join(f"('p{number:02}@example.com', '{text}')" for number, text in enumerate(texts))
    bench.table("people", f"select * from (values {rows}, ('{ADA}', null)) as t(email, score)")
    bench.declare("people", {"fields": {"email": "email", "score": "score"}})

    result = bench.sync()

    assert result.reasons == {"not_a_number": 10}
    assert {one.attribute for one in result.rejections} == {"score"}
    found = {one.attributes["email"]: one.attributes.get("score") for one in bench.sandbox.contacts()}
    assert found == {
        "p10@example.com": -0.5, "p11@example.com": 0, "p12@example.com": 0,
        "p13@example.com": 123456789012345678901.25, ADA: None,
    }  # fmt: skip


def test_runs_that_cannot_ask_go_by_the_types_of_the_last_one_that_could(bench: Bench) -> None:
    _typed(bench, seats="STRING")
    _one(bench, "7 as seats", "seats")
    bench.sync()
    bench.requests()
    assert bench.plan().counts.sendable == 0  # it has no token

    _without_the_listing(bench)
    recorder = Recorder()
    bench.run(recorder)
    assert bench.requests() == 0
    (notice,) = recorder.notices
    assert "all_contact_read" in notice

    bench.execute("update $.people set seats = 8")
    bench.sync()
    assert bench.contact(ADA)["seats"] == "8"


def test_without_any_list_values_are_sent_as_their_columns_are(bench: Bench) -> None:
    _typed(bench, seats="STRING")
    _without_the_listing(bench)
    _one(bench, "7 as seats", "seats")

    assert bench.sync().status == "success"

    assert bench.contact(ADA)["seats"] == 7


def test_a_type_that_changes_in_drift_sends_nothing_again(bench: Bench) -> None:
    _one(bench, "7 as seats", "seats")
    bench.sync()
    assert bench.contact(ADA)["seats"] == 7
    bench.sync()  # the attribute that the first sync made is listed by now
    bench.requests()

    _typed(bench, seats="STRING")
    recorder = Recorder()
    bench.run(recorder)
    assert bench.requests() == 0
    (notice,) = recorder.notices
    assert "another type than before for seats (STRING)" in notice
    bench.run(recorder)
    assert len(recorder.notices) == 1

    bench.execute("update $.people set seats = 8")
    bench.sync()
    assert bench.contact(ADA)["seats"] == "8"


def test_a_full_refresh_sends_the_values_in_the_new_type(bench: Bench) -> None:
    _one(bench, "7 as seats", "seats")
    bench.sync()
    _typed(bench, seats="STRING")
    bench.sync(full_refresh=True)
    assert bench.contact(ADA)["seats"] == "7"
    bench.requests()
    bench.sync()
    assert bench.requests() == 0


@pytest.mark.parametrize(
    ("column", "changed", "before", "after"),
    [
        ("7", "8", "STRING", "NUMERIC"),
        ("' 2.50 '", "'2.6'", "STRING", "NUMERIC"),
        ("'2.50'", "'2.6'", "NUMERIC", "STRING"),
        ("'gold'", "'7'", "STRING", "NUMERIC"),
        ("cast(1.5 as decimal(9, 2))", "2.5", "NUMERIC", "STRING"),
        ("true", "false", "BOOLEAN", "STRING"),
    ],
)
def test_what_drift_accepted_is_known_in_either_type(
    bench: Bench, column: str, changed: str, before: AttributeType, after: AttributeType
) -> None:
    _typed(bench, x=before)
    bench.table("people", f"select '{ADA}' as email, {column} as x, 'Ada' as name")
    bench.declare("people", {"fields": {"email": "email", "name": "name", "x": "x"}})
    bench.sync()
    accepted = bench.contact(ADA)["x"]
    bench.requests()

    _typed(bench, x=after)
    assert bench.plan().counts.sendable == 0
    assert (bench.sync().status, bench.requests()) == ("success", 0)
    bench.execute("update $.people set name = 'Ada L.'")
    assert bench.sync().status == "success"
    assert bench.contact(ADA) == {"email": ADA, "name": "Ada L.", "x": accepted}
    bench.execute(f"update $.people set x = {changed}")
    bench.sync()
    assert isinstance(bench.contact(ADA)["x"], str) == (after == "STRING")
    bench.requests()
    assert (bench.sync().status, bench.requests()) == ("success", 0)


def test_a_rebuild_finds_a_value_in_the_type_that_it_was_sent_in(people: Bench) -> None:
    """A lost ledger: what Drift holds was sent before the attribute was listed."""
    people.sandbox.seed([{"email": ADA, "seats": 7, "score": "1.50"}])
    _typed(people, seats="STRING", score="NUMERIC")
    _one(people, "7 as seats, 1.5 as score", "seats", "score")
    (rebuilt,) = run_rebuild(people.prepared, people.environment, Recorder(), RunOptions())
    assert rebuilt.contacts.matched == 1
    people.requests()
    assert people.sync().rows.unchanged == 1
    assert people.requests() == 0


@pytest.mark.parametrize(
    ("column", "kind", "says"),
    [
        ("true", "NUMERIC", "is NUMERIC in Drift, and the column 'x' is boolean"),
        ("1", "BOOLEAN", "is BOOLEAN in Drift, and the column 'x' is an integer"),
        ("'yes'", "BOOLEAN", "is BOOLEAN in Drift, and the column 'x' is text"),
        ("date '2026-03-02'", "STRING", "is STRING in Drift, and the column 'x' is a date"),
        ("'soon'", "DATE", "is DATE in Drift, and the column 'x' is text"),
        ("cast('[]' as json)", "NUMERIC", "is NUMERIC in Drift, and the column 'x' is JSON"),
    ],
)
def test_a_column_that_cannot_fill_its_attribute_stops_the_run(
    people: Bench, column: str, kind: AttributeType, says: str
) -> None:
    _typed(people, x=kind)
    _one(people, f"{column} as x", "x")

    with pytest.raises(DeclarationError) as caught:
        people.sync()

    assert says in str(caught.value)
    assert "meta.drift.fields.x" in str(caught.value)
    assert people.requests() == 0


def test_a_misfit_is_remembered_too(people: Bench) -> None:
    _typed(people, x="NUMERIC")
    _one(people, "1 as x", "x")
    people.sync()
    _one(people, "true as x", "x")

    with pytest.raises(DeclarationError, match="is NUMERIC in Drift"):
        people.plan()


def test_an_attribute_that_drift_lacks_is_said_with_the_nearest_one(people: Bench) -> None:
    people.sandbox.declare_attributes(Attribute("plan_tier", "STRING", "Plan"), Attribute("cf_17", "STRING", "Segment"))
    people.table("people", f"select '{ADA}' as email, 'gold' as plan, 'a' as segment, 'x' as other")
    fields = {"email": "email", "plan_teir": "plan", "segment": "segment", "zzz": "other"}
    people.declare("people", {"fields": fields})
    recorder = Recorder()

    people.run(recorder)

    (notice,) = recorder.notices
    assert notice == (
        "Drift does not have 3 mapped attributes yet, and creates each when it is first written: "
        "meta.drift.fields.plan_teir of people (Did you mean `plan_tier`?); "
        "meta.drift.fields.segment of people (Did you mean `cf_17`?); "
        "meta.drift.fields.zzz of people. `dbt-drift attributes` lists them all."
    )
    assert people.contact(ADA)["plan_teir"] == "gold"
    again = Recorder()
    people.run(again)
    assert again.notices == []


def test_a_thousand_attributes_that_drift_lacks_are_one_line(people: Bench) -> None:
    columns = [f"attr_{number}" for number in range(60)]
    people.table("people", f"select '{ADA}' as email, " + ", ".join(f"'x' as {column}" for column in columns))
    people.declare("people", {"fields": {"email": "email", **{column: column for column in columns}}})
    recorder = Recorder()

    people.run(recorder)

    (notice,) = recorder.notices
    assert "60 mapped attributes" in notice
    assert "meta.drift.fields.attr_4 of people; 55 more." in notice


def test_the_settings_can_refuse_it(people: Bench) -> None:
    _one(people, "'gold' as plan", "plan")
    strict = msgspec.structs.replace(people.prepared, settings=Settings(unknown_attributes="error"))

    with (
        DriftClient(people.sandbox.url, AccessToken(TOKEN)) as client,
        pytest.raises(DeclarationError, match="Drift has no attribute 'plan'"),
    ):
        make_plans(strict, rows=0, client=client)


def test_drift_is_asked_once_a_run_and_only_about_custom_attributes(people: Bench) -> None:
    people.run()
    assert people.sandbox.requests(path=LISTING) == []

    people.table("others", f"select '{BOB}' as email, 1 as seats, 'Bob' as alias")
    people.table("people", f"select '{ADA}' as email, 'gold' as plan")
    people.declare("people", {"fields": {"email": "email", "plan": "plan"}})
    people.declare("others", {"fields": {"email": "email", "seats": "seats", "alias": "alias"}})
    people.run()
    assert len(people.sandbox.requests(path=LISTING)) == 1


# The commands


def test_attributes_lists_both_sides(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.declare_attributes(Attribute("plan_tier", "STRING", "Plan"))
    people.table("people", f"select '{ADA}' as email, 'gold' as plan, 1 as seats")
    people.declare("people", {"fields": {"email": "email", "plan_tier": "plan", "seats": "seats"}})

    shown = dbt_drift("attributes", *project_of(people), environment=people.environment)
    document = dbt_drift("attributes", "--output", "json", *project_of(people), environment=people.environment)

    assert shown.code == 0, shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert lines[0] == ["attribute", "type", "label", "filled", "by"]
    assert ["plan_tier", "STRING", "Plan", "people.plan"] in lines
    assert ["age", "NUMERIC", "age"] in lines
    assert lines[-1] == ["seats", "(not", "listed)", "people.seats"]
    found: dict[str, Any] = {entry["name"]: entry for entry in json.loads(document.out)["attributes"]}
    writer = {"unique_id": "model.bench.people", "name": "people", "column": "plan"}
    assert found["plan_tier"] == {"name": "plan_tier", "label": "Plan", "type": "STRING", "mapped_by": [writer]}
    assert (found["seats"]["type"], found["city"]["mapped_by"]) == (None, [])


def test_attributes_names_the_missing_scope(people: Bench, dbt_drift: CommandLine) -> None:
    _without_the_listing(people)

    done = dbt_drift("attributes", *project_of(people), environment=people.environment)

    assert (done.code, done.out) == (2, "")
    assert "needs the scope all_contact_read" in done.err


def test_check_and_plan_compare_where_they_have_a_token(people: Bench, dbt_drift: CommandLine) -> None:
    _one(people, "'gold' as plan", "plan")

    checked = dbt_drift("check", *project_of(people), environment=people.environment)
    planned = dbt_drift("plan", *project_of(people), environment=people.environment)
    alone = dbt_drift("plan", *project_of(people))

    assert (checked.code, planned.code, alone.code) == (0, 0, 0)
    assert "warn  Drift does not have 1 mapped attribute yet" in checked.out
    assert "meta.drift.fields.plan of people" in checked.out
    assert "WARN Drift does not have 1 mapped attribute yet" in planned.err
    assert "Drift does not have" not in alone.err
    assert planned.out == alone.out

    _typed(people, plan="BOOLEAN")
    for command in ("check", "plan", "sync"):
        done = dbt_drift(command, *project_of(people), environment=people.environment)
        assert (done.code, "is BOOLEAN in Drift" in done.err) == (2, True), command


def test_a_missing_scope_is_said_once_and_stops_nothing(people: Bench, dbt_drift: CommandLine) -> None:
    _without_the_listing(people)
    _one(people, "'gold' as plan", "plan")

    for command in ("check", "plan", "sync"):
        done = dbt_drift(command, *project_of(people), environment=people.environment)
        assert done.code == 0, done.err
        assert (done.out + done.err).count("did not list its attributes") == 1, command
        assert "all_contact_read" in done.out + done.err
