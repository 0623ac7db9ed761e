{#- Appends Drift's answers: one row for each contact, as bound parameters, as dbt loads seeds. Every engine has inserts. `entries` is a list of [stage_id, seq, contact_id, status, attributes_accepted, tags_accepted, reason, message, confirmed_columns]. -#}
{% macro journal(sync, entries) %}
  {% set values = [] %}
  {% set bindings = [] %}
  {% set mark = get_binding_char() %}
  {% for entry in entries %}
    {% do values.append('(' ~ ([mark] * 9) | join(', ') ~ ', ' ~ dbt_drift.utc_now() ~ ')') %}
    {% do bindings.extend(entry) %}
  {% endfor %}
  {% do adapter.add_query(
       'insert into ' ~ dbt_drift.journal_relation(sync)
       ~ ' (stage_id, seq, contact_id, status, attributes_accepted, tags_accepted, reason, message, confirmed_columns, journaled_at) values '
       ~ values | join(', '),
       auto_begin=False, bindings=bindings, abridge_sql_log=True) %}
{% endmacro %}


{% macro utc_now() %}{{ return(adapter.dispatch('utc_now', 'dbt_drift')()) }}{% endmacro %}
{% macro default__utc_now() %}{{ return("cast(current_timestamp at time zone 'UTC' as timestamp)") }}{% endmacro %}
