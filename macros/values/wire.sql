{#- Wire text: one SQL text per value that defines what Drift receives. NULL is no value; a leading " marks a string, which is
    the rest of the text; anything else is a JSON number, true, false, or the null that clears Drift's value. Equal wire texts
    are equal for Drift, whatever the columns' types. The ledger stores accepted values as wire texts and compares them. -#}

{% macro wire(attribute) -%}
  {%- if attribute.clears -%}
    coalesce({{ dbt_drift.value_text(attribute) }}, 'null')
  {%- else -%}
    {{ dbt_drift.value_text(attribute) }}
  {%- endif -%}
{%- endmacro %}


{#- The wire text of a value; NULL for a null. -#}
{% macro value_text(attribute) %}
  {%- set column = dbt_drift.quoted(attribute.column) -%}
  {%- if attribute.is_email -%}
    '"' || {{ dbt_drift.trimmed(dbt_drift.as_text(column)) }}
  {%- elif attribute.as_number -%}
    {{ dbt_drift.number_text(dbt_drift.trimmed(dbt_drift.as_text(column))) }}
  {%- elif attribute.kind == 'json' -%}
    {{ adapter.dispatch('json_wire', 'dbt_drift')(column) }}
  {%- elif attribute.kind == 'text' or attribute.as_text -%}
    '"' || {{ dbt_drift.canonical_text(column, attribute.kind) }}
  {%- else -%}
    {{ dbt_drift.canonical_text(column, attribute.kind) }}
  {%- endif -%}
{% endmacro %}


{#- One spelling for each value of a kind: 1.50 becomes 1.5, a timestamp its epoch milliseconds. -#}
{% macro canonical_text(column, kind) %}
  {%- if kind == 'boolean' -%}
    case when {{ column }} then 'true' when not {{ column }} then 'false' end
  {%- elif kind == 'decimal' -%}
    {{ adapter.dispatch('decimal_text', 'dbt_drift')(column) }}
  {%- elif kind == 'float' -%}
    {{ dbt_drift.float_text(column) }}
  {%- elif kind == 'date' -%}
    {{ adapter.dispatch('date_text', 'dbt_drift')(column) }}
  {%- elif kind in ('timestamp', 'timestamptz') -%}
    {{ adapter.dispatch('timestamp_text', 'dbt_drift')(column) }}
  {%- elif kind == 'json' -%}
    {{ adapter.dispatch('json_text', 'dbt_drift')(column) }}
  {%- else -%}
    {{ dbt_drift.as_text(column) }}
  {%- endif -%}
{% endmacro %}


{#- Drops the column's collation: texts are compared byte by byte. -#}
{% macro as_text(column) %}{{ adapter.dispatch('as_text', 'dbt_drift')(column) }}{% endmacro %}
{% macro default__as_text(column) %}cast({{ column }} as {{ dbt_drift.text_type() }}){% endmacro %}
{#- In the database's own collation only identical bytes are equal, and lower() supports more than ASCII. -#}
{% macro postgres__as_text(column) %}(cast({{ column }} as text) collate "default"){% endmacro %}
{% macro duckdb__as_text(column) %}(cast({{ column }} as varchar) collate c){% endmacro %}


{#- Removes blanks that users paste around an address: space, tab, line ends, no-break space. -#}
{% macro trimmed(text) %}{{ adapter.dispatch('trimmed', 'dbt_drift')(text) }}{% endmacro %}
{% macro default__trimmed(text) %}trim({{ text }}, ' {{ "\t\r\n\u00a0" }}'){% endmacro %}
{% macro postgres__trimmed(text) %}btrim({{ text }}, ' {{ "\t\r\n\u00a0" }}'){% endmacro %}
{#- In DuckDB, to trim several characters costs twice as much as to check both ends, and few addresses need it. -#}
{% macro duckdb__trimmed(text) -%}
  case when left({{ text }}, 1) <= ' ' or right({{ text }}, 1) <= ' '
         or left({{ text }}, 1) = '{{ "\u00a0" }}' or right({{ text }}, 1) = '{{ "\u00a0" }}'
       then {{ dbt_drift.default__trimmed(text) }} else {{ text }} end
{%- endmacro %}

{#- The same for an expression that is seldom evaluated: the argument stands in it once. -#}
{% macro trimmed_seldom(text) %}{{ adapter.dispatch('trimmed_seldom', 'dbt_drift')(text) }}{% endmacro %}
{% macro default__trimmed_seldom(text) %}{{ dbt_drift.trimmed(text) }}{% endmacro %}
{% macro duckdb__trimmed_seldom(text) %}{{ dbt_drift.default__trimmed(text) }}{% endmacro %}


{% macro default__decimal_text(column) %}
  {%- set text = dbt_drift.as_text(column) -%}
  case when right({{ text }}, 1) = '0' and position('.' in {{ text }}) > 0
       then rtrim(rtrim({{ text }}, '0'), '.') else {{ text }} end
{%- endmacro %}
{% macro postgres__decimal_text(column) %}trim_scale({{ column }})::text{% endmacro %}
{#- DuckDB writes decimals without integer digits, such as decimal(4, 4), as .5 or .0000, which are no JSON numbers. -#}
{% macro duckdb__decimal_text(column) %}
  {%- set text = dbt_drift.as_text(column) -%}
  case when {{ column }} = 0 then '0'
       when left({{ text }}, 1) = '.' then '0' || rtrim({{ text }}, '0')
       when left({{ text }}, 2) = '-.' then '-0' || rtrim(substr({{ text }}, 2), '0')
       else {{ dbt_drift.default__decimal_text(column) }} end
{%- endmacro %}


{#- The number that a text spells, digit for digit. Any other text stays a string, which rejects the row. Texts with an exponent,
    a + sign or leading zeros are not numbers: 007 is a code. -#}
{% macro number_text(text) -%}
  case when {{ dbt_drift.matches(text, '^-?(0|[1-9][0-9]*)([.][0-9]+)?$') }} then {{ dbt_drift.plain_number(text) }}
       else '"' || {{ text }} end
{%- endmacro %}


{#- A text without the zeros at the end of the number that it spells; any other text unchanged. The argument stands here once: in the
    comparison of a wide model, a longer expression would cost seconds to plan. -#}
{% macro plain_number(text) -%}
  regexp_replace(regexp_replace({{ text }}, '^(-?(?:0|[1-9][0-9]*))(?:[.]0+|([.][0-9]*[1-9])0*)?$', '\1\2'), '^-0$', '0')
{%- endmacro %}


{#- Writes a whole number as an integer, because engines differ: 2 or 2.0, 1e+15 or 1000000000000000.0. From 1e16 all write an
    exponent. -#}
{% macro float_text(column) -%}
  case when abs({{ column }}) < 1e16 and {{ column }} = floor({{ column }})
       then cast(cast({{ column }} as bigint) as {{ dbt_drift.text_type() }}) else {{ dbt_drift.as_text(column) }} end
{%- endmacro %}


{#- A date is its first midnight in UTC; a timestamp without zone counts as UTC. Infinity has no milliseconds: it is spelled
    out, which rejects the row. -#}
{% macro default__date_text(column) %}{{ adapter.dispatch('timestamp_text', 'dbt_drift')(column) }}{% endmacro %}
{% macro postgres__date_text(column) -%}
  case when isfinite({{ column }}) then (({{ column }} - date '1970-01-01')::bigint * 86400000)::text
       when {{ column }} is not null then 'Infinity' end
{%- endmacro %}

{#- Not through a timestamp, whose range is smaller than that of dates. -#}
{% macro duckdb__date_text(column) %}{{ dbt_drift.postgres__date_text(column) }}{% endmacro %}

{% macro postgres__timestamp_text(column) -%}
  case when isfinite({{ column }}) then floor(extract(epoch from {{ column }}) * 1000)::bigint::text
       when {{ column }} is not null then 'Infinity' end
{%- endmacro %}
{#- Rounds down, as floor does for Postgres above: epoch_ms alone rounds to nearest, and so does every cast of nanoseconds. -#}
{% macro duckdb__timestamp_text(column) -%}
  case when not isfinite({{ column }}) then 'Infinity'
       when typeof({{ column }}) in ('TIMESTAMP_NS', 'TIMESTAMPTZ_NS')
       then cast((epoch_ns({{ column }}) - (epoch_ns({{ column }}) % 1000000 + 1000000) % 1000000) // 1000000 as varchar)
       else cast(epoch_ms(date_trunc('millisecond', {{ column }})) as varchar) end
{%- endmacro %}
