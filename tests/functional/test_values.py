"""What Drift receives for each type of column: the rules of docs/reference/values.md, the same on every warehouse."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.ledger.bound_sync import state_column
from dbt_drift.ledger.wire import to_display, to_json

if TYPE_CHECKING:
    from tests.support.harness import Bench, ParsedProject

_ABSENT = object()

# Column expression, and what Drift receives. The expressions are those that both engines take.
SAME_SQL: dict[str, tuple[str, Any]] = {
    "null": ("cast(null as varchar)", _ABSENT),
    "empty": ("''", ""),
    "blanks": ("'  kept  '", "  kept  "),
    "scripts": ("'Ωmega 北京 Łódź שלום'", "Ωmega 北京 Łódź שלום"),
    "emoji": ("'👩‍💻'", "👩‍💻"),
    "quotes": ("'it''s \"quoted\"'", 'it\'s "quoted"'),
    "leading_quote": ("'\"first'", '"first'),
    "backslash": ("'a\\b'", "a\\b"),
    "lines": ("'one\ntwo\r\n\tthree'", "one\ntwo\r\n\tthree"),
    "number_like": ("'007'", "007"),
    "true_like": ("'true'", "true"),
    "small": ("cast(-7 as smallint)", -7),
    "big": ("cast(9007199254740993 as bigint)", 9007199254740993),
    "trailing_zeros": ("cast(1.50 as decimal(10, 2))", 1.5),
    "hundred": ("cast(100 as decimal(10, 2))", 100),
    "zero": ("cast(0 as decimal(10, 2))", 0),
    "negative": ("cast(-0.05 as decimal(10, 2))", -0.05),
    "exact": ("cast(12345678901234567890.123456789 as decimal(38, 9))", Decimal("12345678901234567890.123456789")),
    "longest": (f"cast({'9' * 38} as decimal(38, 0))", 10**38 - 1),
    "ratio": ("cast(0.2500 as decimal(4, 4))", 0.25),
    "negative_ratio": ("cast(-0.05 as decimal(4, 4))", -0.05),
    "no_ratio": ("cast(0 as decimal(4, 4))", 0),
    "half": ("cast(0.5 as double precision)", 0.5),
    "whole_float": ("cast(-2 as double precision)", -2),
    "long_float": ("cast(4503599627370497 as double precision)", 4503599627370497),
    "real": ("cast(1000000 as real)", 1000000),
    "tiny": ("cast(1e-7 as double precision)", 1e-7),
    "huge": ("cast(1e20 as double precision)", 1e20),
    "yes": ("true", True),
    "no": ("false", False),
    "null_flag": ("cast(null as boolean)", _ABSENT),
    "day": ("date '2024-02-29'", 1709164800000),
    "old_day": ("date '1969-12-31'", -86400000),
    "far_day": ("date '1970-01-01' + 200000000", 200000000 * 86400000),
    "moment": ("timestamp '2024-02-29 12:30:15.678'", 1709209815678),
    "microseconds": ("timestamp '2024-02-29 12:30:15.678999'", 1709209815678),
    "old_moment": ("timestamp '1969-12-31 23:59:59.5'", -500),
    "zoned": ("cast('2024-02-29 12:30:15+02:00' as timestamp with time zone)", 1709202615000),
    "null_moment": ("cast(null as timestamp)", _ABSENT),
    "identifier": ("cast('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' as uuid)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "clock": ("time '12:30:00'", "12:30:00"),
}

JSON_SQL: dict[str, dict[str, tuple[str, Any]]] = {
    "duckdb": {
        "object": ("""cast('{"b": 1, "a": [true, null]}' as json)""", {"b": 1, "a": [True, None]}),
        "json_null": ("cast('null' as json)", _ABSENT),
        "list": ("['x', 'y']", ["x", "y"]),
        "struct": ("{'k': 1}", {"k": 1}),
        "map": ("map {'k': 1}", {"k": 1}),
        "vector": ("cast([1, 2] as integer[2])", [1, 2]),
        "huge_whole": ("cast(170141183460469231731687303715884105727 as hugeint)", 2**127 - 1),
        "nanoseconds": ("timestamp_ns '2024-02-29 12:30:15.678123456'", 1709209815678),
        "choice": ("cast('[b]' as enum('[a]', '[b]'))", "[b]"),
        "span": ("interval 3 days", "3 days"),
    },
    "postgres": {
        "object": ("""cast('{"b": 1, "a": [true, null]}' as json)""", {"b": 1, "a": [True, None]}),
        "binary": ("""cast('{"b": 1}' as jsonb)""", {"b": 1}),
        "json_null": ("cast('null' as jsonb)", _ABSENT),
        "list": ("array['x', 'y']", ["x", "y"]),
        "padded": ("cast('ab' as char(5))", "ab"),
        "whole_range": ("int4range(1, 5)", "[1,5)"),
        "day_range": ("daterange('2024-01-01', '2024-01-03')", "[2024-01-01,2024-01-03)"),
        "span": ("interval '3 days'", "3 days"),
    },
}


def test_every_type_has_its_rule(bench: Bench) -> None:
    cases = SAME_SQL | JSON_SQL[bench.warehouse.kind]
    columns = ", ".join(f"{sql} as {name}" for name, (sql, _) in cases.items())
    bench.table("people", f"select 'ada@example.com' as email, {columns}")
    bench.declare("people", {"fields": {"email": "email"} | {f"a_{name}": name for name in cases}})

    assert bench.sync().rows.sent == 1

    held = bench.contact("ada@example.com")
    for name, (_, expected) in cases.items():
        value = held.get(f"a_{name}", _ABSENT)
        if isinstance(expected, (dict, list)):
            # Documented: attributes are flat. What is nested travels as JSON text.
            assert isinstance(value, str), name
            assert json.loads(value) == expected, name
        elif isinstance(expected, Decimal):
            assert value == pytest.approx(float(expected)), name
        else:
            assert value == expected, name
            assert isinstance(value, bool) == isinstance(expected, bool), name


def test_standard_attributes_are_strings_whatever_their_column(bench: Bench) -> None:
    bench.table(
        "people", "select 'ada@example.com' as email, cast(41 as bigint) as id, cast(2.50 as decimal(9, 2)) as n"
    )
    bench.declare("people", {"fields": {"email": "email", "externalId": "id", "name": "n"}})
    bench.sync()
    assert bench.contact("ada@example.com") == {"email": "ada@example.com", "externalId": "41", "name": "2.5"}


def test_the_digits_of_a_number_are_never_rounded(bench: Bench) -> None:
    bench.table(
        "people",
        "select 'ada@example.com' as email, cast(9223372036854775807 as bigint) as whole, "
        "cast(12345678901234567890.123456789 as decimal(38, 9)) as fraction",
    )
    bench.declare("people", {"fields": {"email": "email", "whole": "whole", "fraction": "fraction"}})
    attributes = bench.plan().changes[0].attributes
    assert attributes["whole"] == ("null", "9223372036854775807")
    assert attributes["fraction"] == ("null", "12345678901234567890.123456789")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_costs_its_row_and_no_other(bench: Bench, value: str) -> None:
    bench.table(
        "people",
        f"select 'bad@example.com' as email, cast('{value}' as double precision) as score "
        "union all select 'good@example.com', 1.5",
    )
    bench.declare("people", {"fields": {"email": "email", "fit_score": "score"}})

    result = bench.sync()

    assert (result.status, result.rows.sent, result.rows.invalid) == ("warn", 1, 1)
    assert [(bad.reason, bad.attribute) for bad in result.rejections] == [("not_finite", "fit_score")]
    assert bench.contact("good@example.com")["fit_score"] == 1.5


def test_infinite_dates_cost_their_row_and_no_other(bench: Bench) -> None:
    bench.table(
        "people",
        "select 'a@example.com' as email, cast('infinity' as timestamp) as at, date '2024-01-01' as day "
        "union all select 'b@example.com', timestamp '2024-01-01 00:00:00', cast('-infinity' as date) "
        "union all select 'c@example.com', timestamp '2024-01-01 00:00:00', date '2024-01-01'",
    )
    bench.declare("people", {"fields": {"email": "email", "seen_at": "at", "born": "day"}})
    result = bench.sync()
    assert (result.rows.sent, result.reasons) == (1, {"not_finite": 2})


def test_a_type_that_drift_has_no_value_for_is_refused(bench: Bench) -> None:
    kind = "blob" if bench.warehouse.kind == "duckdb" else "bytea"
    bench.table("people", f"select 'ada@example.com' as email, cast('x' as {kind}) as photo")
    bench.declare("people", {"fields": {"email": "email", "photo": "photo"}})
    with pytest.raises(Exception, match=r"people[\s\S]*photo[\s\S]*Cast it to text"):
        bench.plan()


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
_ROW = st.fixed_dictionaries(
    {
        "words": st.none() | _TEXT,
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "amount": st.none() | st.decimals(-(10**12), 10**12, allow_nan=False, places=4),
        "ratio": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)),
        "at": st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    }
)
_TYPES = {
    "words": "varchar", "whole": "bigint", "amount": "decimal(20, 4)", "ratio": "double precision",
    "flag": "boolean", "day": "date", "at": "timestamp",
}  # fmt: skip
_EPOCH = dt.datetime(1970, 1, 1)


def _literal(value: Any, kind: str) -> str:
    text = str(value).replace("'", "''")
    return f"cast(null as {kind})" if value is None else f"cast('{text}' as {kind})"


def _rule(value: Any) -> Any:
    """The stated rules once more, independent of the SQL."""
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // dt.timedelta(milliseconds=1)
    if isinstance(value, dt.date):
        return (value - _EPOCH.date()).days * 86_400_000
    return value


def test_any_value_follows_its_rule(bench: Bench) -> None:
    columns = ", ".join(f"{_literal(None, kind)} as {name}" for name, kind in _TYPES.items())
    bench.table("people", f"select cast('x' as varchar) as email, {columns} where false")
    bench.declare("people", {"fields": {"email": "email"} | {f"a_{name}": name for name in _TYPES}})
    numbers = itertools.count()

    # No shrinking: each example is a round in a real warehouse.
    @settings(max_examples=10, phases=[Phase.generate])
    @given(drawn=st.lists(_ROW, min_size=5, max_size=30))
    def hold(drawn: list[dict[str, Any]]) -> None:
        rows = {f"p{next(numbers)}@example.com": row for row in drawn}
        values = ", ".join(
            f"('{email}', {', '.join(_literal(row[name], kind) for name, kind in _TYPES.items())})"
            for email, row in rows.items()
        )
        people = f"{bench.schema}.people"
        bench.warehouse.execute(f"delete from {people}; insert into {people} values {values}")

        plan = bench.plan(rows=len(rows))

        sent = {
            change.key: {
                # Engines pick other digits for one float; all others are compared digit by digit.
                name.removeprefix("a_"): json.loads(wanted, parse_float=float if name == "a_ratio" else Decimal)
                for name, (_, wanted) in change.attributes.items()
                if name != "email"
            }
            for change in plan.changes
        }
        assert sent == {
            email: {name: _rule(value) for name, value in row.items() if value is not None}
            for email, row in rows.items()
        }

    hold()


@given(_TEXT)
def test_wire_text_of_a_string_is_the_string(text: str) -> None:
    assert to_json('"' + text) == text
    assert json.loads(to_display('"' + text)) == text


@given(st.lists(_TEXT, unique=True, max_size=30))
def test_no_two_attributes_share_a_column(names: list[str]) -> None:
    columns = [state_column("attr", name) for name in names]
    assert len(set(columns)) == len(columns)
    assert all(len(f"old_{column}") <= 63 for column in columns)


def test_both_warehouses_send_the_same_bytes(duckdb_project: ParsedProject, postgres_project: ParsedProject) -> None:
    """The snapshot's wire text is what is sent: it may not depend on the engine."""
    texts = []
    for parsed in (duckdb_project, postgres_project):
        columns = ", ".join(f"{sql} as {name}" for name, (sql, _) in SAME_SQL.items())
        texts.append(_wire_texts(parsed, columns))
    assert texts[0] == texts[1]


def _wire_texts(parsed: ParsedProject, columns: str) -> dict[str, Any]:
    from dbt_drift.project.gateway import DbtProject  # noqa: PLC0415 - one use
    from dbt_drift.project.options import ProjectOptions  # noqa: PLC0415 - one use

    parsed.warehouse.execute("create schema if not exists wires")
    parsed.warehouse.execute("drop table if exists wires.wires")
    parsed.warehouse.execute(f"create table wires.wires as select {columns}")
    project = DbtProject.load(ProjectOptions(project_dir=str(parsed.folder), profiles_dir=str(parsed.folder)))
    with project.connect("wires") as session:
        place = {"database": project.database, "schema": "wires", "identifier": "wires"}
        found = session.call("model_columns", sync=place)
        wires = [session.call("wire", attribute={"column": column["name"], "kind": column["kind"]}) for column in found]
        (row,) = session.rows(f"select {', '.join(wires)} from wires.wires")
    return dict(zip([column["name"] for column in found], row, strict=True))
