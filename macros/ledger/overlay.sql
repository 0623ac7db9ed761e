{#- What lets a plan read a ledger that lacks tables or columns, without writing to it: temporary relations that only its connection has. -#}

{#- Creates them; returns the names of the tables that they stand for, the plan's own delta included. `present`: the ledger's tables,
    {table: [column]}. -#}
{% macro overlay(sync, delta, present) %}
  {% set text = dbt_drift.text_type() %}
  {% set overlaid = [dbt_drift.delta_relation(sync, delta).identifier] %}
  {% set read = [
       [dbt_drift.accepted_relation(sync), dbt_drift.accepted_columns(sync)],
       [dbt_drift.journal_relation(sync), dbt_drift.journal_columns()],
       [dbt_drift.rejected_relation(sync), dbt_drift.rejected_columns()],
       [dbt_drift.contacts_relation(sync.ledger), dbt_drift.contacts_columns()]] %}
  {% for relation, columns in read %}
    {% set name = relation.identifier %}
    {% set temporary = dbt_drift.temporary_relation(sync.ledger, name) %}
    {% set lacking = [] %}
    {% for column, type in columns if column not in present.get(name, []) %}
      {% do lacking.append('cast(null as ' ~ type ~ ') as ' ~ column) %}
    {% endfor %}
    {% if name not in present %}
      {{ dbt_drift.execute('create temporary table if not exists ' ~ temporary ~ ' as select ' ~ lacking | join(', ') ~ ' where false') }}
      {% do overlaid.append(name) %}
    {% elif lacking %}
      {{ dbt_drift.execute('drop view if exists ' ~ temporary) }}
      {{ dbt_drift.execute('create temporary view ' ~ temporary ~ ' as select *, ' ~ lacking | join(', ') ~ ' from ' ~ relation) }}
      {% do overlaid.append(name) %}
    {% endif %}
  {% endfor %}
  {{ return(overlaid) }}
{% endmacro %}
