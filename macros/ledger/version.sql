{#- The version of the ledger's tables. A later version migrates an older ledger, in steps that are safe to run again. -#}

{#- Brings the ledger forward to this program's version: creates what is missing. Run inside a
    transaction where the engine has them. `tables`: those that the ledger has, {table: [column]}. -#}
{% macro bring_forward(ledger, dbt_drift_version, tables) %}
  {% set newest = dbt_drift.ledger_version() %}
  {{ dbt_drift.one_at_a_time(ledger) }}
  {% do create_schema(dbt_drift.ledger_schema(ledger)) %}
  {#- A table that somebody has dropped is created again, empty. -#}
  {{ dbt_drift.create_shared_tables(ledger) }}
  {% set history = dbt_drift.run_syncs_relation(ledger) %}
  {% for name, type in dbt_drift.lost_columns(tables) if history.identifier in tables %}
    {{ dbt_drift.execute('alter table ' ~ history ~ ' add column ' ~ name ~ ' ' ~ type) }}
  {% endfor %}
  {% if not dbt_drift.rows_of(dbt_drift.version_sql(ledger)) %}
    {{ dbt_drift.insert_row(
         dbt_drift.version_relation(ledger), {'version': newest, 'dbt_drift_version': dbt_drift_version}, ['migrated_at']) }}
  {% endif %}
{% endmacro %}


{#- The version that this program writes. -#}
{% macro ledger_version() %}{{ return(1) }}{% endmacro %}


{#- The shared tables that are not among these. -#}
{% macro lost_tables(tables) %}
  {% set shared = ['drift_destination', 'drift_organisation', 'drift_contacts', 'drift_lock', 'drift_runs', 'drift_run_syncs', 'drift_syncs', 'drift_staged',
                   'drift_audiences', 'drift_attributes'] %}
  {{ return(shared | reject('in', tables | map('lower') | list) | list) }}
{% endmacro %}


{#- The columns that the history of an older version lacks, [[name, type]]. `tables`: {table: [column]}. -#}
{% macro lost_columns(tables) %}
  {% set present = tables.get('drift_run_syncs', []) %}
  {{ return(dbt_drift.run_syncs_columns() | rejectattr(0, 'in', present) | list) }}
{% endmacro %}


{#- The last version and the version of dbt-drift that wrote it; no row if none is recorded. -#}
{% macro version_sql(ledger) %}
  select version, dbt_drift_version from {{ dbt_drift.version_relation(ledger) }} order by version desc limit 1
{% endmacro %}


{#- The tables that all syncs share. -#}
{% macro create_shared_tables(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(dbt_drift.version_relation(ledger), 'version bigint, dbt_drift_version ' ~ text ~ ', migrated_at timestamp') }}
  {{ dbt_drift.create_table(dbt_drift.destination_relation(ledger), 'api_url ' ~ text) }}
  {{ dbt_drift.create_table(
       dbt_drift.organisation_relation(ledger), 'organisation ' ~ text ~ ', target ' ~ text ~ ', pinned_at timestamp') }}
  {% set contacts = [] %}
  {% for name, type in dbt_drift.contacts_columns() %}{% do contacts.append(name ~ ' ' ~ type) %}{% endfor %}
  {{ dbt_drift.create_table(dbt_drift.contacts_relation(ledger), contacts | join(', ')) }}
  {{ dbt_drift.create_table(
       dbt_drift.audiences_relation(ledger), 'slug ' ~ text ~ ', model ' ~ text ~ ', match_on ' ~ text ~ ', state ' ~ text
       ~ ', tag_name ' ~ text ~ ', mode ' ~ text ~ ', tag_from ' ~ text) }}
  {{ dbt_drift.create_table(
       dbt_drift.attributes_relation(ledger), 'name ' ~ text ~ ', label ' ~ text ~ ', type ' ~ text) }}
  {{ dbt_drift.create_lock(ledger) }}
  {{ dbt_drift.create_history(ledger) }}
  {{ dbt_drift.create_saved_syncs(ledger) }}
{% endmacro %}


{#- Lets one connection through at a time, until its transaction ends: on Postgres, `if not exists` fails if two connections create the
    same thing at once. DuckDB lets only one process open the file. -#}
{% macro one_at_a_time(ledger) %}{{ adapter.dispatch('one_at_a_time', 'dbt_drift')(ledger) }}{% endmacro %}
{% macro default__one_at_a_time(ledger) %}{% endmacro %}
{% macro postgres__one_at_a_time(ledger) %}
  {{ dbt_drift.execute("select pg_advisory_xact_lock(hashtextextended('dbt_drift " ~ ledger.schema | replace("'", "''") ~ "', 0))") }}
{% endmacro %}


{#- One row for each table of the ledger: its name, its number of rows, its size in bytes (null if unknown). -#}
{% macro sizes_sql(ledger, tables) %}
  {#- Row 0 of a journal says that sending has begun. It is no answer. #}
  {% for table in tables %}
  {%- set relation = dbt_drift.ledger_relation(ledger, table) %}
  select '{{ table }}' as name, {{ 'count(nullif(seq, 0))' if table.endswith('__journal') else 'count(*)' }} as row_count, {{ dbt_drift.bytes_of(relation) }} as byte_count from {{ relation }}
  {{- ' union all' if not loop.last }}
  {% endfor %}
{% endmacro %}

{% macro bytes_of(relation) %}{{ return(adapter.dispatch('bytes_of', 'dbt_drift')(relation)) }}{% endmacro %}
{% macro default__bytes_of(relation) %}{{ return('cast(null as bigint)') }}{% endmacro %}
{% macro postgres__bytes_of(relation) %}{{ return('pg_total_relation_size(' ~ dbt_drift.text_literal(relation | string) ~ ')') }}{% endmacro %}
