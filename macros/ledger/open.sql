{#- Makes what is missing of one sync's tables, and their columns; `bring_forward` has made what all syncs share. Safe to run again;
    run inside a transaction where the engine has them. -#}
{% macro open_ledger(sync, delta='delta') %}
  {#- A plan beside a sync would add the same columns, and register the same audiences. -#}
  {{ dbt_drift.one_at_a_time(sync.ledger) }}
  {% set present = dbt_drift.columns_by_table(sync.ledger, sync.slug) %}
  {% set wanted = [
       [dbt_drift.accepted_relation(sync), dbt_drift.accepted_columns(sync)],
       [dbt_drift.journal_relation(sync), dbt_drift.journal_columns()],
       [dbt_drift.delta_relation(sync, delta), dbt_drift.delta_columns()],
       [dbt_drift.rejected_relation(sync), dbt_drift.rejected_columns()]] %}
  {% for relation, columns in wanted %}
    {% if relation.identifier not in present %}
      {% set parts = [] %}
      {% for name, type in columns %}{% do parts.append(name ~ ' ' ~ type) %}{% endfor %}
      {{ dbt_drift.create_table(relation, parts | join(', ')) }}
    {% elif relation == dbt_drift.accepted_relation(sync) %}
      {#- Columns that left the mapping stay: they still say what Drift holds, so that an attribute that comes back is sent only
          where it changed. -#}
      {% for name, type in columns if name not in present[relation.identifier] %}
        {{ dbt_drift.execute('alter table ' ~ relation ~ ' add column ' ~ name ~ ' ' ~ type) }}
      {% endfor %}
    {% endif %}
  {% endfor %}
{% endmacro %}


{#- The columns of the tables of one sync, [[name, type]]. -#}

{% macro accepted_columns(sync) %}
  {% set columns = [['contact_key', dbt_drift.text_type()]] %}
  {% for part in sync.attributes + sync.audiences %}{% do columns.append([part.state, dbt_drift.text_type()]) %}{% endfor %}
  {{ return(columns) }}
{% endmacro %}

{% macro journal_columns() %}
  {% set text = dbt_drift.text_type() %}
  {{ return([['stage_id', text], ['seq', 'bigint'], ['contact_id', 'bigint'], ['status', text], ['attributes_accepted', 'boolean'],
             ['tags_accepted', 'boolean'], ['reason', text], ['message', text], ['journaled_at', 'timestamp'],
             ['confirmed_columns', text]]) }}
{% endmacro %}

{#- A stage makes the delta anew, with the columns of its mapping. -#}
{% macro delta_columns() %}
  {% set text = dbt_drift.text_type() %}
  {{ return([['seq', 'bigint'], ['stage_id', text], ['action', text], ['reason', text], ['attribute', text], ['is_given_up', 'boolean'],
             ['contact_key', text], ['key_as_written', text], ['row_id', text], ['contact_id', 'bigint']]) }}
{% endmacro %}


{#- The tables of a sync that the ledger has: {table: [column]}. -#}
{% macro columns_by_table(ledger, slug) %}
  {% set found = {} %}
  {% for table, column in dbt_drift.rows_of(
       'select table_name, column_name from information_schema.columns where table_schema = ' ~ dbt_drift.text_literal(ledger.schema)
       ~ ' and table_catalog = ' ~ dbt_drift.text_literal(ledger.database)
       ~ ' and table_name in (' ~ dbt_drift.text_literal(slug ~ '__accepted') ~ ', ' ~ dbt_drift.text_literal(slug ~ '__journal') ~ ', '
       ~ dbt_drift.text_literal(slug ~ '__delta') ~ ', ' ~ dbt_drift.text_literal(slug ~ '__rejected') ~ ')') %}
    {% do found.setdefault(table, []).append(column) %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}


{#- The columns of a model's relation: [{name, type, kind}], or none where the relation is not there. -#}
{% macro model_columns(sync) %}
  {% set columns = [] %}
  {% for column in dbt_drift.columns_in(dbt_drift.model_relation(sync)) %}
    {% do columns.append({'name': column.name, 'type': column.data_type, 'kind': dbt_drift.kind(column.dtype)}) %}
  {% endfor %}
  {{ return(columns) }}
{% endmacro %}


{#- Which Drift the ledger describes. -#}

{% macro destination_sql(ledger) %}select api_url from {{ dbt_drift.destination_relation(ledger) }}{% endmacro %}

{% macro claim_destination(ledger, url) %}
  {% do adapter.add_query(
       'insert into ' ~ dbt_drift.destination_relation(ledger) ~ ' (api_url) values (' ~ get_binding_char() ~ ')',
       auto_begin=False, bindings=[url]) %}
{% endmacro %}
