{#- Tests whether a column can fill a Drift attribute, by the type that Drift listed for the last sync or that the test names. -#}

{#- Fails with one row if the column cannot fill the attribute's type. Passes if the type is unknown: before the first
    sync whose token may list attributes, and for an attribute that Drift does not have yet. `attribute`: left out where it is
    called as the column. `type`: STRING, NUMERIC, BOOLEAN, DATE or DATETIME, instead of what Drift listed. -#}
{% test accepted_drift_attribute_type(model, column_name, attribute=none, type=none) %}
  {%- do dbt_drift.refuse_unsupported() %}
  {%- set column_name = dbt_drift.bare(column_name) -%}
  {%- set attribute = attribute or column_name -%}
  {%- set listed = type or (dbt_drift.listed_type(attribute) if execute) -%}
  {%- set kind = dbt_drift.column_kind(model, column_name) if execute else 'text' -%}
  {%- if listed in dbt_drift.suitable_kinds() and kind not in dbt_drift.suitable_kinds()[listed] %}
  select {{ dbt_drift.text_literal('the attribute ' ~ attribute ~ ' is ' ~ listed ~ ' in Drift, and the column ' ~ column_name ~ ' is ' ~ kind) }} as problem
  {%- else %}
  select 1 as problem where 1 = 0
  {%- endif %}
{% endtest %}


{#- The kinds of columns that can fill each of Drift's types; the same list as in the program. -#}
{% macro suitable_kinds() %}
  {% set times = ['date', 'timestamp', 'timestamptz'] %}
  {{ return({
    'STRING': ['text', 'json', 'integer', 'decimal', 'float', 'boolean'],
    'NUMERIC': ['text', 'integer', 'decimal', 'float'] + times,
    'BOOLEAN': ['boolean'],
    'DATE': ['integer', 'decimal'] + times,
    'DATETIME': ['integer', 'decimal'] + times,
  }) }}
{% endmacro %}


{#- The type that Drift listed for an attribute, or none. -#}
{% macro listed_type(attribute) %}
  {% set listed = dbt_drift.attributes_relation(dbt_drift.project_ledger()) %}
  {% if dbt_drift.columns_in(listed) | length %}
    {% for row in dbt_drift.rows_of(dbt_drift.attributes_sql(dbt_drift.project_ledger())) if row[0] == attribute %}
      {{ return(row[2]) }}
    {% endfor %}
  {% endif %}
  {{ return(none) }}
{% endmacro %}


{#- The kind of a column; text if there is no such column, which is not for this test to report. -#}
{% macro column_kind(relation, column_name) %}
  {% for column in dbt_drift.columns_in(relation) if column.name | lower == column_name | lower %}
    {{ return(dbt_drift.kind(column.dtype)) }}
  {% endfor %}
  {{ return('text') }}
{% endmacro %}
