{#- The queries whose rows Python reads. Each macro returns its SQL; the rows come through the driver's cursor. -#}

{#- One page of the contacts to send: the rows with numbers from `after` + 1 to `upto`. -#}
{% macro page_sql(sync, after, upto, delta) %}
  {%- set states = (sync.attributes + sync.audiences) | map(attribute='state') | list -%}
  select seq, action, contact_key, contact_id
    {%- for state in states %}, {{ state }}, old_{{ state }}{% endfor %}
  from {{ dbt_drift.delta_relation(sync, delta) }}
  where seq > {{ after }} and seq <= {{ upto }} and reason is null
  order by seq asc
{% endmacro %}


{#- One row of counts: the model's rows, those that are suppressed, then the delta's: differing rows, sendable rows, contacts without a remembered id,
    contacts with one, departed contacts, rows that cannot be sent; for each attribute the contacts in which it is new or changed; for each audience the
    tags to set and to take away; for each attribute that clears, the values to take away. -#}
{% macro counts_sql(sync, delta='delta', everyone_left=false, keys=none) %}
  {%- set rows = dbt_drift.model_relation(sync) if keys is none else '(' ~ dbt_drift.keys_sql(sync, keys) ~ ') as keyed' %}
  select
    {{ '0' if everyone_left else '(select count(*) from ' ~ rows ~ ')' }},
    {{ '0' if everyone_left else dbt_drift.suppressed_count_sql(sync, keys) }},
    count(case when action = 'upsert' then 1 end),
    count(case when reason is null then 1 end),
    count(case when reason is null and contact_id is null and action = 'upsert' then 1 end),
    count(case when reason is null and contact_id is not null and action = 'upsert' then 1 end),
    count(case when reason is null and action = 'leave' then 1 end),
    count(reason)
    {%- for attribute in sync.attributes %},
    {%- if attribute.is_key %}
    count(case when reason is null and contact_id is null and {{ attribute.state }} is not null then 1 end)
    {%- else %}
    count(case when reason is null and ({{ dbt_drift.differs(attribute.state, 'old_' ~ attribute.state, attribute.is_email) }}) then 1 end)
    {%- endif %}
    {%- endfor %}
    {%- for audience in sync.audiences %}
    {%- for sign in ['+', '-'] %},
    count(case when reason is null and {{ audience.state }} = '{{ sign }}' and coalesce(old_{{ audience.state }}, '') <> '{{ sign }}' then 1 end)
    {%- endfor %}
    {%- endfor %}
    {%- for attribute in sync.attributes if attribute.clears %},
    count(case when reason is null and {{ attribute.state }} = 'null' and {{ dbt_drift.has_value('old_' ~ attribute.state) }} then 1 end)
    {%- endfor %}
  from {{ dbt_drift.delta_relation(sync, delta) }}
{% endmacro %}


{#- Of how many contacts it is remembered that they carry each tag because of this sync, and then, of how many that they have a
    value of each attribute that clears: one row. -#}
{% macro accepted_counts_sql(sync) %}
  select
    count(*)
    {%- for audience in sync.audiences %},
    count(case when {{ dbt_drift.was_set(audience.state) }} then 1 end)
    {%- endfor %}
    {%- for attribute in sync.attributes if attribute.clears %},
    count(case when {{ dbt_drift.has_value(attribute.state) }} then 1 end)
    {%- endfor %}
  from {{ dbt_drift.accepted_relation(sync) }}
{% endmacro %}


{#- Whether Drift accepted a value, and not that it be cleared. -#}
{% macro has_value(accepted) -%}
  coalesce({{ accepted }}, 'null') <> 'null'
{%- endmacro %}


{#- What earlier runs and the post-hook have left of a sync, in one row: the entries of the journal, the rejected rows, the stage of the
    post-hook and the hash of its spec, and the number of rows of the model in its last complete sync. -#}
{% macro left_sql(sync) %}
  {%- set of_sync = " where slug = '" ~ sync.slug ~ "'" %}
  select
    (select count(*) from {{ dbt_drift.journal_relation(sync) }}),
    (select count(*) from {{ dbt_drift.rejected_relation(sync) }}),
    (select max(stage_id) from {{ dbt_drift.staged_relation(sync.ledger) ~ of_sync }}),
    (select max(spec_hash) from {{ dbt_drift.staged_relation(sync.ledger) ~ of_sync }}),
    (select rows_read
     from {{ dbt_drift.run_syncs_relation(sync.ledger) }}
     where unique_id = {{ dbt_drift.text_literal(sync.unique_id) }} and status in ('success', 'warn')
       and invocation_id in (select invocation_id from {{ dbt_drift.runs_relation(sync.ledger) }} where command in ('sync', 'rebuild'))
     order by finished_at desc
     limit 1)
{% endmacro %}


{#- Rows that cannot be sent: key, reason, attribute, key as written, id of the row. -#}
{% macro invalid_sql(sync, most, delta) %}
  select contact_key, reason, attribute, key_as_written, row_id
  from {{ dbt_drift.delta_relation(sync, delta) }}
  where reason is not null and not is_given_up
  order by seq asc
  limit {{ most }}
{% endmacro %}


{#- How many rows cannot be sent or are given up, by reason; contacts whose row has left the model are no rows. -#}
{% macro reason_counts_sql(sync, delta) %}
  select reason, is_given_up, count(*) from {{ dbt_drift.delta_relation(sync, delta) }}
  where reason is not null and (not is_given_up or action = 'upsert')
  group by reason, is_given_up order by reason
{% endmacro %}


{#- The reasons of the rows that were given up. -#}
{% macro given_up_reasons_sql(sync) %}
  select distinct reason from {{ dbt_drift.rejected_relation(sync) }} where given_up
{% endmacro %}


{#- What a delta would send, as numbers that differ if a row, a value or the accepted value before it differs, whatever the order: the
    number of contacts, and two sums over a hash of each. Drift ids are left out, because another sync of the same run may learn them. -#}
{% macro digest_sql(sync, delta='delta') %}
  {%- set states = [] -%}
  {%- for state in (sync.attributes + sync.audiences) | map(attribute='state') -%}
    {%- do states.extend([state, 'old_' ~ state]) -%}
  {%- endfor -%}
  {%- set row = "delta_rows.action || ' ' || " ~ dbt.hash('delta_rows.contact_key') ~ " || ' ' || " ~ dbt_drift.fingerprint('delta_rows', states) -%}
  select count(*), coalesce(sum({{ dbt_drift.hex_number('hash', 1) }}), 0), coalesce(sum({{ dbt_drift.hex_number('hash', 16) }}), 0)
  from (select {{ dbt.hash(row) }} as hash from {{ dbt_drift.delta_relation(sync, delta) }} as delta_rows where reason is null) as hashed
{% endmacro %}

{#- Fifteen hexadecimal digits of a text as a number. -#}
{% macro hex_number(hex, start) %}{{ return(adapter.dispatch('hex_number', 'dbt_drift')(hex, start)) }}{% endmacro %}
{% macro duckdb__hex_number(hex, start) %}{{ return("cast('0x' || substr(" ~ hex ~ ', ' ~ start ~ ', 15) as bigint)') }}{% endmacro %}
{% macro postgres__hex_number(hex, start) %}{{ return("cast(cast('x' || substr(" ~ hex ~ ', ' ~ start ~ ', 15) as bit(60)) as bigint)') }}{% endmacro %}
