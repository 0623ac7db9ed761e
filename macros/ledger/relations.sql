{#- The relations of the ledger. All are in one schema; those of one sync begin with its slug. -#}

{#- `ledger.overlaid`: the tables that a plan has temporarily, in the place of those in the schema (overlay.sql). -#}
{% macro ledger_relation(ledger, identifier) %}
  {{ return(dbt_drift.temporary_relation(ledger, identifier) if identifier in (ledger.overlaid or [])
            else dbt_drift.relation(ledger.database, ledger.schema, identifier, 'table')) }}
{% endmacro %}

{% macro ledger_schema(ledger) %}
  {{ return(dbt_drift.relation(ledger.database, ledger.schema, none).without_identifier()) }}
{% endmacro %}

{% macro model_relation(sync) %}
  {{ return(dbt_drift.relation(sync.database, sync.schema, sync.identifier)) }}
{% endmacro %}

{% macro accepted_relation(sync) %}{{ return(dbt_drift.ledger_relation(sync.ledger, sync.slug ~ '__accepted')) }}{% endmacro %}
{#- `delta`: a plan has a separate one, so that it does not disturb a running sync. -#}
{% macro delta_relation(sync, delta='delta') %}{{ return(dbt_drift.ledger_relation(sync.ledger, sync.slug ~ '__' ~ delta)) }}{% endmacro %}
{% macro journal_relation(sync) %}{{ return(dbt_drift.ledger_relation(sync.ledger, sync.slug ~ '__journal')) }}{% endmacro %}
{% macro differing_relation(sync, delta='delta') %}{{ return(dbt_drift.working_relation(sync, delta ~ '_differing')) }}{% endmacro %}
{% macro folding_relation(sync, part) %}{{ return(dbt_drift.working_relation(sync, 'folding_' ~ part)) }}{% endmacro %}
{% macro rejected_relation(sync) %}{{ return(dbt_drift.ledger_relation(sync.ledger, sync.slug ~ '__rejected')) }}{% endmacro %}
{% macro contacts_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_contacts')) }}{% endmacro %}
{% macro saved_syncs_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_syncs')) }}{% endmacro %}
{% macro staged_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_staged')) }}{% endmacro %}
{% macro attributes_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_attributes')) }}{% endmacro %}
{% macro audiences_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_audiences')) }}{% endmacro %}
{% macro destination_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_destination')) }}{% endmacro %}
{% macro organisation_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_organisation')) }}{% endmacro %}
{% macro version_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_ledger_version')) }}{% endmacro %}
{% macro lock_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_lock')) }}{% endmacro %}
{% macro runs_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_runs')) }}{% endmacro %}
{% macro run_syncs_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_run_syncs')) }}{% endmacro %}
{% macro alerts_relation(ledger) %}{{ return(dbt_drift.ledger_relation(ledger, 'drift_alerts')) }}{% endmacro %}


{#- One statement, in the transaction that the caller began. -#}
{% macro execute(sql) %}{% do adapter.add_query(sql, auto_begin=False) %}{% endmacro %}


{#- Begins a transaction where dbt's adapter leaves that to the driver, which commits each statement by itself. -#}
{% macro begin() %}{{ adapter.dispatch('begin', 'dbt_drift')() }}{% endmacro %}
{% macro default__begin() %}{% endmacro %}
{% macro postgres__begin() %}{{ dbt_drift.execute('begin') }}{% endmacro %}


{#- The rows of a query in the driver's types. dbt's `run_query` would guess the type of each column from its texts. -#}
{% macro rows_of(sql) %}{{ return(adapter.add_query(sql, auto_begin=False)[1].fetchall()) }}{% endmacro %}


{#- Creates a table if it is missing. -#}
{% macro create_table(relation, columns) %}{{ dbt_drift.execute(dbt_drift.create_table_sql(relation, columns)) }}{% endmacro %}

{% macro create_table_sql(relation, columns) %}{{ return('create table if not exists ' ~ relation ~ ' (' ~ columns ~ ')') }}{% endmacro %}


{#- A table for the rest of the transaction, temporary where the engine has that. -#}
{% macro working_relation(sync, name) %}{{ return(dbt_drift.temporary_relation(sync.ledger, sync.slug ~ '__' ~ name)) }}{% endmacro %}

{#- A relation that only this connection has, where the engine has such relations. -#}
{% macro temporary_relation(ledger, identifier) %}{{ return(adapter.dispatch('temporary_relation', 'dbt_drift')(ledger, identifier)) }}{% endmacro %}
{% macro default__temporary_relation(ledger, identifier) %}{{ return(dbt_drift.relation(ledger.database, ledger.schema, identifier, 'table')) }}{% endmacro %}
{% macro postgres__temporary_relation(ledger, identifier) %}{{ return('pg_temp.' ~ dbt_drift.quoted(identifier)) }}{% endmacro %}
{% macro duckdb__temporary_relation(ledger, identifier) %}{{ return('temp.main.' ~ dbt_drift.quoted(identifier)) }}{% endmacro %}

{% macro create_working_table(relation, select_sql) %}{{ adapter.dispatch('create_working_table', 'dbt_drift')(relation, select_sql) }}{% endmacro %}
{% macro default__create_working_table(relation, select_sql) %}{{ dbt_drift.create_table_from(relation, select_sql) }}{% endmacro %}
{% macro postgres__create_working_table(relation, select_sql) %}
  {{ dbt_drift.execute('create temporary table ' ~ relation ~ ' on commit drop as ' ~ select_sql) }}
{% endmacro %}
{% macro duckdb__create_working_table(relation, select_sql) %}
  {{ dbt_drift.execute('create or replace temporary table ' ~ relation ~ ' as ' ~ select_sql) }}
{% endmacro %}

{#- Drops it where the end of the transaction does not. -#}
{% macro drop_working_table(relation) %}{{ adapter.dispatch('drop_working_table', 'dbt_drift')(relation) }}{% endmacro %}
{% macro default__drop_working_table(relation) %}{{ dbt_drift.execute('drop table ' ~ relation) }}{% endmacro %}
{% macro postgres__drop_working_table(relation) %}{% endmacro %}


{#- Plain SQL, because there is no contract, header or configuration of a model. -#}
{% macro create_table_from(relation, select_sql, is_temporary=false) %}
  {{ dbt_drift.execute('drop table if exists ' ~ relation) }}
  {{ dbt_drift.execute('create ' ~ ('temporary ' if is_temporary else '') ~ 'table ' ~ relation ~ ' as ' ~ select_sql) }}
{% endmacro %}


{% macro text_type() %}{{ return(api.Column.translate_type('string')) }}{% endmacro %}


{#- Updates the planner's statistics on engines whose own come too late: the next statement reads what this one wrote. -#}
{% macro analyze_table(relation) %}{{ adapter.dispatch('analyze_table', 'dbt_drift')(relation) }}{% endmacro %}
{% macro default__analyze_table(relation) %}{% endmacro %}
{% macro postgres__analyze_table(relation) %}{{ dbt_drift.execute('analyze ' ~ relation) }}{% endmacro %}
