{#- The lock is one row that stays. A run takes it by a compare-and-set: it becomes the owner if the row has none, or one that is dead.
    The owner renews the row, and leaves it without an owner at its end. A row past its `expires_at` belongs to a dead run; only the
    warehouse's clock counts. `turn` counts how often the lock was taken: as long as it stands still, no other run has written.

    A run renews the row in each transaction that writes, and stops if it is no longer the owner. On Postgres, this locks the row until
    the transaction ends, so no other run can take the lock from a transaction under way, however long it lasts. On DuckDB, only one
    process has the file open. On other engines, long work gets a long lease before it begins. -#}

{% macro create_lock(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(
       dbt_drift.lock_relation(ledger), 'turn bigint, invocation_id ' ~ text ~ ', command ' ~ text ~ ', host ' ~ text ~ ', pid bigint, process '
       ~ text ~ ', taken_at timestamp, seen_at timestamp, expires_at timestamp') }}
  {{ dbt_drift.restore_lock(ledger) }}
{% endmacro %}


{#- Inserts the row if somebody has deleted it. -#}
{% macro restore_lock(ledger) %}
  {% set lock = dbt_drift.lock_relation(ledger) %}
  {{ dbt_drift.execute('insert into ' ~ lock ~ ' (turn) select 0 where not exists (select 1 from ' ~ lock ~ ')') }}
{% endmacro %}


{#- Takes the lock if it is free, and returns its turn; none if another run has it. `run`: invocation_id, command, host, pid, process;
    `dead`: a run that is known to have ended, whose lock counts as expired, or none. -#}
{% macro take_lock(ledger, run, dead) %}
  {% set clock, settings = dbt_drift.clock(), [] %}
  {% for name in run %}{% do settings.append(name ~ ' = ' ~ get_binding_char()) %}{% endfor %}
  {% set taken = adapter.add_query(
       'update ' ~ dbt_drift.lock_relation(ledger) ~ ' set turn = turn + 1, ' ~ settings | join(', ') ~ ', taken_at = ' ~ clock
       ~ ', seen_at = ' ~ clock ~ ', expires_at = ' ~ dbt.dateadd('second', dbt_drift.lease(), clock)
       ~ ' where ' ~ dbt_drift.is_free(ledger, dead) ~ ' returning turn',
       auto_begin=False, bindings=run.values() | list, abridge_sql_log=True)[1].fetchall() %}
  {{ return(taken[0][0] if taken else none) }}
{% endmacro %}


{% macro is_free(ledger, dead) %}{{ return(adapter.dispatch('is_free', 'dbt_drift')(ledger, dead)) }}{% endmacro %}
{% macro default__is_free(ledger, dead) -%}
  (invocation_id is null or expires_at < {{ dbt_drift.clock() }}{{ " or invocation_id = '" ~ dead ~ "'" if dead }})
{%- endmacro %}
{#- A row with an owner that a transaction has locked belongs to a run that lives, although its renewal is not visible yet. A row without
    one is locked by a post-hook that stages: its end is waited for. -#}
{% macro postgres__is_free(ledger, dead) -%}
  {%- set lock = dbt_drift.lock_relation(ledger) -%}
  (turn in (select turn from {{ lock }} where invocation_id is null for update)
   or turn in (select turn from {{ lock }} where invocation_id is not null and {{ dbt_drift.default__is_free(ledger, dead) }}
               for update skip locked))
{%- endmacro %}


{#- Keeps runs from taking the lock until the transaction ends, for a post-hook. Returns whether the lock is free. -#}
{% macro hold_free_lock(ledger) %}{{ return(adapter.dispatch('hold_free_lock', 'dbt_drift')(ledger)) }}{% endmacro %}
{#- Only one process has DuckDB's file open. -#}
{% macro default__hold_free_lock(ledger) %}
  {{ return(not dbt_drift.rows_of(dbt_drift.lock_sql(ledger)) | selectattr(8, 'false') | list) }}
{% endmacro %}
{% macro postgres__hold_free_lock(ledger) %}
  {{ return(dbt_drift.rows_of(
       'select turn from ' ~ dbt_drift.lock_relation(ledger) ~ ' where ' ~ dbt_drift.default__is_free(ledger, none)
       ~ ' for update skip locked') | length > 0) }}
{% endmacro %}


{#- The run that holds the lock, and whether the lock has expired; no row if it is free. -#}
{% macro lock_sql(ledger) %}
  select invocation_id, command, host, pid, process, taken_at, seen_at, expires_at, expires_at < {{ dbt_drift.clock() }} as is_expired
  from {{ dbt_drift.lock_relation(ledger) }}
  where invocation_id is not null
{% endmacro %}


{#- Renews the lock for the lease, or for as long as long work may take (`working`). Returns whether the run has the lock. -#}
{% macro renew_lock(ledger, invocation_id, working) %}
  {{ return(dbt_drift.rows_of(
       'update ' ~ dbt_drift.lock_relation(ledger) ~ ' set seen_at = ' ~ dbt_drift.clock() ~ ', expires_at = '
       ~ dbt.dateadd('second', dbt_drift.working_lease() if working else dbt_drift.lease(), dbt_drift.clock())
       ~ " where invocation_id = '" ~ invocation_id ~ "' returning invocation_id") | length > 0) }}
{% endmacro %}


{% macro release_lock(ledger, invocation_id) %}
  {{ dbt_drift.execute(
       'update ' ~ dbt_drift.lock_relation(ledger) ~ " set invocation_id = null where invocation_id = '" ~ invocation_id ~ "'") }}
{% endmacro %}


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
