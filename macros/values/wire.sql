{#- Wire text: one SQL text per value that says by itself what Drift receives. NULL is no value; a leading " marks a string, and
    all behind it is the string; anything else is a JSON number, true, false, or the null that clears what is there. Equal wire texts are equal for Drift, whatever
    the columns' types: that is what the accepted holds and what the difference compares. -#}

{% macro wire(attribute) -%}
  {%- if attribute.clears -%}
    coalesce({{ dbt_drift.value_text(attribute) }}, 'null')
  {%- else -%}
    {{ dbt_drift.value_text(attribute) }}
  {%- endif -%}
{%- endmacro %}


{#- The wire text of a value; a null has none. -#}
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


{#- One spelling for each value of a kind: 1.50 is 1.5, a moment is its epoch milliseconds. -#}
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


{#- A column's collation is left behind: texts are compared byte by byte, whatever it calls equal. -#}
{% macro as_text(column) %}{{ adapter.dispatch('as_text', 'dbt_drift')(column) }}{% endmacro %}
{% macro default__as_text(column) %}cast({{ column }} as {{ dbt_drift.text_type() }}){% endmacro %}
{#- The database's own collation calls equal what is equal byte by byte, and its lower() knows more than ASCII. -#}
{% macro postgres__as_text(column) %}(cast({{ column }} as text) collate "default"){% endmacro %}
{% macro duckdb__as_text(column) %}(cast({{ column }} as varchar) collate c){% endmacro %}


{#- The blanks that people paste around an address: space, tab, line ends, no-break space. -#}
{% macro trimmed(text) %}{{ adapter.dispatch('trimmed', 'dbt_drift')(text) }}{% endmacro %}
{% macro default__trimmed(text) %}trim({{ text }}, ' {{ "\t\r\n\u00a0" }}'){% endmacro %}
{% macro postgres__trimmed(text) %}btrim({{ text }}, ' {{ "\t\r\n\u00a0" }}'){% endmacro %}
{#- DuckDB's trim of several characters costs twice a look at both ends, and few addresses need it. -#}
{% macro duckdb__trimmed(text) -%}
  case when left({{ text }}, 1) <= ' ' or right({{ text }}, 1) <= ' '
         or left({{ text }}, 1) = '{{ "\u00a0" }}' or right({{ text }}, 1) = '{{ "\u00a0" }}'
       then {{ dbt_drift.default__trimmed(text) }} else {{ text }} end
{%- endmacro %}


{% macro default__decimal_text(column) %}
  {%- set text = dbt_drift.as_text(column) -%}
  case when right({{ text }}, 1) = '0' and position('.' in {{ text }}) > 0
       then rtrim(rtrim({{ text }}, '0'), '.') else {{ text }} end
{%- endmacro %}
{% macro postgres__decimal_text(column) %}trim_scale({{ column }})::text{% endmacro %}
{#- DuckDB writes a decimal without digits before the point, such as decimal(4, 4), as .5 and its zero as .0000: no JSON numbers. -#}
{% macro duckdb__decimal_text(column) %}
  {%- set text = dbt_drift.as_text(column) -%}
  case when {{ column }} = 0 then '0'
       when left({{ text }}, 1) = '.' then '0' || rtrim({{ text }}, '0')
       when left({{ text }}, 2) = '-.' then '-0' || rtrim(substr({{ text }}, 2), '0')
       else {{ dbt_drift.default__decimal_text(column) }} end
{%- endmacro %}


{#- The number that a text spells, digit for digit; a text that spells none stays a string, and the row is rejected for it. An
    exponent, a sign + and zeros in front are none: what looks like 007 is a code. -#}
{% macro number_text(text) -%}
  {%- set number = dbt_drift.default__decimal_text(text) -%}
  case when not {{ dbt_drift.matches(text, '^-?(0|[1-9][0-9]*)([.][0-9]+)?$') }} then '"' || {{ text }}
       when {{ number }} = '-0' then '0' else {{ number }} end
{%- endmacro %}


{#- A whole number is spelled as an integer, where engines differ: 2 or 2.0, 1e+15 or 1000000000000000.0. From 1e16 all write
    an exponent. -#}
{% macro float_text(column) -%}
  case when abs({{ column }}) < 1e16 and {{ column }} = floor({{ column }})
       then cast(cast({{ column }} as bigint) as {{ dbt_drift.text_type() }}) else {{ dbt_drift.as_text(column) }} end
{%- endmacro %}


{#- A date is the midnight that begins it in UTC; a timestamp without zone is taken as UTC. What lies at infinity has no
    milliseconds: it is spelled out, and the row is rejected for it. -#}
{% macro default__date_text(column) %}{{ adapter.dispatch('timestamp_text', 'dbt_drift')(column) }}{% endmacro %}
{% macro postgres__date_text(column) -%}
  case when isfinite({{ column }}) then (({{ column }} - date '1970-01-01')::bigint * 86400000)::text
       when {{ column }} is not null then 'Infinity' end
{%- endmacro %}

{#- Not by way of a timestamp, which ends before the dates do. -#}
{% macro duckdb__date_text(column) %}{{ dbt_drift.postgres__date_text(column) }}{% endmacro %}

{% macro postgres__timestamp_text(column) -%}
  case when isfinite({{ column }}) then floor(extract(epoch from {{ column }}) * 1000)::bigint::text
       when {{ column }} is not null then 'Infinity' end
{%- endmacro %}
{#- Cut, as Postgres is told to above: epoch_ms alone rounds, and so does every cast of nanoseconds. -#}
{% macro duckdb__timestamp_text(column) -%}
  case when not isfinite({{ column }}) then 'Infinity'
       when typeof({{ column }}) in ('TIMESTAMP_NS', 'TIMESTAMPTZ_NS')
       then cast((epoch_ns({{ column }}) - (epoch_ns({{ column }}) % 1000000 + 1000000) % 1000000) // 1000000 as varchar)
       else cast(epoch_ms(date_trunc('millisecond', {{ column }})) as varchar) end
{%- endmacro %}
