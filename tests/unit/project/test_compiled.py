"""What a file says outside of Jinja has to stand in the SQL that was run."""

from __future__ import annotations

import pytest

from dbt_drift.project.compiled import could_come_from

INCREMENTAL = """
{{ config(materialized='incremental', meta={'drift': {'fields': {'email': 'email'}}}) }}
{% set day = 1 %}{% set block %}select nothing{% endset %}
select email, {# a note #} plan
from {{ ref('people') }}
{%- if is_incremental() %} where day > {{ day }} {% else %} where true {% endif %}
order by 1
"""
RAN = 'select email,  plan\nfrom "b"."dev"."people" where day > 1 \norder by 1'


@pytest.mark.parametrize(
    ("source", "compiled", "could"),
    [
        ("select 1 as email\n", "select 1 as email", True),
        ("select  1\n as email", "select 1 as email", True),
        ("select 2 as email", "select 1 as email", False),
        ("select 1 as email", "select 1 as email where true", False),
        ("select 1 as email where true", "select 1 as email", False),
        (INCREMENTAL, RAN, True),
        (INCREMENTAL, RAN.replace(" where day > 1", ""), True),
        (INCREMENTAL.replace("plan", "plan, seats"), RAN, False),
        (INCREMENTAL + "limit 5", RAN, False),
        (INCREMENTAL.replace("a note", "another note"), RAN, True),
        ("select {{ a }}, b from {{ c }} where d", "select x, b from y where d", True),
        ("select {{ a }}, b, e from {{ c }} where d", "select x, b from y where d", False),
        ("{% raw %}{{ kept }}{% endraw %}", "{{ kept }}", True),
        ("{% raw %}{{ kept }}{% endraw %}", "{{ left }}", False),
        # dbt puts ephemeral models into the midst of the SQL; and what is no Jinja, nobody can read.
        (
            "with a as (select 1) select * from {{ ref('e') }}",
            "with __dbt__cte__e as (x), a as (select 1) select",
            True,
        ),
        ("select {{ a", "select 1", True),
    ],
)
def test_could_come_from(source: str, compiled: str, *, could: bool) -> None:
    assert could_come_from(source, compiled) is could
