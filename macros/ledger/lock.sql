{#- The lock is one row, which the run that holds it renews. A row past its `expires_at` belongs to a dead run; only the warehouse's
    clock counts.

    A run renews the row in each transaction that writes, and stops if the row is gone. On Postgres, this locks the row until the
    transaction ends, so no other run can take the lock from a transaction under way, however long it lasts. On DuckDB, only one
    process has the file open. On other engines, long work gets a long lease before it begins. -#}

{% macro create_lock(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(
       dbt_drift.lock_relation(ledger), 'invocation_id ' ~ text ~ ', command ' ~ text ~ ', host ' ~ text ~ ', pid bigint, process ' ~ text
       ~ ', taken_at timestamp, seen_at timestamp, expires_at timestamp') }}
{% endmacro %}


{#- Takes the lock if it is free. `run`: invocation_id, command, host, pid, process; `dead`: a run that is known to have ended, whose
    lock counts as expired, or none. `lock_sql` says who has it now: if an engine lets two in at once, the first one. -#}
{% macro take_lock(ledger, run, dead) %}
  {{ dbt_drift.one_at_a_time(ledger) }}
  {{ dbt_drift.drop_expired_lock(ledger, dead) }}
  {% set lock = dbt_drift.lock_relation(ledger) %}
  {% set clock = dbt_drift.clock() %}
  {% do adapter.add_query(
       'insert into ' ~ lock ~ ' (' ~ run.keys() | join(', ') ~ ', taken_at, seen_at, expires_at) select '
       ~ ([get_binding_char()] * run | length) | join(', ') ~ ', ' ~ clock ~ ', ' ~ clock ~ ', '
       ~ dbt.dateadd('second', dbt_drift.lease(), clock) ~ ' where not exists (select 1 from ' ~ lock ~ ')',
       auto_begin=False, bindings=run.values() | list, abridge_sql_log=True) %}
{% endmacro %}


{#- The run that holds the lock, and whether the lock has expired. -#}
{% macro lock_sql(ledger) %}
  select invocation_id, command, host, pid, process, taken_at, seen_at, expires_at, expires_at < {{ dbt_drift.clock() }} as is_expired
  from {{ dbt_drift.lock_relation(ledger) }}
  order by taken_at asc, invocation_id asc
  limit 1
{% endmacro %}


{#- Renews the lock for the lease, or for as long as long work may take (`working`). Returns whether the run has the lock. -#}
{% macro renew_lock(ledger, invocation_id, working) %}
  {{ return(dbt_drift.rows_of(
       'update ' ~ dbt_drift.lock_relation(ledger) ~ ' set seen_at = ' ~ dbt_drift.clock() ~ ', expires_at = '
       ~ dbt.dateadd('second', dbt_drift.working_lease() if working else dbt_drift.lease(), dbt_drift.clock())
       ~ " where invocation_id = '" ~ invocation_id ~ "' returning invocation_id") | length > 0) }}
{% endmacro %}


{% macro release_lock(ledger, invocation_id) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.lock_relation(ledger) ~ " where invocation_id = '" ~ invocation_id ~ "'") }}
{% endmacro %}


{% macro drop_expired_lock(ledger, dead) %}{{ adapter.dispatch('drop_expired_lock', 'dbt_drift')(ledger, dead) }}{% endmacro %}
{% macro default__drop_expired_lock(ledger, dead) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.lock_relation(ledger) ~ ' where ' ~ dbt_drift.is_over(dead)) }}
{% endmacro %}
{#- A row that a transaction has locked belongs to a run that lives, although its renewal is not visible yet. -#}
{% macro postgres__drop_expired_lock(ledger, dead) %}
  {% set lock = dbt_drift.lock_relation(ledger) %}
  {{ dbt_drift.execute('delete from ' ~ lock ~ ' where invocation_id in (select invocation_id from ' ~ lock ~ ' where '
       ~ dbt_drift.is_over(dead) ~ ' for update skip locked)') }}
{% endmacro %}

{% macro is_over(dead) -%}
  expires_at < {{ dbt_drift.clock() }}{{ " or invocation_id = '" ~ dead ~ "'" if dead }}
{%- endmacro %}


{#- The seconds without a sign of life after which a run counts as dead. A run gives one about every 20 seconds. -#}
{% macro lease() %}{{ return(120) }}{% endmacro %}

{#- The same during long work, in which the run cannot give a sign of life. -#}
{% macro working_lease() %}{{ return(adapter.dispatch('working_lease', 'dbt_drift')()) }}{% endmacro %}
{% macro default__working_lease() %}{{ return(6 * 3600) }}{% endmacro %}
{% macro postgres__working_lease() %}{{ return(dbt_drift.lease()) }}{% endmacro %}
{% macro duckdb__working_lease() %}{{ return(dbt_drift.lease()) }}{% endmacro %}


{#- The time in UTC when the statement runs; `utc_now` may be that of the transaction's begin. -#}
{% macro clock() %}{{ return(adapter.dispatch('clock', 'dbt_drift')()) }}{% endmacro %}
{% macro default__clock() %}{{ return(dbt_drift.utc_now()) }}{% endmacro %}
{% macro postgres__clock() %}{{ return("cast(clock_timestamp() at time zone 'UTC' as timestamp)") }}{% endmacro %}
