{#- Writes to the accepted values what Drift accepted, and what it may have accepted, according to delta and journal. Run in one
    transaction if the engine has them; otherwise it is safe to run again, because every step writes the same again.

    It reads the columns of the delta, not the mapping, so that it folds what a run sent, even if the mapping has changed since. The
    delta stays until the next stage; an empty journal marks it as folded.

    `in_doubt`: whether Drift may have accepted something of contacts without an answer in the journal. That is so after a run that
    began to send and did not end in order. Returns whether there was anything to fold. -#}
{% macro fold(sync, in_doubt=true) %}
  {% set journal = dbt_drift.journal_relation(sync) %}
  {% set journaled = dbt_drift.rows_of("select count(*), count(case when status = 'sending' then 1 end) from " ~ journal)[0] %}
  {% if journaled[0] %}
    {% set outcomes_sql = dbt_drift.outcomes_sql(sync, in_doubt and journaled[1] > 0) %}
    {{ dbt_drift.fold_accepted(sync, outcomes_sql) }}
    {{ dbt_drift.fold_contacts(sync, outcomes_sql) }}
    {{ dbt_drift.keep_rejected(sync) }}
    {{ dbt_drift.execute('delete from ' ~ journal) }}
    {{ dbt_drift.discard_stage(sync) }}
  {% endif %}
  {{ return(journaled[0] > 0) }}
{% endmacro %}


{#- The end of a run. Updates the rejected rows even if nothing was sent: a row that became valid or left the model is not rejected
    any more. `in_doubt`: as for `fold`. -#}
{% macro finish(sync, in_doubt) %}
  {% if not dbt_drift.fold(sync, in_doubt) %}
    {{ dbt_drift.keep_rejected(sync) }}
    {{ dbt_drift.discard_stage(sync) }}
  {% endif %}
{% endmacro %}


{#- The outcome of each contact of the delta that was or may have been written:

    - `contact_id`: its Drift id. `is_replaced`: whether that is not the contact that the delta knew, which is gone from Drift
    - `attributes_accepted`, `tags_accepted`: what Drift accepted, according to the journal
    - `attributes_in_doubt`, `tags_in_doubt`: what Drift may have accepted without an answer
    - `confirmed_columns`: null after a sync; after a look-up, the columns whose values Drift has: `,attr_email,tag_vip,`

    Leaves out answers about a contact that another sync has replaced since, and entries of another stage. -#}
{% macro outcomes_sql(sync, in_doubt) %}
  {%- set delta = dbt_drift.delta_relation(sync) -%}
  {%- set journal = dbt_drift.journal_relation(sync) -%}
  select
    delta_rows.seq,
    delta_rows.contact_key,
    answers.contact_id,
    delta_rows.contact_id as delta_contact_id,
    coalesce(answers.contact_id <> delta_rows.contact_id, false) as is_replaced,
    answers.attributes_accepted,
    answers.tags_accepted,
    answers.attributes_in_doubt,
    answers.tags_in_doubt,
    answers.confirmed_columns
  from (
    select
      stage_id,
      seq,
      max(contact_id) as contact_id,
      max(case when attributes_accepted then 1 else 0 end) as attributes_accepted,
      max(case when tags_accepted then 1 else 0 end) as tags_accepted,
      max(case when status = 'failed' and not attributes_accepted then 1 else 0 end) as attributes_in_doubt,
      max(case when attributes_accepted and not tags_accepted
                    and coalesce(reason, '') not in ('tags_unavailable', 'tags_ignored') then 1 else 0 end) as tags_in_doubt,
      max(confirmed_columns) as confirmed_columns
    from {{ journal }}
    where status <> 'sending'
    group by stage_id, seq
  ) as answers
  join {{ delta }} as delta_rows on delta_rows.stage_id = answers.stage_id and delta_rows.seq = answers.seq
  left join {{ dbt_drift.contacts_relation(sync.ledger) }} as contacts
    on contacts.contact_key = delta_rows.contact_key and contacts.match_on = '{{ sync.match_on }}'
  where contacts.contact_id is null or answers.contact_id is null
     or contacts.contact_id = answers.contact_id or contacts.contact_id = delta_rows.contact_id
  {%- if in_doubt %}
  union all
  select * from ({{ dbt_drift.unanswered_sql(sync) }}) as unanswered
  {%- endif %}
{% endmacro %}


{#- The contacts that may have been under way when a run was killed. A run sends in the order of the delta, with a limited number of
    contacts under way or not journaled (`most_unjournaled`), so all of them are among the first without an answer. -#}
{% macro unanswered_sql(sync) %}
  {%- set journal = dbt_drift.journal_relation(sync) -%}
  select
    delta_rows.seq,
    delta_rows.contact_key,
    cast(null as bigint) as contact_id,
    delta_rows.contact_id as delta_contact_id,
    false as is_replaced,
    0 as attributes_accepted,
    0 as tags_accepted,
    1 as attributes_in_doubt,
    1 as tags_in_doubt,
    cast(null as {{ dbt_drift.text_type() }}) as confirmed_columns
  from {{ dbt_drift.delta_relation(sync) }} as delta_rows
  join {{ journal }} as sending on sending.stage_id = delta_rows.stage_id and sending.status = 'sending'
  left join {{ journal }} as answers
    on answers.stage_id = delta_rows.stage_id and answers.seq = delta_rows.seq and answers.status <> 'sending'
  where delta_rows.reason is null and answers.seq is null
  order by delta_rows.seq asc
  limit {{ dbt_drift.most_unjournaled() }}
{% endmacro %}


{#- The largest number of contacts under way, or answered and not journaled: `delivery.pump.UNWRITTEN_ROWS`. -#}
{% macro most_unjournaled() %}{{ return(500) }}{% endmacro %}


{% macro fold_accepted(sync, outcomes_sql) %}
  {% set accepted = dbt_drift.accepted_relation(sync) %}
  {% set folding = dbt_drift.folding_relation(sync, 'accepted') %}
  {% set delta = dbt_drift.delta_relation(sync) %}
  {% set columns = dbt_drift.ledger_columns(sync.ledger, [accepted.identifier, delta.identifier]) %}
  {% set accepted_columns, delta_columns = columns[accepted.identifier], columns[delta.identifier] %}
  {% set keys = sync.attributes | selectattr('is_key') | map(attribute='state') | list %}
  {% set folded_sql %}
    select delta_rows.contact_key
    {%- for column in accepted_columns if column != 'contact_key' %},
      {% if column in delta_columns -%}
        {{ dbt_drift.folded_value(column, column in keys) }} as {{ column }}
      {%- else -%}
        case when not outcomes.is_replaced then accepted.{{ column }} end as {{ column }}
      {%- endif %}
    {%- endfor %}
    from ({{ outcomes_sql }}) as outcomes
    join {{ delta }} as delta_rows on delta_rows.seq = outcomes.seq
    left join {{ accepted }} as accepted on accepted.contact_key = delta_rows.contact_key
    where outcomes.attributes_accepted = 1 or outcomes.tags_accepted = 1
       or outcomes.attributes_in_doubt = 1 or outcomes.tags_in_doubt = 1 or outcomes.is_replaced
  {% endset %}
  {{ dbt_drift.create_working_table(folding, folded_sql) }}
  {{ dbt_drift.replace_rows(accepted, folding, accepted_columns) }}
  {{ dbt_drift.drop_working_table(folding) }}
  {{ dbt_drift.analyze_table(accepted) }}
{% endmacro %}


{#- The accepted value of one column: what was written if Drift accepted it, an uncertain value if Drift may have accepted it, else the
    value from before. For a contact that replaces a deleted one, values from before do not count. -#}
{% macro folded_value(column, is_key) -%}
  {%- set channel = 'tags' if column.startswith('tag_') else 'attributes' -%}
  {%- set before = 'case when not outcomes.is_replaced then delta_rows.old_' ~ column ~ ' end' -%}
  case when outcomes.confirmed_columns is not null and {{ dbt.position("'," ~ column ~ ",'", 'outcomes.confirmed_columns') }} = 0 then {{ before }}
       when outcomes.{{ channel }}_accepted = 1 then coalesce(delta_rows.{{ column }}, {{ before }})
       {%- if not column.startswith('attr_') %}
       when outcomes.{{ channel }}_in_doubt = 1
            and (delta_rows.{{ column }} = '+' or {{ dbt_drift.was_set('delta_rows.old_' ~ column) }})
            and delta_rows.{{ column }} <> coalesce(delta_rows.old_{{ column }}, '') then '*'
       {%- else %}
       when outcomes.{{ channel }}_in_doubt = 1 {{ 'and delta_rows.contact_id is null' if is_key }}
            and delta_rows.{{ column }} <> coalesce(delta_rows.old_{{ column }}, '') then {{ dbt_drift.uncertain('delta_rows.' ~ column) }}
       {%- endif %}
       else {{ before }} end
{%- endmacro %}


{#- The wire text of a value that Drift may or may not have. It equals no wanted value. -#}
{% macro uncertain(wire) %}'?' || {{ wire }}{% endmacro %}
{% macro is_uncertain(wire) %}left({{ wire }}, 1) = '?'{% endmacro %}


{#- Saves Drift ids for all syncs: those that were unknown, and those of contacts that replace deleted ones. -#}
{% macro fold_contacts(sync, outcomes_sql) %}
  {% set contacts = dbt_drift.contacts_relation(sync.ledger) %}
  {% set folding = dbt_drift.folding_relation(sync, 'contacts') %}
  {% set learned_sql %}
    select '{{ sync.match_on }}' as match_on, contact_key, contact_id, case when is_replaced then delta_contact_id end as gone_id
    from ({{ outcomes_sql }}) as outcomes
    where contact_id is not null and (delta_contact_id is null or is_replaced)
  {% endset %}
  {{ dbt_drift.create_working_table(folding, learned_sql) }}
  {% set learned, gone = dbt_drift.rows_of('select count(*), count(gone_id) from ' ~ folding)[0] %}
  {% if gone %}{{ dbt_drift.drop_gone_contacts(sync, folding) }}{% endif %}
  {% if learned %}
    {{ dbt_drift.execute(
         'delete from ' ~ contacts ~ " where match_on = '" ~ sync.match_on ~ "' and contact_key in (select contact_key from " ~ folding ~ ')') }}
    {{ dbt_drift.execute(
         'insert into ' ~ contacts ~ ' (match_on, contact_key, contact_id) select match_on, contact_key, contact_id from ' ~ folding) }}
    {{ dbt_drift.analyze_table(contacts) }}
  {% endif %}
  {{ dbt_drift.drop_working_table(folding) }}
{% endmacro %}


{#- Deletes what other syncs remember of contacts that are gone from Drift, so that they send everything to their successors. -#}
{% macro drop_gone_contacts(sync, folding) %}
  {% set gone = 'select gone_id from ' ~ folding ~ ' where gone_id is not null' %}
  {% set contacts = dbt_drift.contacts_relation(sync.ledger) %}
  {% set keys = 'select contact_key from ' ~ contacts ~ ' where contact_id in (' ~ gone ~ ')' %}
  {% for row in dbt_drift.rows_of('select distinct slug from ' ~ dbt_drift.saved_syncs_relation(sync.ledger)) if row[0] != sync.slug %}
    {% set other = dbt_drift.ledger_relation(sync.ledger, row[0] ~ '__accepted') %}
    {% if dbt_drift.columns_in(other) | length %}
      {{ dbt_drift.execute('delete from ' ~ other ~ ' where contact_key in (' ~ keys ~ ')') }}
      {{ dbt_drift.discard_stage({'ledger': sync.ledger, 'slug': row[0]}) }}
    {% endif %}
  {% endfor %}
  {{ dbt_drift.execute('delete from ' ~ contacts ~ ' where contact_id in (' ~ gone ~ ')') }}
{% endmacro %}


{#- Puts the rows of another table, one for each contact, in the place of what a table has of these contacts. -#}
{% macro replace_rows(target, source, columns) %}
  {{ dbt_drift.execute('delete from ' ~ target ~ ' where contact_key in (select contact_key from ' ~ source ~ ')') }}
  {{ dbt_drift.execute(
       'insert into ' ~ target ~ ' (' ~ columns | join(', ') ~ ') select ' ~ columns | join(', ') ~ ' from ' ~ source) }}
{% endmacro %}


{#- Makes all accepted values uncertain, so that the next stage finds that everything differs. It does not delete them, because
    `nulls: clear` and mirrors need to know what was set. The key stays as it is: the key of a contact with a known Drift id is never
    sent again. `keys`: only the contacts with these keys, or none for all. -#}
{% macro reset_accepted(sync, keys=none) %}
  {{ dbt_drift.release(sync, keys=keys) }}
  {% set kept = ['contact_key'] + sync.attributes | selectattr('is_key') | map(attribute='state') | list %}
  {% set states = [] %}
  {% for column in dbt_drift.columns_in(dbt_drift.accepted_relation(sync)) | map(attribute='name') | map('lower') if column not in kept %}
    {% if column.startswith('attr_') %}
      {% do states.append(column ~ ' = case when ' ~ dbt_drift.is_uncertain(column) ~ ' then ' ~ column
                          ~ ' else ' ~ dbt_drift.uncertain(column) ~ ' end') %}
    {% else %}
      {% do states.append(column ~ ' = case when ' ~ dbt_drift.was_set(column) ~ " then '*' end") %}
    {% endif %}
  {% endfor %}
  {% if states %}
    {% set accepted = dbt_drift.accepted_relation(sync) %}
    {{ dbt_drift.execute('update ' ~ accepted ~ ' set ' ~ states | join(', ')
         ~ (' where ' ~ dbt_drift.has_key(accepted, keys) if keys is not none else '')) }}
  {% endif %}
{% endmacro %}


{#- Drops the delta of a plan. -#}
{% macro discard(sync, delta) %}
  {{ dbt_drift.execute('drop table if exists ' ~ dbt_drift.delta_relation(sync, delta)) }}
{% endmacro %}
