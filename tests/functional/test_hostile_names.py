"""Names with anything in them: columns, models, schemas, tags, attributes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dbt_drift.binding.prepare import prepare
from dbt_drift.operations.adopt import adopt
from dbt_drift.project.gateway import DbtProject
from dbt_drift.project.options import ProjectOptions

if TYPE_CHECKING:
    from tests.support.harness import Bench

INJECTED = "email\" || (select 'INJECTED') || \"email"
NAMES = {
    "mail": 'e"mail',
    "name": INJECTED,
    "plan": "pl'an; --",
    "seats": "seats %s {{ 1 }}",
    "vip": '"vip"',
    "kind": "ki''nd\\",
    "amount": 'a""b',
    "listed": "l\"i's.t",
}
ADA = "ada@example.com"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns() -> str:
    values = {
        "mail": f"'{ADA}'", "name": "'Ada'", "plan": "'gold'", "seats": "3", "vip": "true", "kind": "'o''clock'",
        "amount": "cast(1.50 as decimal(6, 2))", "listed": "1.5",
    }  # fmt: skip
    return ", ".join(f"{value} as {_quoted(NAMES[name])}" for name, value in values.items())


DRIFT = {
    "fields": {
        "email": NAMES["mail"],
        "name": NAMES["name"],
        "pl'an": NAMES["plan"],
        'se"ats': NAMES["seats"],
        "amount": NAMES["amount"],
        "listed": NAMES["listed"],
    },
    "audiences": [
        {"tag": "V'I\"P", "mode": "mirror", "when": NAMES["vip"]},
        {"tag_from": NAMES["kind"], "mode": "mirror", "when": NAMES["vip"]},
    ],
}


def _rename(bench: Bench, schema: str, model: str, ledger: str) -> None:
    """Give the bench's only model a relation, and the project a ledger, of these names."""
    bench.warehouse.execute(f"create schema {_quoted(schema)}")
    bench.warehouse.execute(f"create table {_quoted(schema)}.{_quoted(model)} as select {_columns()}")
    bench.declare("people", DRIFT)
    path = bench.target / "manifest.json"
    manifest = json.loads(path.read_text())
    (node,) = (one for one in manifest["nodes"].values() if one["name"] == "people")
    node |= {"schema": schema, "alias": model, "relation_name": f"{_quoted(schema)}.{_quoted(model)}"}
    node["config"] |= {"schema": schema, "alias": model}
    path.write_text(json.dumps(manifest))
    bench.ledger = ledger
    bench.forget_project()


def test_names_with_quotes_are_names(bench: Bench) -> None:
    schema, model = f'{bench.schema} it\'s "mine"', "dim\"con'tacts; drop --"
    _rename(bench, schema, model, f"{bench.schema}\"s led'ger")
    relation = f"{_quoted(schema)}.{_quoted(model)}"

    plan = bench.plan()
    assert plan.changes[0].attributes["name"] == ("null", '"Ada"')
    first = bench.sync()
    assert (first.status, first.contacts.created) == ("success", 1)
    assert bench.contact(ADA) == {
        "email": ADA, "name": "Ada", "pl'an": "gold", 'se"ats': 3, "amount": 1.5, "listed": 1.5,
    }  # fmt: skip
    assert bench.tags(ADA) == {"V'I\"P", "o'clock"}
    assert bench.sync().requests == 0

    bench.warehouse.execute(
        f"update {relation} set {_quoted(NAMES['name'])} = 'Ada L.', {_quoted(NAMES['vip'])} = false"
    )
    bench.forget_project()
    assert bench.sync(max_removals=9).contacts.tags_removed == 2
    assert (bench.contact(ADA)["name"], bench.tags(ADA)) == ("Ada L.", set())
    assert adopt(prepare(bench.options()), "people", "V'I\"P", members="people", column=NAMES["mail"]) == 1

    bench.warehouse.execute(f"insert into {relation} select * from {relation}")
    bench.forget_project()
    doubled = bench.sync(full_refresh=True)
    assert doubled.reasons == {"duplicate_key": 2}


def test_the_generic_tests_take_any_name(bench: Bench) -> None:
    """A column that dbt has quoted already, as it does for `quote: true`, is the same column."""
    bench.warehouse.execute(f"create table {bench.schema}.people as select {_columns()}")
    project = DbtProject.load(ProjectOptions(project_dir=str(bench.project), profiles_dir=str(bench.project)))
    relation = f"{bench.schema}.people"
    with project.connect("tests") as session:
        for column in (NAMES["mail"], f'"{NAMES["mail"]}"'):
            for name in ("valid_contact_email", "unique_contact_key"):
                sql = session.call(f"test_{name}", model=relation, column_name=column)
                assert list(session.rows(sql)) == [], name
        sql = session.call("test_finite_number", model=relation, column_name=NAMES["amount"])
        assert list(session.rows(sql)) == []


def test_a_schema_is_not_taken_for_one_that_looks_like_it(bench: Bench) -> None:
    """dbt looks for a schema's tables with a pattern, in which an underscore is any character."""
    project = DbtProject.load(ProjectOptions(project_dir=str(bench.project), profiles_dir=str(bench.project)))
    bench.warehouse.execute(f"create schema {bench.schema}_drift")
    bench.warehouse.execute(f"create schema {bench.schema}xdrift")
    bench.warehouse.execute(f"create table {bench.schema}xdrift.other__journal as select 1 as x")
    with project.connect("tables") as session, session.transaction():
        assert session.tables(project.database, f"{bench.schema}_drift") == []
