{#- For on-run-end: prints the changes that post-hooks have staged and `dbt-drift sync` has not sent yet.

        on-run-end: ["{{ dbt_drift.print_waiting() }}"]
-#}
{% macro print_waiting() %}
  {% set ledger = dbt_drift.project_ledger() %}
  {% if execute and adapter.get_relation(ledger.database, ledger.schema, dbt_drift.staged_relation(ledger).identifier) %}
    {% set staged = dbt_drift.rows_of(
         'select syncs.unique_id, syncs.spec from ' ~ dbt_drift.saved_syncs_relation(ledger) ~ ' as syncs join '
         ~ dbt_drift.staged_relation(ledger) ~ ' as staged on staged.slug = syncs.slug order by syncs.unique_id') %}
    {% set lines = [] %}
    {% for unique_id, spec in staged %}
      {% set words = dbt_drift.waiting_words(fromjson(spec)) %}
      {% if words %}{% do lines.append('dbt-drift: ' ~ unique_id.split('.')[2:] | join('.') ~ ': ' ~ words) %}{% endif %}
    {% endfor %}
    {% for line in lines %}{% do log(line, info=true) %}{% endfor %}
    {% if lines %}
      {% do log('dbt-drift: send it with `dbt-drift sync`, look at it with `dbt-drift plan`', info=true) %}
    {% endif %}
  {% endif %}
{% endmacro %}


{#- The content of a stage in words; empty if the stage is empty. -#}
{% macro waiting_words(sync) %}
  {% set rows, suppressed, differing, sendable, new, changed, departed = dbt_drift.rows_of(dbt_drift.counts_sql(sync))[0][:7] %}
  {% set numbers = {'new': new, 'changed': changed, 'leaving': departed, 'that cannot be sent': differing + departed - sendable} %}
  {% set words = [] %}
  {% for noun, number in numbers.items() if number %}{% do words.append(number ~ ' ' ~ noun) %}{% endfor %}
  {{ return(words | join(', ')) }}
{% endmacro %}
