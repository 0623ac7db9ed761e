{#- Writes the difference between a model and what Drift last accepted to the delta: one numbered row for each contact with something
    to send, and one for each row that cannot be sent, with the reason. Unchanged rows never leave the warehouse.

    For each attribute and audience of the mapping, a delta row has the wanted wire text (`attr_x`, `tag_x`) and the accepted one
    (`old_attr_x`, `old_tag_x`). NULL wants nothing: a null in the model leaves the value in Drift, unless the field clears.

    `everyone_left`: whether to treat all contacts as if their rows had left the model, which is then not read.

    The difference is a separate statement, so that all later steps work on the rows that differ, and the planner knows how few. -#}
{% macro stage(sync, stage_id, delta='delta', everyone_left=false) %}
  {% do dbt_drift.compare(sync, delta, everyone_left) %}
  {{ dbt_drift.write_delta(sync, stage_id, delta) }}
{% endmacro %}


{#- Finds the rows that differ. Returns [the number of the model's rows, how many of them are suppressed, whether any row differs]. Run in a transaction where the engine has them, and
    `write_delta` in the same. `keys`: only the contacts with these keys, or none for all. -#}
{% macro compare(sync, delta='delta', everyone_left=false, keys=none) %}
  {% set relation = dbt_drift.differing_relation(sync, delta) %}
  {{ dbt_drift.create_working_table(relation, dbt_drift.difference_sql(sync, false, everyone_left, keys)) }}
  {% set differing = 'select count(*) from ' ~ relation %}
  {% if everyone_left %}
    {{ return([0, 0, dbt_drift.rows_of(differing)[0][0] > 0]) }}
  {% endif %}
  {% set rows, key_count, distinct_keys, suppressed, found = dbt_drift.rows_of(
       'select keyed.*, ' ~ dbt_drift.suppressed_count_sql(sync, keys) ~ ', (' ~ differing ~ ') from (' ~ dbt_drift.key_counts_sql(dbt_drift.keys_sql(sync, keys)) ~ ') as keyed')[0] %}
  {% if key_count != distinct_keys %}
    {{ dbt_drift.execute('drop table ' ~ relation) }}
    {{ dbt_drift.create_working_table(relation, dbt_drift.difference_sql(sync, true, everyone_left, keys)) }}
  {% endif %}
  {{ return([rows, suppressed, found > 0 or key_count != distinct_keys]) }}
{% endmacro %}


{#- Writes the rows that `compare` has found to the delta. -#}
{% macro write_delta(sync, stage_id, delta='delta') %}
  {% set differing = dbt_drift.differing_relation(sync, delta) %}
  {{ dbt_drift.analyze_table(differing) }}
  {{ dbt_drift.create_table_from(
       dbt_drift.delta_relation(sync, delta), dbt_drift.delta_sql(sync, stage_id, differing),
       is_temporary=sync.slug ~ '__' ~ delta in (sync.ledger.overlaid or [])) }}
  {{ dbt_drift.drop_working_table(differing) }}
  {{ dbt_drift.index_delta(dbt_drift.delta_relation(sync, delta)) }}
{% endmacro %}


{#- The largest number of attributes and audiences of a sync, or none for any number. Each is two columns of the delta, beside the ten
    about the row; a Postgres table has at most 1600. -#}
{% macro most_states() %}{{ return(adapter.dispatch('most_states', 'dbt_drift')()) }}{% endmacro %}
{% macro default__most_states() %}{{ return(none) }}{% endmacro %}
{% macro postgres__most_states() %}{{ return((1600 - 10) // 2) }}{% endmacro %}


{#- Pages are ranges of seq: creates an index on engines where a scan of the delta for each page would be slow. -#}
{% macro index_delta(delta) %}{{ adapter.dispatch('index_delta', 'dbt_drift')(delta) }}{% endmacro %}
{% macro default__index_delta(delta) %}{% endmacro %}
{% macro postgres__index_delta(delta) %}
  {{ dbt_drift.execute('create unique index on ' ~ delta ~ ' (seq)') }}
  {{ dbt_drift.analyze_table(delta) }}
{% endmacro %}


{#- The differing rows with their number, the reason if they cannot be sent, and the Drift id that any sync has learned. A row that
    was given up stays given up until it changes; only rows in the small table of rejected rows are hashed for that. -#}
{% macro delta_sql(sync, stage_id, differing) %}
  {%- set states = (sync.attributes + sync.audiences) | map(attribute='state') | list -%}
  select
    row_number() over (order by case when coalesce(reason, earlier_reason) is null then 0 else 1 end asc, contact_key asc) as seq,
    '{{ stage_id }}' as stage_id,
    action,
    coalesce(reason, earlier_reason) as reason,
    attribute,
    reason is null and earlier_reason is not null as is_given_up,
    contact_key, key_as_written, row_id,
    contact_id
    {%- for state in states %},
    {{ state }}, old_{{ state }}
    {%- endfor %}
  from (
    select
      differing.action,
      {{ dbt_drift.rejection_sql(sync) }},
      differing.contact_key, differing.key_as_written, differing.row_id,
      contacts.contact_id,
      case when given_up_rows.contact_key is null then null
           when given_up_rows.fingerprint = {{ dbt_drift.fingerprint('differing', states) }} then given_up_rows.reason end as earlier_reason
      {%- for state in states %},
      differing.{{ state }}, differing.old_{{ state }}
      {%- endfor %}
    from {{ differing }} as differing
    left join {{ dbt_drift.contacts_relation(sync.ledger) }} as contacts
      on contacts.contact_key = differing.contact_key and contacts.match_on = '{{ sync.match_on }}'
    left join (select contact_key, reason, fingerprint from {{ dbt_drift.rejected_relation(sync) }} where given_up) as given_up_rows
      on given_up_rows.contact_key = differing.contact_key
  ) as judged
{% endmacro %}


{#- Why a row cannot be sent, and the attribute that causes it: two columns, NULL if it can be sent. -#}
{% macro rejection_sql(sync) -%}
  {%- set texts = sync.attributes | selectattr('as_number') | list -%}
  {%- set numbers = sync.attributes | selectattr('kind', 'in', ['decimal', 'float', 'date', 'timestamp', 'timestamptz'])
                                    | rejectattr('as_text') | list -%}
  {%- set nested = sync.attributes | selectattr('kind', 'equalto', 'json') | list -%}
  case
        when differing.contact_key is null then 'missing_key'
        when differing.is_duplicated then 'duplicate_key'
        when differing.action = 'leave' then null
        {%- for attribute in sync.attributes if attribute.is_email %}
        when not ({{ dbt_drift.looks_like_email('substr(differing.' ~ attribute.state ~ ', 2)') }}) then 'malformed_email'
        {%- endfor %}
        {%- for attribute in numbers + nested %}
        when {{ dbt_drift.is_not_finite('differing.' ~ attribute.state) }} then 'not_finite'
        {%- endfor %}
        {%- for attribute in nested %}
        when differing.{{ attribute.state }} = 'inexact' then 'not_exact'
        {%- endfor %}
        {%- for attribute in texts %}
        when left(differing.{{ attribute.state }}, 1) = '"' and differing.{{ attribute.state }} <> coalesce(differing.old_{{ attribute.state }}, '') then 'not_a_number'
        {%- endfor %}
      end as reason,
      case
        when differing.contact_key is null or differing.is_duplicated then '{{ sync.match_on }}'
        when differing.action = 'leave' then null
        {%- for attribute in sync.attributes if attribute.is_email %}
        when not ({{ dbt_drift.looks_like_email('substr(differing.' ~ attribute.state ~ ', 2)') }}) then 'email'
        {%- endfor %}
        {%- for attribute in numbers + nested %}
        when {{ dbt_drift.is_not_finite('differing.' ~ attribute.state) }} then {{ dbt_drift.text_literal(attribute.attribute) }}
        {%- endfor %}
        {%- for attribute in nested %}
        when differing.{{ attribute.state }} = 'inexact' then {{ dbt_drift.text_literal(attribute.attribute) }}
        {%- endfor %}
        {%- for attribute in texts %}
        when left(differing.{{ attribute.state }}, 1) = '"' and differing.{{ attribute.state }} <> coalesce(differing.old_{{ attribute.state }}, '') then {{ dbt_drift.text_literal(attribute.attribute) }}
        {%- endfor %}
      end as attribute
{%- endmacro %}


{#- NaN and the infinities, as the engines spell them; JSON has no number for them. -#}
{% macro is_not_finite(wire) -%}
  {{ wire }} in ('NaN', 'Infinity', '-Infinity', 'nan', 'inf', '-inf')
{%- endmacro %}
