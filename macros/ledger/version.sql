{#- The shape of the ledger, as a number. A ledger that was made before the number was kept has none, and passes through every
    migration: each is safe on a ledger that it has reached already. What a migration makes, no other macro makes. -#}

{#- Brings the ledger forward to this program's version: made where it is missing, migrated where it is older. A newer one is
    left alone. `tables`: what the schema holds. Returns [version, program that wrote it]. Run inside a transaction where the engine has them. -#}
{% macro bring_forward(ledger, tables, program) %}
  {{ dbt_drift.one_at_a_time(ledger) }}
  {% do create_schema(dbt_drift.ledger_schema(ledger)) %}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.version_relation(ledger)
       ~ ' (version bigint, program ' ~ dbt_drift.text_type() ~ ', migrated_at timestamp)') }}
  {% set found = run_query(dbt_drift.version_sql(ledger)).rows %}
  {% set version = found[0][0] | int if found | length else 0 %}
  {% set newest = dbt_drift.ledger_version() %}
  {% if version > newest %}{{ return([version, found[0][1]]) }}{% endif %}
  {#- A table that somebody has dropped is made anew, empty: what it held is found out again. -#}
  {% set reached = version if dbt_drift.lost_tables(tables) | length == 0 else 0 %}
  {% if reached < 1 %}{{ dbt_drift.migrate_to_1(ledger) }}{% endif %}
  {% if reached < 2 %}{{ dbt_drift.migrate_to_2(ledger, tables) }}{% endif %}
  {% if reached < 3 %}{{ dbt_drift.migrate_to_3(ledger) }}{% endif %}
  {% if version < newest %}
    {{ dbt_drift.insert_row(dbt_drift.version_relation(ledger), {'version': newest, 'program': program}, ['migrated_at']) }}
  {% endif %}
  {{ return([newest, program]) }}
{% endmacro %}


{#- The version that this program writes. -#}
{% macro ledger_version() %}{{ return(3) }}{% endmacro %}


{#- Which of the tables that all syncs share a schema with these tables lacks. -#}
{% macro lost_tables(tables) %}
  {% set shared = ['drift_destination', 'drift_contacts', 'drift_lock', 'drift_runs', 'drift_run_syncs', 'drift_syncs', 'drift_staged', 'drift_audiences'] %}
  {{ return(shared | reject('in', tables | map('lower') | list) | list) }}
{% endmacro %}


{#- The last version and who wrote it: no row where none is written down. -#}
{% macro version_sql(ledger) %}
  select version, program from {{ dbt_drift.version_relation(ledger) }} order by version desc limit 1
{% endmacro %}


{#- What all syncs share: which Drift this is, and the ids of its contacts. -#}
{% macro migrate_to_1(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.destination_relation(ledger) ~ ' (api_url ' ~ text ~ ')') }}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.contacts_relation(ledger)
       ~ ' (match_on ' ~ text ~ ', contact_key ' ~ text ~ ', contact_id bigint)') }}
{% endmacro %}


{#- The lock and the history of runs; and each journal learns what a look-up found. -#}
{% macro migrate_to_2(ledger, tables) %}
  {{ dbt_drift.create_lock(ledger) }}
  {{ dbt_drift.create_history(ledger) }}
  {{ dbt_drift.create_saved_syncs(ledger) }}
  {% for table in tables if table.endswith('__journal') %}
    {% set journal = dbt_drift.ledger_relation(ledger, table) %}
    {% set present = dbt_drift.columns_in(journal) | map(attribute='name') | map('lower') | list %}
    {% if 'held' not in present %}
      {{ dbt_drift.execute('alter table ' ~ journal ~ ' add column held ' ~ dbt_drift.text_type()) }}
    {% endif %}
  {% endfor %}
{% endmacro %}


{#- Which audiences each sync has had. -#}
{% macro migrate_to_3(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.audiences_relation(ledger) ~ ' (slug ' ~ text ~ ', model ' ~ text
       ~ ', match_on ' ~ text ~ ', state ' ~ text ~ ', tag ' ~ text ~ ', mode ' ~ text ~ ', tag_from ' ~ text ~ ')') }}
{% endmacro %}


{#- Lets one connection through at a time, until its transaction ends: Postgres' `if not exists` fails when two connections make
    the same thing at once. Other engines either are used by one process at a time or make it safe themselves. -#}
{% macro one_at_a_time(ledger) %}{{ adapter.dispatch('one_at_a_time', 'dbt_drift')(ledger) }}{% endmacro %}
{% macro default__one_at_a_time(ledger) %}{% endmacro %}
{% macro postgres__one_at_a_time(ledger) %}
  {{ dbt_drift.execute("select pg_advisory_xact_lock(hashtextextended('dbt_drift " ~ ledger.schema | replace("'", "''") ~ "', 0))") }}
{% endmacro %}


{#- One row a table of the ledger: its name, how many rows it has, how many bytes it takes (null where that is not known). -#}
{% macro sizes_sql(ledger, tables) %}
  {#- Row 0 of a journal says that sending has begun: no answer. #}
  {% for table in tables %}
  {%- set relation = dbt_drift.ledger_relation(ledger, table) %}
  select '{{ table }}' as name, {{ 'count(nullif(seq, 0))' if table.endswith('__journal') else 'count(*)' }} as row_count, {{ dbt_drift.bytes_of(relation) }} as byte_count from {{ relation }}
  {{- ' union all' if not loop.last }}
  {% endfor %}
{% endmacro %}

{% macro bytes_of(relation) %}{{ return(adapter.dispatch('bytes_of', 'dbt_drift')(relation)) }}{% endmacro %}
{% macro default__bytes_of(relation) %}{{ return('cast(null as bigint)') }}{% endmacro %}
{% macro postgres__bytes_of(relation) %}{{ return('pg_total_relation_size(' ~ dbt_drift.text_literal(relation | string) ~ ')') }}{% endmacro %}
