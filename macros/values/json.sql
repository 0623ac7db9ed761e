{#- JSON text of what is nested: objects, arrays, lists, structs, maps. It is sent as a string: Drift documents that attributes are
    flat. A JSON null is no value. -#}
{% macro postgres__json_text(column) %}nullif(to_jsonb({{ column }})::text, 'null'){% endmacro %}
{#- What is JSON already stays as it is written: DuckDB's own functions would round its numbers. -#}
{% macro duckdb__json_text(column) -%}
  nullif(case when typeof({{ column }}) = 'JSON' then trim(cast({{ column }} as varchar), ' {{ "\t\r\n" }}')
              else cast(to_json({{ column }}) as varchar) end, 'null') collate c
{%- endmacro %}


{#- The wire text of such a value: a string, unless there is no JSON for it. NaN and the infinities stand for themselves, and
    `inexact` for a number that its JSON would round; the row is rejected for either. -#}
{% macro default__json_wire(column) %}'"' || {{ adapter.dispatch('json_text', 'dbt_drift')(column) }}{% endmacro %}

{#- Postgres spells them as texts, the only ones in an array of numbers. -#}
{% macro postgres__json_wire(column) -%}
  {%- set json = dbt_drift.postgres__json_text(column) -%}
  case when pg_typeof({{ column }})::text in ('double precision[]', 'real[]', 'numeric[]') and strpos({{ json }}, '"') > 0
       then 'NaN' else '"' || {{ json }} end
{%- endmacro %}

{#- DuckDB spells them as no JSON has them, outside of the strings. What it rounds are the numbers of JSON inside of something else,
    and those of a variant: digits of the value that are not in its JSON. -#}
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
