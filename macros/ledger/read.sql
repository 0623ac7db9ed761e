{#- The queries that the sync reads. Each returns its SQL: the rows go to Python through the driver's own cursor. -#}

{#- One page of what can be sent: the rows numbered after `after`, up to and with `upto`, columns in a stated order. -#}
{% macro page_sql(sync, after, upto) %}
  {%- set states = (sync.attributes + sync.audiences) | map(attribute='state') | list -%}
  select seq, action, contact_key, contact_id
    {%- for state in states %}, {{ state }}, old_{{ state }}{% endfor %}
  from {{ dbt_drift.delta_relation(sync) }}
  where seq > {{ after }} and seq <= {{ upto }} and reason is null
  order by seq
{% endmacro %}


{#- One row of counts: the model's rows, then the delta's: differing rows, sendable rows, contacts without a remembered id,
    contacts with one, departed contacts; for each attribute the contacts in which it is new or changed; for each audience the
    tags to set and to take away. -#}
{% macro counts_sql(sync) %}
  select
    {{ '0' if sync.untag else '(select count(*) from ' ~ dbt_drift.model_relation(sync) ~ ')' }},
    count(case when action = 'upsert' then 1 end),
    count(case when reason is null then 1 end),
    count(case when reason is null and contact_id is null then 1 end),
    count(case when reason is null and contact_id is not null and action = 'upsert' then 1 end),
    count(case when reason is null and action = 'leave' then 1 end)
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
  from {{ dbt_drift.delta_relation(sync) }}
{% endmacro %}


{#- Rows that cannot be sent: key, reason, attribute. -#}
{% macro invalid_sql(sync, most) %}
  select contact_key, reason, attribute
  from {{ dbt_drift.delta_relation(sync) }}
  where reason is not null and not is_held
  order by seq
  limit {{ most }}
{% endmacro %}


{#- How many rows cannot be sent, by reason. -#}
{% macro invalid_counts_sql(sync) %}
  select reason, count(*) from {{ dbt_drift.delta_relation(sync) }}
  where reason is not null and not is_held group by reason order by reason
{% endmacro %}


{#- How many rows are held back, by the reason of their last try; contacts whose row has left the model are no rows. -#}
{% macro held_counts_sql(sync) %}
  select reason, count(*) from {{ dbt_drift.delta_relation(sync) }}
  where is_held and action = 'upsert' group by reason order by reason
{% endmacro %}
