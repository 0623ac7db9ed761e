{#- Takes into the snapshot what Drift accepted: delta and journal together say it all. Run in one transaction where the engine
    has them; safe to run again where it has not, for every step writes the same once more.

    It reads the columns of the delta, not the mapping: what a run left behind is folded as that run sent it, even when the
    mapping has changed since. The delta stays until the next stage; emptying the journal is what marks it as folded. -#}
{% macro fold(sync) %}
  {% set journaled = run_query('select seq from ' ~ dbt_drift.journal_relation(sync) ~ ' limit 1') %}
  {% if journaled.rows | length %}
    {{ dbt_drift.fold_snapshot(sync) }}
    {{ dbt_drift.fold_contacts(sync) }}
    {{ dbt_drift.keep_rejected(sync) }}
    {{ dbt_drift.execute('delete from ' ~ dbt_drift.journal_relation(sync)) }}
    {{ dbt_drift.forget_staged(sync) }}
  {% endif %}
{% endmacro %}


{#- The end of a run. The rejected rows are brought up to date even where nothing was sent: a row that was mended or that left
    the model leaves them too. -#}
{% macro finish(sync) %}
  {{ dbt_drift.keep_rejected(sync) }}
  {{ dbt_drift.fold(sync) }}
  {{ dbt_drift.forget_staged(sync) }}
{% endmacro %}


{#- The journal's last word on each contact of the delta. An entry of another stage is not about these rows. `held` is null where
    all was sent; after a look-up it names the columns whose values Drift was found to hold: `,attr_email,tag_vip,`. -#}
{% macro acknowledged_sql(sync) %}
  select
    delta.seq,
    max(journal.contact_id) as contact_id,
    max(case when journal.attributes_accepted then 1 else 0 end) as attributes_accepted,
    max(case when journal.tags_accepted then 1 else 0 end) as tags_accepted,
    max(journal.held) as held
  from {{ dbt_drift.delta_relation(sync) }} as delta
  join {{ dbt_drift.journal_relation(sync) }} as journal on journal.stage_id = delta.stage_id and journal.seq = delta.seq
  group by delta.seq
{% endmacro %}


{% macro fold_snapshot(sync) %}
  {% set snapshot = dbt_drift.snapshot_relation(sync) %}
  {% set folding = dbt_drift.folding_relation(sync) %}
  {% set snapshot_columns = adapter.get_columns_in_relation(snapshot) %}
  {% set delta_columns = adapter.get_columns_in_relation(dbt_drift.delta_relation(sync)) | map(attribute='name') | map('lower') | list %}
  {% set folded_sql %}
    select delta.contact_key
    {%- for column in snapshot_columns | map(attribute='name') | map('lower') if column != 'contact_key' %},
      {% if column not in delta_columns -%}
        snapshot.{{ column }}
      {%- else -%}
        case when acknowledged.held is not null and {{ dbt.position("'," ~ column ~ ",'", 'acknowledged.held') }} = 0
             then delta.old_{{ column }}
             when acknowledged.{{ 'tags_accepted' if column.startswith('tag_') else 'attributes_accepted' }} = 1
             then coalesce(delta.{{ column }}, delta.old_{{ column }}) else delta.old_{{ column }} end as {{ column }}
      {%- endif %}
    {%- endfor %}
    from ({{ dbt_drift.acknowledged_sql(sync) }}) as acknowledged
    join {{ dbt_drift.delta_relation(sync) }} as delta on delta.seq = acknowledged.seq
    left join {{ snapshot }} as snapshot on snapshot.contact_key = delta.contact_key
    where acknowledged.attributes_accepted = 1 or acknowledged.tags_accepted = 1
  {% endset %}
  {{ dbt_drift.create_table_from(folding, folded_sql) }}
  {{ dbt_drift.replace_rows(snapshot, folding, 'contact_key', snapshot_columns) }}
  {{ dbt_drift.execute('drop table ' ~ folding) }}
  {{ dbt_drift.analyze_table(snapshot) }}
{% endmacro %}


{#- Drift's ids, learned for all syncs: those that were unknown, and those that turned out to be another contact. -#}
{% macro fold_contacts(sync) %}
  {% set contacts = dbt_drift.contacts_relation(sync.ledger) %}
  {% set folding = dbt_drift.folding_relation(sync) %}
  {% set learned_sql %}
    select '{{ sync.match_on }}' as match_on, delta.contact_key, acknowledged.contact_id
    from ({{ dbt_drift.acknowledged_sql(sync) }}) as acknowledged
    join {{ dbt_drift.delta_relation(sync) }} as delta on delta.seq = acknowledged.seq
    where acknowledged.contact_id is not null
      and (delta.contact_id is null or delta.contact_id <> acknowledged.contact_id)
  {% endset %}
  {{ dbt_drift.create_table_from(folding, learned_sql) }}
  {{ dbt_drift.execute(
       'delete from ' ~ contacts ~ " where match_on = '" ~ sync.match_on ~ "' and contact_key in (select contact_key from " ~ folding ~ ')') }}
  {{ dbt_drift.execute(
       'insert into ' ~ contacts ~ ' (match_on, contact_key, contact_id) select match_on, contact_key, contact_id from ' ~ folding) }}
  {{ dbt_drift.execute('drop table ' ~ folding) }}
  {{ dbt_drift.analyze_table(contacts) }}
{% endmacro %}


{#- The adapter's own delete+insert, as dbt's incremental models use it. -#}
{% macro replace_rows(target, source, key, columns) %}
  {{ dbt_drift.execute(get_delete_insert_merge_sql(target, source, key, columns, none)) }}
{% endmacro %}


{#- Forgets what Drift accepted, so that the next stage finds that everything differs: the attributes, and the tags, except that
    of a tag that was set it stays known that it was ('*'), because a mirror takes away what it set. -#}
{% macro forget(sync) %}
  {{ dbt_drift.release(sync) }}
  {% set states = [] %}
  {% for column in adapter.get_columns_in_relation(dbt_drift.snapshot_relation(sync)) | map(attribute='name') | map('lower') %}
    {% if column.startswith('tag_') %}
      {% do states.append(column ~ ' = case when ' ~ dbt_drift.was_set(column) ~ " then '*' end") %}
    {% elif column != 'contact_key' %}
      {% do states.append(column ~ ' = null') %}
    {% endif %}
  {% endfor %}
  {% if states %}
    {{ dbt_drift.execute('update ' ~ dbt_drift.snapshot_relation(sync) ~ ' set ' ~ states | join(', ')) }}
  {% endif %}
{% endmacro %}


{#- Drops the delta of a plan. -#}
{% macro discard(sync) %}
  {{ dbt_drift.execute('drop table if exists ' ~ dbt_drift.delta_relation(sync)) }}
{% endmacro %}
