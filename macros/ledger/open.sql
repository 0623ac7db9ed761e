{#- Makes what is not there yet, for one sync; `bring_forward` has made what all syncs share. Safe to run again; run inside a
    transaction where the engine has them. -#}
{% macro open_ledger(sync) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.one_at_a_time(sync.ledger) }}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.snapshot_relation(sync) ~ ' (contact_key ' ~ text ~ ')') }}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.journal_relation(sync)
       ~ ' (stage_id ' ~ text ~ ', seq bigint, contact_id bigint, status ' ~ text
       ~ ', attributes_accepted boolean, tags_accepted boolean, reason ' ~ text ~ ', message ' ~ text
       ~ ', journaled_at timestamp, held ' ~ text ~ ')') }}
  {{ dbt_drift.execute('create table if not exists ' ~ dbt_drift.delta_relation(sync)
       ~ ' (seq bigint, stage_id ' ~ text ~ ', action ' ~ text ~ ', reason ' ~ text ~ ', attribute ' ~ text
       ~ ', contact_key ' ~ text ~ ', contact_id bigint)') }}
  {{ dbt_drift.widen_snapshot(sync) }}
  {{ dbt_drift.open_rejected(sync) }}
  {{ dbt_drift.register_audiences(sync) }}
{% endmacro %}


{#- Gives the snapshot a column for each attribute and audience of the mapping that it has not met yet. Columns that left the
    mapping stay: they still say what Drift holds, so that an attribute that comes back is sent only where it changed. -#}
{% macro widen_snapshot(sync) %}
  {% set snapshot = dbt_drift.snapshot_relation(sync) %}
  {% set present = dbt_drift.columns_in(snapshot) | map(attribute='name') | map('lower') | list %}
  {% for part in sync.attributes + sync.audiences if part.state not in present %}
    {{ dbt_drift.execute('alter table ' ~ snapshot ~ ' add column ' ~ part.state ~ ' ' ~ dbt_drift.text_type()) }}
  {% endfor %}
{% endmacro %}


{#- The columns of a model's relation: [{name, type, kind}], or none where the relation is not there. -#}
{% macro model_columns(sync) %}
  {% set columns = [] %}
  {% for column in dbt_drift.columns_in(dbt_drift.model_relation(sync)) %}
    {% do columns.append({'name': column.name, 'type': column.data_type, 'kind': dbt_drift.kind(column.dtype)}) %}
  {% endfor %}
  {{ return(columns) }}
{% endmacro %}


{#- Which Drift the ledger describes. -#}

{% macro destination_sql(ledger) %}select api_url from {{ dbt_drift.destination_relation(ledger) }}{% endmacro %}

{% macro claim_destination(ledger, url) %}
  {% do adapter.add_query(
       'insert into ' ~ dbt_drift.destination_relation(ledger) ~ ' (api_url) values (' ~ get_binding_char() ~ ')',
       auto_begin=False, bindings=[url]) %}
{% endmacro %}
