{#- The queries of `dbt-drift report`, each over one sync of the ledger. -#}

{#- How many contacts are remembered, carry each of these tags, and have a value of each of these attributes: one row. -#}
{% macro filled_sql(ledger, slug, tags, attributes) %}
  select
    count(*)
    {%- for state in tags %},
    count(case when {{ dbt_drift.was_set(state) }} then 1 end)
    {%- endfor %}
    {%- for state in attributes %},
    count(case when {{ dbt_drift.has_value(state) }} then 1 end)
    {%- endfor %}
  from {{ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') }}
{% endmacro %}


{#- The rejected rows by reason, most rows first: reason, rows, rows given up, first and last time. -#}
{% macro rejected_reasons_sql(ledger, slug) %}
  select reason, count(*), count(case when given_up then 1 end), min(first_rejected_at), max(last_rejected_at)
  from {{ dbt_drift.ledger_relation(ledger, slug ~ '__rejected') }}
  group by reason
  order by 2 desc, 1
{% endmacro %}


{#- The last rejected rows of each reason, at most `most`: reason, key, row_id, attribute, message, tries. -#}
{% macro rejected_examples_sql(ledger, slug, most) %}
  select reason, coalesce(contact_key, key_as_written), row_id, attribute, message, tries
  from (
    select *, row_number() over (partition by reason order by last_rejected_at desc, contact_key, key_as_written) as number
    from {{ dbt_drift.ledger_relation(ledger, slug ~ '__rejected') }}
  ) as numbered
  where number <= {{ most }}
  order by reason, number
{% endmacro %}
