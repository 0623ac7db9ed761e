{#- Appends Drift's answers, one row for each contact: one statement, which writes nothing if the run is not the lock's `owner`. Returns
    whether it has written. `entries` is a list of
    [stage_id, seq, contact_id, status, attributes_accepted, tags_accepted, reason, message, confirmed_columns], as bound parameters.

    An answer belongs to its stage, so one that a run writes late, after it has lost the lock, is never folded with those of another. -#}
{% macro journal(sync, entries, owner) %}
  {% set values, bindings, mark = [], [], get_binding_char() %}
  {% for entry in entries %}
    {% set marks = [] %}
    {#- The first row gives all rows their types: a bound null has none. #}
    {% for name, type in dbt_drift.journal_columns() if name != 'journaled_at' %}
      {% do marks.append('cast(' ~ mark ~ ' as ' ~ type ~ ')' if not values else mark) %}
    {% endfor %}
    {% do values.append('(' ~ marks | join(', ') ~ ')') %}
    {% do bindings.extend(entry) %}
  {% endfor %}
  {% set names = dbt_drift.journal_columns() | map('first') | reject('equalto', 'journaled_at') | join(', ') %}
  {% set written = adapter.add_query(
       'insert into ' ~ dbt_drift.journal_relation(sync) ~ ' (' ~ names ~ ', journaled_at) select ' ~ names ~ ', ' ~ dbt_drift.utc_now()
       ~ ' from (values ' ~ values | join(', ') ~ ') as answers (' ~ names ~ ') where exists (select 1 from '
       ~ dbt_drift.lock_relation(sync.ledger) ~ " where invocation_id = '" ~ owner ~ "') returning seq",
       auto_begin=False, bindings=bindings, abridge_sql_log=True)[1].fetchall() %}
  {{ return(written | length > 0) }}
{% endmacro %}


{% macro utc_now() %}{{ return(adapter.dispatch('utc_now', 'dbt_drift')()) }}{% endmacro %}
{% macro default__utc_now() %}{{ return("cast(current_timestamp at time zone 'UTC' as timestamp)") }}{% endmacro %}
