{#- What `dbt-drift sync` leaves for the hooks: each sync as it was declared and as the macros see it. Compiling a declaration is
    the program's work; a hook only takes up what was compiled, and only where nothing has changed since. -#}

{% macro create_saved_syncs(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(
       dbt_drift.saved_syncs_relation(ledger),
       'unique_id ' ~ text ~ ', slug ' ~ text ~ ', version ' ~ text ~ ', spec ' ~ text) }}
  {{ dbt_drift.create_table(
       dbt_drift.staged_relation(ledger), 'slug ' ~ text ~ ', stage_id ' ~ text ~ ', spec_hash ' ~ text ~ ', staged_at timestamp') }}
{% endmacro %}


{#- Saves a sync, [unique_id, slug, version, spec], in place of what was saved of it before. -#}
{% macro save_sync(ledger, saved) %}
  {% set syncs = dbt_drift.saved_syncs_relation(ledger) %}
  {% set mark = get_binding_char() %}
  {% do adapter.add_query('delete from ' ~ syncs ~ ' where unique_id = ' ~ mark, auto_begin=False, bindings=saved[:1]) %}
  {% do adapter.add_query(
       'insert into ' ~ syncs ~ ' (unique_id, slug, version, spec) values (' ~ ([mark] * 4) | join(', ') ~ ')',
       auto_begin=False, bindings=saved) %}
{% endmacro %}


{% macro saved_syncs_sql(ledger) -%}
  select unique_id, version, spec from {{ dbt_drift.saved_syncs_relation(ledger) }}
{%- endmacro %}


{#- The stage that a hook has left for a sync, if it was made of the same spec. -#}
{% macro staged_sql(sync, spec_hash) -%}
  select stage_id from {{ dbt_drift.staged_relation(sync.ledger) }}
  where slug = '{{ sync.slug }}' and spec_hash = '{{ spec_hash }}'
{%- endmacro %}


{% macro remember_staged(sync, stage_id, spec_hash) %}
  {{ dbt_drift.execute(
       'insert into ' ~ dbt_drift.staged_relation(sync.ledger) ~ " (slug, stage_id, spec_hash, staged_at) values ('"
       ~ sync.slug ~ "', '" ~ stage_id ~ "', '" ~ spec_hash ~ "', " ~ dbt_drift.utc_now() ~ ')') }}
{% endmacro %}


{#- A stage is used once, and never after something else has been staged or folded. -#}
{% macro discard_stage(sync) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.staged_relation(sync.ledger) ~ " where slug = '" ~ sync.slug ~ "'") }}
{% endmacro %}


{#- Where the ledger lies, said by the same settings as to the program: `vars: {dbt_drift: {schema: ..., database: ...}}`. -#}
{% macro project_ledger() %}
  {% set settings = var('dbt_drift', {}) %}
  {{ return({'database': settings.get('database') or target.database, 'schema': settings.get('schema') or target.schema ~ '_drift'}) }}
{% endmacro %}
