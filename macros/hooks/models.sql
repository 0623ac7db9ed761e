{#- For the models of this package. -#}

{#- Whether a relation exists in the warehouse: before the first sync there is no ledger. -#}
{% macro is_there(relation) %}
  {{ return(execute and adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) }}
{% endmacro %}


{#- The saved syncs that have a table of this kind: [{unique_id, spec, relation}]. -#}
{% macro syncs_with(kind) %}
  {% set ledger = dbt_drift.project_ledger() %}
  {% set found = [] %}
  {% if dbt_drift.is_there(dbt_drift.saved_syncs_relation(ledger)) %}
    {% for row in dbt_drift.rows_of(dbt_drift.saved_syncs_sql(ledger) ~ ' order by unique_id') %}
      {% set spec = fromjson(row[2]) %}
      {% set relation = dbt_drift.ledger_relation(ledger, spec.slug ~ '__' ~ kind) %}
      {% if dbt_drift.is_there(relation) %}
        {% do found.append({'unique_id': row[0], 'spec': spec, 'relation': relation}) %}
      {% endif %}
    {% endfor %}
  {% endif %}
  {{ return(found) }}
{% endmacro %}


{#- A query with these columns, {name: dbt's name of a type}, and no rows. -#}
{% macro no_rows(columns) %}
  select
    {%- for name, type in columns.items() %}
    cast(null as {{ api.Column.translate_type(type) }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  where false
{% endmacro %}
