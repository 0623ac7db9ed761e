"""Values arrive as they are, whatever the session's settings, the collation of a column, and the names of things."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Bench, ParsedProject

ADA = "ada@example.com"

# What people set on roles and databases.
_SETTINGS = {
    "TimeZone": ["UTC", "Asia/Tokyo", "America/St_Johns"],
    "DateStyle": ["ISO, MDY", "SQL, DMY", "German"],
    "IntervalStyle": ["postgres", "postgres_verbose", "sql_standard", "iso_8601"],
    "extra_float_digits": ["-15", "0", "1", "3"],
    "bytea_output": ["hex", "escape"],
    "lc_monetary": ["C", "C.UTF-8"],
    "standard_conforming_strings": ["on", "off"],
}
_VALUES = {
    "ratio": "0.1::float8 + 0.2",
    "ratio_as_real": "0.1::real",
    "ratios": "array[0.1::float8 + 0.2, 1e-7]",
    "span": "interval '1 day 2:03:04.5'",
    "spans": "array[interval '3 days']",
    "moment": "timestamptz '2026-03-02 01:02:03.999999+00'",
    "moments": "array[timestamptz '2026-03-02 01:02:03.999999+00']",
    "stay": "tstzrange('2026-03-02 00:00+00', '2026-03-03 00:00+00')",
    "stays": "array[tsrange('2026-03-02 00:00', '2026-03-03 00:00')]",
    "days": "array[date '2026-03-02']",
    "nights": "daterange('2026-03-02', '2026-03-03')",
    "bytes": "array['\\xdeadbeef'::bytea]",
    "prices": "array['12.34'::money]",
    "clock": "timetz '12:30+02'",
    "words": "'a\\b'",
}


@pytest.fixture
def role(postgres_project: ParsedProject) -> Iterator[Any]:
    """Settings of the role that dbt-drift connects as; the test's own connections have them too."""
    warehouse = postgres_project.warehouse

    def alter(chosen: dict[str, str]) -> None:
        warehouse.execute("alter role current_user reset all")
        for name, value in chosen.items():
            warehouse.execute(f"alter role current_user set {name} = '{value}'")

    yield alter
    alter({})


@pytest.mark.parametrize("parsed", ["postgres"], indirect=True)
def test_a_roles_settings_decide_nothing(bench: Bench, role: Any) -> None:
    columns = ", ".join(f"{sql} as {name}" for name, sql in _VALUES.items())
    bench.table("people", f"select '{ADA}' as email, {columns}, 'a\\b' as tag")
    bench.declare(
        "people",
        {
            "fields": {"email": "email"} | {f"a_{name}": name for name in _VALUES},
            "audiences": [{"tag_from": "tag", "mode": "mirror"}],
        },
    )
    bench.sync()
    plain = bench.contact(ADA)
    assert plain["a_ratio"] == 0.1 + 0.2
    assert json.loads(plain["a_ratios"]) == [0.1 + 0.2, 1e-7]
    assert json.loads(plain["a_moments"]) == ["2026-03-02T01:02:03.999999+00:00"]
    assert (plain["a_span"], plain["a_words"]) == ("1 day 02:03:04.5", "a\\b")
    assert bench.tags(ADA) == {"a\\b"}

    chosen = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in _SETTINGS.items()})

    @settings(max_examples=6, deadline=None, phases=[Phase.generate])
    @given(chosen=chosen)
    def hold(chosen: dict[str, str]) -> None:
        role(chosen)
        bench.forget_project()
        assert bench.plan().changes == []
        assert bench.sync().requests == 0

    hold()
    worst = {name: values[-1] for name, values in _SETTINGS.items()} | {"extra_float_digits": "-15"}
    role(worst)
    bench.sandbox.reset("contacts")
    bench.forget_project()
    bench.sync(full_refresh=True)
    assert bench.contact(ADA) == plain


@pytest.mark.parametrize("parsed", ["postgres"], indirect=True)
def test_the_last_digit_of_a_float_is_a_change(bench: Bench, role: Any) -> None:
    role({"extra_float_digits": "0"})
    bench.table("people", f"select '{ADA}' as email, 0.1::float8 as ratio")
    bench.declare("people", {"fields": {"email": "email", "ratio": "ratio"}})
    bench.sync()
    bench.table("people", f"select '{ADA}' as email, 0.10000000000000002::float8 as ratio")
    bench.sync()
    assert bench.contact(ADA)["ratio"] == 0.10000000000000002


@pytest.mark.parametrize("parsed", ["postgres"], indirect=True)
def test_money_has_to_be_cast(bench: Bench) -> None:
    bench.table("people", f"select '{ADA}' as email, '12.34'::money as price")
    bench.declare("people", {"fields": {"email": "email", "price": "price"}})
    with pytest.raises(Exception, match=r"price[\s\S]*money[\s\S]*Cast it"):
        bench.plan()


_NOT_FINITE = {
    "duckdb": [
        "[1.5, 'nan'::double]",
        "['inf'::double]",
        "{'a': '-inf'::float}",
        "map {'k': ['nan'::double]}",
        "cast('[1, NaN]' as json)",
    ],
    "postgres": [
        "array[1.5, 'NaN']::float8[]",
        "array['Infinity']::real[]",
        "array[array[1], array['NaN']]::numeric[]",
    ],
}
_FINITE = {
    "duckdb": ["""['NaN', 'a"', 'Infinity"']""", "{'NaN': 1}", """cast('["NaN"]' as json)"""],
    "postgres": ["array['NaN', '\"']", "'[\"NaN\"]'::jsonb", "array['a\"NaN']::varchar[]"],
}


def test_what_json_has_no_number_for_costs_its_row_in_a_list_too(bench: Bench) -> None:
    kind = bench.warehouse.kind
    for number, sql in enumerate(_NOT_FINITE[kind]):
        bench.table(f"bad{number}", f"select 'b{number}@example.com' as email, {sql} as scores")
        bench.declare(f"bad{number}", {"fields": {"email": "email", f"bad{number}": "scores"}})
    for number, sql in enumerate(_FINITE[kind]):
        bench.table(f"good{number}", f"select 'g{number}@example.com' as email, {sql} as scores")
        bench.declare(f"good{number}", {"fields": {"email": "email", f"good{number}": "scores"}})

    results = {result.name: result for result in bench.run().results}

    for number, sql in enumerate(_NOT_FINITE[kind]):
        assert (results[f"bad{number}"].reasons, results[f"bad{number}"].rows.sent) == ({"not_finite": 1}, 0), sql
    for number, sql in enumerate(_FINITE[kind]):
        assert results[f"good{number}"].status == "success", sql
        json.loads(bench.contact(f"g{number}@example.com")[f"good{number}"])


@pytest.mark.parametrize("parsed", ["duckdb"], indirect=True)
def test_nanoseconds_are_cut(bench: Bench) -> None:
    moments = [
        ("2024-02-29 01:02:03.999999999", 1709168523999),
        ("1969-12-31 23:59:59.999999999", -1),
        ("1969-12-31 23:59:59.000000001", -1000),
        ("1970-01-01 00:00:00.000999999", 0),
    ]
    rows = ", ".join(f"('p{number}@example.com', timestamp_ns '{at}')" for number, (at, _) in enumerate(moments))
    bench.table("people", f"select * from (values {rows}) as t(email, seen)")
    bench.declare("people", {"fields": {"email": "email", "seen_at": "seen"}})
    bench.sync()
    for number, (_, expected) in enumerate(moments):
        assert bench.contact(f"p{number}@example.com")["seen_at"] == expected


@pytest.mark.parametrize("value", ["{'a': $}", "[$]", "map {'k': {'a': $}}"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("12345678901234567890.5::decimal(38, 4)", "12345678901234567890.6::decimal(38, 4)"),
        ("170141183460469231731687303715884105727::hugeint", "170141183460469231731687303715884105726::hugeint"),
    ],
)
@pytest.mark.parametrize("parsed", ["duckdb"], indirect=True)
def test_digits_are_kept_in_what_is_nested(bench: Bench, value: str, first: str, second: str) -> None:
    for digits in (first, second):
        bench.table("people", f"select '{ADA}' as email, {value.replace('$', digits)} as nested")
        bench.declare("people", {"fields": {"email": "email", "nested": "nested"}})
        assert bench.sync().contacts.matched == 0
        assert digits.partition("::")[0] in bench.contact(ADA)["nested"]


@pytest.mark.parametrize("parsed", ["duckdb"], indirect=True)
def test_json_is_sent_as_it_is_written_and_refused_where_duckdb_would_round_it(bench: Bench) -> None:
    written = '{"a":  12345678901234567890.5}'
    rows = f"(1, '{written}'), (2, '{{\"a\": 1.5}}')"
    bench.table(
        "people",
        f"select 'p' || i || '@example.com' as email, cast(j as json) as plain, "
        f"[cast(j as json)] as listed from (values {rows}) as t(i, j)",
    )
    bench.declare("people", {"fields": {"email": "email", "plain": "plain"}})
    bench.sync()
    assert bench.contact("p1@example.com")["plain"] == written

    bench.declare("people", {"fields": {"email": "email", "plain": "plain", "listed": "listed"}})
    result = bench.sync()
    assert [(bad.reason, bad.attribute) for bad in result.rejections] == [("not_exact", "listed")]
    assert bench.contact("p2@example.com")["listed"] == '[{"a":1.5}]'


# Collations


def test_texts_are_compared_byte_by_byte_whatever_the_collation(bench: Bench) -> None:
    if bench.warehouse.kind == "postgres":
        bench.execute(
            'create collation $.anycase (provider = icu, locale = "und-u-ks-level2", deterministic = false)'.replace(
                '"', "'"
            )
        )
    collated = "collate nocase" if bench.warehouse.kind == "duckdb" else f"collate {bench.schema}.anycase"
    bench.execute(
        f"create table $.people (id varchar {collated}, name varchar {collated}, kind varchar {collated}, "
        f"words varchar {collated}, mail varchar {collated})"
    )
    bench.execute(
        "insert into $.people values ('a1', 'Ann', 'Gold', 'x', 'a@x.com'), ('A1', 'Ann', 'gold', 'x', 'b@x.com')"
    )
    bench.declare(
        "people",
        {
            "match_on": "externalId",
            "fields": {"externalId": "id", "email": "mail", "name": "name", "words": "words"},
            "audiences": [{"tag_from": "kind", "mode": "mirror"}],
        },
    )
    with pytest.raises(Exception, match=r"names the tag 'gold', which is already declared"):
        bench.sync()  # they are two tags, which differ only in case
    bench.execute("update $.people set kind = 'silver' where kind = 'gold'")
    bench.forget_project()
    first = bench.sync()
    assert (first.rows.sent, first.reasons) == (2, {})
    found = {str(one.attributes["externalId"]): one for one in bench.sandbox.contacts()}
    assert set(found) == {"a1", "A1"}

    bench.execute("update $.people set name = 'ANN', words = 'X'")
    assert bench.sync().contacts.updated == 2
    assert {one.attributes["name"] for one in bench.sandbox.contacts()} == {"ANN"}


@pytest.mark.parametrize("parsed", ["duckdb"], indirect=True)
def test_a_collation_and_an_order_of_the_profile_decide_nothing(bench: Bench) -> None:
    profile = bench.project / "profiles.yml"
    before = profile.read_text()
    profile.write_text(
        before.replace("type: duckdb", "type: duckdb\n      settings: {default_collation: nocase, default_order: desc}")
    )
    try:
        bench.table(
            "people",
            "select id, coalesce(hex(id), 'none') || '@x.com' as mail, 'Ann' as name "
            "from (select unnest(['a1', 'A1', null]) as id)",
        )
        fields = {"externalId": "id", "email": "mail", "name": "name"}
        bench.declare("people", {"match_on": "externalId", "fields": fields})
        assert bench.sync().rows.sent == 2
        # The sync's connection sets the collation of the whole file, and the test has the file open too.
        bench.execute("update $.people set name = 'ANN' where hex(id) = hex('A1')")
        assert bench.sync().contacts.updated == 1
        assert bench.sync().requests == 0
    finally:
        profile.write_text(before)
