{#- The rejected rows, kept from run to run. -#}

{#- Reasons that may pass although the row stays the same: the cause is another contact, or Drift itself. -#}
{% macro passing_reasons() %}
  {{ return(['gave_up', 'deleted_meanwhile', 'email_taken', 'external_id_taken', 'no_contact', 'tags_unavailable', 'tags_ignored']) }}
{% endmacro %}


{#- The number of tries, one a run, of a row whose reason may pass, before it is given up. -#}
{% macro most_tries() %}{{ return(5) }}{% endmacro %}


{#- The columns of the table, in order: [name, type]. -#}
{% macro rejected_columns() %}
  {% set text = dbt_drift.text_type() %}
  {{ return([['contact_key', text], ['key_as_written', text], ['row_id', text], ['status', text], ['reason', text], ['attribute', text], ['message', text],
             ['first_rejected_at', 'timestamp'], ['last_rejected_at', 'timestamp'], ['tries', 'bigint'],
             ['given_up', 'boolean'], ['fingerprint', text], ['stage_id', text]]) }}
{% endmacro %}


{#- A hash of what a row wants: it changes if the row, or its mapping, changes. -#}
{% macro fingerprint(alias, states) -%}
  {%- set parts = [] -%}
  {%- for state in states | sort -%}
    {%- do parts.append("'" ~ state ~ "='") -%}
    {%- do parts.append('coalesce(' ~ dbt.hash(alias ~ '.' ~ state) ~ ", '')") -%}
  {%- endfor -%}
  {{ dbt.hash(dbt_drift.balanced(parts, ' || ')) }}
{%- endmacro %}


{#- Updates the table from the delta, the journal and itself. A row that was tried gets the new outcome, a row that was given up or not
    reached keeps the old one, and rows that are no longer in the delta are deleted. To run it again counts no try twice, because a
    row remembers the stage of its last try. -#}
{% macro keep_rejected(sync) %}
  {% set rejected = dbt_drift.rejected_relation(sync) %}
  {% if not dbt_drift.rows_of('select 1 from ' ~ rejected ~ ' union all select 1 from ' ~ dbt_drift.delta_relation(sync)
       ~ ' where reason is not null union all select 1 from ' ~ dbt_drift.journal_relation(sync)
       ~ " where status in ('missing', 'rejected', 'failed') limit 1") %}
    {{ return('') }}
  {% endif %}
  {% set folding = dbt_drift.folding_relation(sync, 'rejected') %}
  {% set names = dbt_drift.rejected_columns() | map('first') | join(', ') %}
  {{ dbt_drift.create_working_table(folding, dbt_drift.rejected_sql(sync)) }}
  {{ dbt_drift.execute('delete from ' ~ rejected) }}
  {{ dbt_drift.execute('insert into ' ~ rejected ~ ' (' ~ names ~ ') select ' ~ names ~ ' from ' ~ folding) }}
  {{ dbt_drift.drop_working_table(folding) }}
{% endmacro %}


{#- What identifies an invalid row from run to run: its key, or else what else it has. -#}
{% macro known_by(alias) -%}
  coalesce({{ alias }}.contact_key, {{ alias }}.row_id, {{ alias }}.key_as_written, '')
{%- endmacro %}


{#- The new content of the table. It reads the columns of the delta, as `fold` does. -#}
{% macro rejected_sql(sync) %}
  {%- set text = dbt_drift.text_type() -%}
  {%- set delta = dbt_drift.delta_relation(sync) -%}
  {%- set columns = dbt_drift.columns_in(delta) | map(attribute='name') | map('lower') | list -%}
  {%- set states = [] -%}
  {%- for name in columns if name.startswith('attr_') or name.startswith('tag_') or name.startswith('member_') %}{% do states.append(name) %}{% endfor -%}
  select delta_rows.contact_key, delta_rows.key_as_written, delta_rows.row_id, 'invalid' as status, delta_rows.reason, delta_rows.attribute,
         cast(null as {{ text }}) as message,
         coalesce(earlier.first_rejected_at, {{ dbt_drift.utc_now() }}) as first_rejected_at,
         {{ dbt_drift.utc_now() }} as last_rejected_at, 0 as tries, false as given_up,
         cast(null as {{ text }}) as fingerprint, delta_rows.stage_id
  from {{ delta }} as delta_rows
  left join (
    select {{ dbt_drift.known_by('found') }} as known_by, found.reason, min(found.first_rejected_at) as first_rejected_at
    from {{ dbt_drift.rejected_relation(sync) }} as found where found.status = 'invalid' group by 1, 2
  ) as earlier on earlier.known_by = {{ dbt_drift.known_by('delta_rows') }} and earlier.reason = delta_rows.reason
  where delta_rows.reason is not null and not delta_rows.is_given_up
  union all
  {%- set earlier = 'select ' ~ dbt_drift.rejected_columns() | map('first') | join(', ') ~ ' from ' ~ dbt_drift.rejected_relation(sync) %}
  select earlier.*
  from ({{ earlier }} where status <> 'invalid') as earlier
  join {{ delta }} as delta_rows on delta_rows.contact_key = earlier.contact_key and (delta_rows.reason is null or delta_rows.is_given_up)
  left join ({{ dbt_drift.answered_sql(sync) }}) as answered on answered.seq = delta_rows.seq
  where answered.seq is null
  {#- The stage of a few contacts says nothing of the others. #}
  union all
  select earlier.*
  from ({{ earlier }}) as earlier
  left join {{ delta }} as delta_rows on delta_rows.contact_key = earlier.contact_key
  where delta_rows.contact_key is null and exists (select 1 from {{ delta }} where stage_id like 'keys-%')
  {%- if states %}
  union all
  select tried.contact_key, tried.key_as_written, tried.row_id, tried.status, tried.reason, cast(null as {{ text }}), tried.message,
         tried.first_rejected_at, tried.last_rejected_at, tried.tries,
         tried.tries >= {{ dbt_drift.most_tries() }}
         or (tried.status = 'rejected' and coalesce(tried.reason, '') not in ('{{ dbt_drift.passing_reasons() | join("', '") }}')),
         tried.fingerprint, tried.stage_id
  from (
    select delta_rows.contact_key, delta_rows.key_as_written, delta_rows.row_id, delta_rows.stage_id, delta_rows.fingerprint, answered.status, answered.reason, answered.message,
           answered.answered_at as last_rejected_at,
           case when earlier.fingerprint = delta_rows.fingerprint then earlier.first_rejected_at else answered.answered_at end
             as first_rejected_at,
           case when earlier.fingerprint <> delta_rows.fingerprint or earlier.contact_key is null then 1
                when earlier.stage_id = delta_rows.stage_id then earlier.tries
                else earlier.tries + 1 end as tries
    from ({{ dbt_drift.answered_sql(sync) }}) as answered
    join (select delta_rows.seq, delta_rows.contact_key, delta_rows.key_as_written, delta_rows.row_id, delta_rows.stage_id, {{ dbt_drift.fingerprint('delta_rows', states) }} as fingerprint
          from {{ delta }} as delta_rows) as delta_rows on delta_rows.seq = answered.seq
    left join {{ dbt_drift.rejected_relation(sync) }} as earlier
      on earlier.contact_key = delta_rows.contact_key and earlier.status <> 'invalid'
    where answered.status in ('missing', 'rejected', 'failed')
  ) as tried
  {%- endif %}
{% endmacro %}


{#- The outcome of each contact of the delta, once: an entry may have been written twice. -#}
{% macro answered_sql(sync) %}
  select delta_rows.seq, max(journal.status) as status, max(journal.reason) as reason, max(journal.message) as message,
         min(journal.journaled_at) as answered_at
  from {{ dbt_drift.delta_relation(sync) }} as delta_rows
  join {{ dbt_drift.journal_relation(sync) }} as journal on journal.stage_id = delta_rows.stage_id and journal.seq = delta_rows.seq
  group by delta_rows.seq
{% endmacro %}


{#- Allows rows that were given up to be sent again; `reason`: only rows with this reason, or none for all; `keys`: only the contacts with
    these keys, or none for all. -#}
{% macro release(sync, reason=none, keys=none) %}
  {{ dbt_drift.discard_stage(sync) }}
  {{ dbt_drift.execute('update ' ~ dbt_drift.rejected_relation(sync) ~ ' set given_up = false where given_up'
       ~ (' and reason = ' ~ dbt_drift.text_literal(reason) if reason else '')
       ~ (' and ' ~ dbt_drift.has_key(dbt_drift.rejected_relation(sync), keys) if keys is not none else '')) }}
{% endmacro %}
