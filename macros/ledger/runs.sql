{#- The history of runs, with inserts only: a run adds one row at its start, with the status `running`, and one at its end. A run
    without a second row that does not hold the lock was killed. -#}

{% macro create_history(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(dbt_drift.runs_relation(ledger), 'invocation_id ' ~ text ~ ', command ' ~ text ~ ', status ' ~ text ~ ', dbt_drift_version ' ~ text ~ ', target ' ~ text
       ~ ', drift_url ' ~ text ~ ', host ' ~ text ~ ', pid bigint, started_at timestamp, finished_at timestamp') }}
  {% set columns = [] %}
  {% for name, type in dbt_drift.run_syncs_columns() %}{% do columns.append(name ~ ' ' ~ type) %}{% endfor %}
  {{ dbt_drift.create_table(dbt_drift.run_syncs_relation(ledger), columns | join(', ')) }}
{% endmacro %}


{#- The columns of the counts of a sync, in order: [[name, type]]. -#}
{% macro run_syncs_columns() %}
  {% set columns = [] %}
  {% for name in ['invocation_id', 'unique_id', 'name', 'status', 'message'] %}{% do columns.append([name, dbt_drift.text_type()]) %}{% endfor %}
  {% for name in ['rows_read', 'rows_unchanged', 'rows_sent', 'rows_suppressed', 'rows_missing', 'rows_invalid', 'rows_rejected', 'rows_given_up', 'rows_unfinished',
                  'rows_departed', 'created', 'updated', 'matched', 'tags_added', 'tags_removed', 'requests', 'throttled'] %}
    {% do columns.append([name, 'bigint']) %}
  {% endfor %}
  {{ return(columns + [['seconds', 'float'], ['finished_at', 'timestamp']]) }}
{% endmacro %}


{% macro start_run(ledger, run) %}
  {{ dbt_drift.insert_row(dbt_drift.runs_relation(ledger), dict(run, status='running'), ['started_at']) }}
{% endmacro %}


{% macro finish_run(ledger, invocation_id, status) %}
  {% set runs = dbt_drift.runs_relation(ledger) %}
  {% set kept = 'invocation_id, command, dbt_drift_version, target, drift_url, host, pid, started_at' %}
  {{ dbt_drift.execute('insert into ' ~ runs ~ ' (' ~ kept ~ ', status, finished_at) select ' ~ kept ~ ", '" ~ status ~ "', "
       ~ dbt_drift.utc_now() ~ ' from ' ~ runs ~ " where invocation_id = '" ~ invocation_id ~ "' and finished_at is null") }}
{% endmacro %}


{% macro record_sync(ledger, counts) %}
  {{ dbt_drift.insert_row(dbt_drift.run_syncs_relation(ledger), counts, ['finished_at']) }}
{% endmacro %}


{#- The last runs, the latest first, one row each; `running` if the end is not recorded. -#}
{% macro runs_sql(ledger, most) %}
  select
    invocation_id, command, dbt_drift_version, target, drift_url, host, pid, started_at,
    max(finished_at) as finished_at,
    coalesce(max(case when finished_at is not null then status end), 'running') as status
  from {{ dbt_drift.runs_relation(ledger) }}
  group by invocation_id, command, dbt_drift_version, target, drift_url, host, pid, started_at
  order by started_at desc, invocation_id asc
  limit {{ most }}
{% endmacro %}


{#- The counts of the syncs of these runs, in the order in which they ended. -#}
{% macro run_syncs_sql(ledger, invocation_ids) %}
  {%- set columns = [] -%}
  {#- A run before a count existed has none. -#}
  {%- for name, type in dbt_drift.run_syncs_columns() if name != 'finished_at' -%}
    {%- do columns.append('coalesce(' ~ name ~ ', 0)' if type == 'bigint' else name) -%}
  {%- endfor -%}
  select {{ columns | join(', ') }}
  from {{ dbt_drift.run_syncs_relation(ledger) }}
  where invocation_id in ('{{ invocation_ids | join("', '") }}')
  order by finished_at asc
{% endmacro %}


{#- One row: `values` by column, as bound parameters; `stamped` columns get the time. -#}
{% macro insert_row(relation, values, stamped) %}
  {% set marks = [get_binding_char()] * values | length + [dbt_drift.utc_now()] * stamped | length %}
  {% do adapter.add_query(
       'insert into ' ~ relation ~ ' (' ~ (values.keys() | list + stamped) | join(', ') ~ ') values (' ~ marks | join(', ') ~ ')',
       auto_begin=False, bindings=values.values() | list, abridge_sql_log=True) %}
{% endmacro %}
