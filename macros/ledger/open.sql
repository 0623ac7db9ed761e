{#- Creates the missing tables and columns of one sync; `bring_forward` has created what all syncs share. Safe to run again; run
    inside a transaction where the engine has them. -#}
{% macro open_ledger(sync) %}
  {{ dbt_drift.one_at_a_time(sync.ledger) }}
  {% for statement in dbt_drift.opening_sql(sync) %}{{ dbt_drift.execute(statement) }}{% endfor %}
{% endmacro %}


{#- Whether `open_ledger` and `register_audiences` have nothing to do. `present`: the ledger's tables, {table: [column]}; `registered`:
    as for `unregistered_audiences`, or none for a sync that registers no audiences. -#}
{% macro is_open(sync, present, registered) %}
  {{ return(not dbt_drift.opening_sql(sync, present)
            and (registered is none or not dbt_drift.unregistered_audiences(sync, registered))) }}
{% endmacro %}


{#- The statements that create the missing tables and columns of one sync. `present`: the ledger's tables, or none to read the catalog. -#}
{% macro opening_sql(sync, present=none) %}
  {% set statements = [] %}
  {% set wanted = [
       [dbt_drift.accepted_relation(sync), dbt_drift.accepted_columns(sync)],
       [dbt_drift.journal_relation(sync), dbt_drift.journal_columns()],
       [dbt_drift.delta_relation(sync), dbt_drift.delta_columns()],
       [dbt_drift.rejected_relation(sync), dbt_drift.rejected_columns()]] %}
  {% if present is none %}
    {% set present = dbt_drift.ledger_columns(sync.ledger, wanted | map('first') | map(attribute='identifier') | list) %}
  {% endif %}
  {% for relation, columns in wanted %}
    {% if relation.identifier not in present %}
      {% set parts = [] %}
      {% for name, type in columns %}{% do parts.append(name ~ ' ' ~ type) %}{% endfor %}
      {% do statements.append(dbt_drift.create_table_sql(relation, parts | join(', '))) %}
    {% elif relation == dbt_drift.accepted_relation(sync) %}
      {#- Columns that left the mapping stay, because they say what Drift has: an attribute that comes back is sent only where it
          changed. -#}
      {% for name, type in columns if name not in present[relation.identifier] %}
        {% do statements.append('alter table ' ~ relation ~ ' add column ' ~ name ~ ' ' ~ type) %}
      {% endfor %}
    {% endif %}
  {% endfor %}
  {{ return(statements) }}
{% endmacro %}


{#- The columns of the tables of one sync, [[name, type]]. -#}

{% macro accepted_columns(sync) %}
  {% set columns = [['contact_key', dbt_drift.text_type()]] %}
  {% for part in sync.attributes + sync.audiences %}{% do columns.append([part.state, dbt_drift.text_type()]) %}{% endfor %}
  {{ return(columns) }}
{% endmacro %}

{% macro contacts_columns() %}
  {{ return([['match_on', dbt_drift.text_type()], ['contact_key', dbt_drift.text_type()], ['contact_id', 'bigint']]) }}
{% endmacro %}

{% macro journal_columns() %}
  {% set text = dbt_drift.text_type() %}
  {{ return([['stage_id', text], ['seq', 'bigint'], ['contact_id', 'bigint'], ['status', text], ['attributes_accepted', 'boolean'],
             ['tags_accepted', 'boolean'], ['reason', text], ['message', text], ['confirmed_columns', text],
             ['journaled_at', 'timestamp']]) }}
{% endmacro %}

{#- A stage creates the delta again, with the columns of its mapping. -#}
{% macro delta_columns() %}
  {% set text = dbt_drift.text_type() %}
  {{ return([['seq', 'bigint'], ['stage_id', text], ['action', text], ['reason', text], ['attribute', text], ['is_given_up', 'boolean'],
             ['contact_key', text], ['key_as_written', text], ['row_id', text], ['contact_id', 'bigint']]) }}
{% endmacro %}


{#- The tables that the ledger has: {table: [column]}; empty if there is no ledger. `tables`: only these, or none for all. -#}
{% macro ledger_columns(ledger, tables=none) %}
  {% set found, names = {}, [] %}
  {% for table in tables or [] %}{% do names.append(dbt_drift.text_literal(table)) %}{% endfor %}
  {% for table, column in dbt_drift.rows_of(
       'select table_name, column_name from information_schema.columns where '
       ~ dbt_drift.is_named('table_schema', ledger.schema) ~ ' and ' ~ dbt_drift.is_named('table_catalog', ledger.database)
       ~ (' and table_name in (' ~ names | join(', ') ~ ')' if names else '')) %}
    {% do found.setdefault(table, []).append(column | lower) %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}

{% macro is_named(column, name) %}{{ return(adapter.dispatch('is_named', 'dbt_drift')(column, name)) }}{% endmacro %}
{% macro default__is_named(column, name) %}{{ return(column ~ ' = ' ~ dbt_drift.text_literal(name)) }}{% endmacro %}
{#- DuckDB does not distinguish the case of names, also of quoted ones. -#}
{% macro duckdb__is_named(column, name) %}{{ return('lower(' ~ column ~ ') = lower(' ~ dbt_drift.text_literal(name) ~ ')') }}{% endmacro %}


{#- The columns of a model's relation: [{name, type, kind}]; empty if the relation does not exist. -#}
{% macro model_columns(sync) %}
  {% set columns = [] %}
  {% for column in dbt_drift.columns_in(dbt_drift.model_relation(sync)) %}
    {% do columns.append({'name': column.name, 'type': column.data_type, 'kind': dbt_drift.kind(column.dtype)}) %}
  {% endfor %}
  {{ return(columns) }}
{% endmacro %}
