{#- The attributes of the Drift organisation, as the last sync that could list them found them. Their types decide the wire text:
    a plan without a token has to find the types that the sync used, or it would show changes that are none. -#}
{% macro attributes_sql(ledger) %}select name, label, type from {{ dbt_drift.attributes_relation(ledger) }}{% endmacro %}

{#- Replaces the list. `attributes` is a list of [name, label, type]. -#}
{% macro remember_attributes(ledger, attributes) %}
  {% set values = [] %}
  {% set bindings = [] %}
  {% for attribute in attributes %}
    {% do values.append('(' ~ ([get_binding_char()] * 3) | join(', ') ~ ')') %}
    {% do bindings.extend(attribute) %}
  {% endfor %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.attributes_relation(ledger)) }}
  {% if values %}
    {% do adapter.add_query(
         'insert into ' ~ dbt_drift.attributes_relation(ledger) ~ ' (name, label, type) values ' ~ values | join(', '),
         auto_begin=False, bindings=bindings, abridge_sql_log=True) %}
  {% endif %}
{% endmacro %}
