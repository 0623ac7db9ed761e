{#- JSON text of a nested value: object, array, list, struct, map. It is sent as a string: Drift documents that attributes are
    flat. A JSON null is no value. -#}
{% macro postgres__json_text(column) %}nullif(to_jsonb({{ column }})::text, 'null'){% endmacro %}
{#- A JSON column keeps its text: DuckDB's own functions would round its numbers. -#}
{% macro duckdb__json_text(column) -%}
  nullif(case when typeof({{ column }}) = 'JSON' then trim(cast({{ column }} as varchar), ' {{ "\t\r\n" }}')
              else cast(to_json({{ column }}) as varchar) end, 'null') collate c
{%- endmacro %}


{#- The wire text of a nested value: a string, unless JSON cannot represent it. NaN and the infinities are spelled out, and a
    number that JSON would round becomes `inexact`; both reject the row. -#}
{% macro default__json_wire(column) %}'"' || {{ adapter.dispatch('json_text', 'dbt_drift')(column) }}{% endmacro %}

{#- Postgres writes NaN and the infinities as texts, the only texts in an array of numbers. -#}
{% macro postgres__json_wire(column) -%}
  {%- set json = dbt_drift.postgres__json_text(column) -%}
  case when pg_typeof({{ column }})::text in ('double precision[]', 'real[]', 'numeric[]') and strpos({{ json }}, '"') > 0
       then 'NaN' else '"' || {{ json }} end
{%- endmacro %}

{#- DuckDB writes them as invalid JSON, outside of strings. It rounds the numbers of JSON nested in another type, and those of a
    variant: some digits of the value are then missing in its JSON. -#}
{% macro duckdb__json_wire(column) -%}
  {%- set json = dbt_drift.duckdb__json_text(column) -%}
  {%- set digits = "'[0-9][0-9.]{15,}'" -%}
  case when regexp_matches({{ json }}, 'NaN|Infinity')
         and regexp_matches(regexp_replace({{ json }}, '"(\\.|[^"\\])*"', '', 'g'), 'NaN|Infinity') then 'NaN'
       when typeof({{ column }}) <> 'JSON' and regexp_matches(typeof({{ column }}), 'JSON|VARIANT')
         and not list_has_all(regexp_extract_all({{ json }}, {{ digits }}),
                              regexp_extract_all(cast({{ column }} as varchar), {{ digits }})) then 'inexact'
       else '"' || {{ json }} end
{%- endmacro %}
