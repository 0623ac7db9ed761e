{#- The incidents that people were told of and that are not over. The table is made where alerts are configured: `open_alerts`. -#}

{% macro open_alerts(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.one_at_a_time(ledger) }}
  {% do create_schema(dbt_drift.ledger_schema(ledger)) %}
  {{ dbt_drift.create_table(
       dbt_drift.alerts_relation(ledger), 'channel ' ~ text ~ ', unique_id ' ~ text ~ ', name ' ~ text ~ ', kind ' ~ text ~ ', thread ' ~ text
       ~ ', opened_at timestamp') }}
{% endmacro %}


{% macro alerts_sql(ledger) %}
  select channel, unique_id, name, kind, thread, opened_at from {{ dbt_drift.alerts_relation(ledger) }} order by opened_at, unique_id, kind
{% endmacro %}


{#- Remembers what a channel was told. `opened`: rows to insert; `closed`: those to delete, by unique_id and kind. -#}
{% macro remember_alerts(ledger, channel, opened, closed) %}
  {% set alerts, mark = dbt_drift.alerts_relation(ledger), get_binding_char() %}
  {% for row in closed %}
    {% do adapter.add_query(
         'delete from ' ~ alerts ~ ' where channel = ' ~ mark ~ ' and unique_id = ' ~ mark ~ ' and kind = ' ~ mark,
         auto_begin=False, bindings=[channel, row.unique_id, row.kind], abridge_sql_log=True) %}
  {% endfor %}
  {% for row in opened %}{{ dbt_drift.insert_row(alerts, dict(row, channel=channel), ['opened_at']) }}{% endfor %}
{% endmacro %}


{#- What is usual for each of these syncs: unique_id, then the number of its last `most` successful runs but the one that is judged, the
    medians of their rows read, rows sent and seconds; the ends of its last successful run and of its first run, and the time. -#}
{% macro usual_sql(ledger, invocation_id, unique_ids, most) %}
  {%- set ids = [] -%}
  {%- for unique_id in unique_ids %}{% do ids.append(dbt_drift.text_literal(unique_id)) %}{% endfor -%}
  {%- set median = 'percentile_cont(0.5) within group (order by ' -%}
  with every_run as (
    select unique_id, status, rows_read, rows_sent, seconds, finished_at, invocation_id
    from {{ dbt_drift.run_syncs_relation(ledger) }}
    where unique_id in ({{ ids | join(', ') }})
      and invocation_id in (select invocation_id from {{ dbt_drift.runs_relation(ledger) }} where command = 'sync')
  ),
  numbered as (
    select *, row_number() over (partition by unique_id order by finished_at desc) as number
    from every_run
    where status in ('success', 'warn') and invocation_id <> {{ dbt_drift.text_literal(invocation_id) }}
  ),
  medians as (
    select unique_id, count(*) as runs, {{ median }}rows_read) as usually_read, {{ median }}rows_sent) as usually_sent, {{ median }}seconds) as usual_seconds
    from numbered
    where number <= {{ most }}
    group by unique_id
  ),
  ends as (
    select unique_id, max(case when status in ('success', 'warn') then finished_at end) as succeeded_at, min(finished_at) as first_at
    from every_run
    group by unique_id
  )
  select ends.unique_id, coalesce(runs, 0), usually_read, usually_sent, usual_seconds, succeeded_at, first_at, {{ dbt_drift.utc_now() }}
  from ends left join medians on medians.unique_id = ends.unique_id
{% endmacro %}
