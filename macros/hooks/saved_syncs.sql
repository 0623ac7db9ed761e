{#- The syncs that `dbt-drift sync` saves for the hooks: each as declared and as compiled for the macros. Only the program compiles
    declarations; a hook uses the compiled sync, and only if nothing has changed since. -#}

{% macro create_saved_syncs(ledger) %}
  {% set text = dbt_drift.text_type() %}
  {{ dbt_drift.create_table(
       dbt_drift.saved_syncs_relation(ledger),
       'unique_id ' ~ text ~ ', slug ' ~ text ~ ', version ' ~ text ~ ', spec ' ~ text) }}
  {{ dbt_drift.create_table(
       dbt_drift.staged_relation(ledger), 'slug ' ~ text ~ ', stage_id ' ~ text ~ ', spec_hash ' ~ text ~ ', staged_at timestamp') }}
{% endmacro %}


{#- Saves a sync, [unique_id, slug, version, spec], in place of its previous version. -#}
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


{% macro remember_staged(sync, stage_id, spec_hash) %}
  {{ dbt_drift.execute(
       'insert into ' ~ dbt_drift.staged_relation(sync.ledger) ~ " (slug, stage_id, spec_hash, staged_at) values ('"
       ~ sync.slug ~ "', '" ~ stage_id ~ "', '" ~ spec_hash ~ "', " ~ dbt_drift.utc_now() ~ ')') }}
{% endmacro %}


{#- A stage is used once, and never after another stage or fold. -#}
{% macro discard_stage(sync) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.staged_relation(sync.ledger) ~ " where slug = '" ~ sync.slug ~ "'") }}
{% endmacro %}


{#- The ledger's location, from the settings that the program uses too: `vars: {dbt_drift: {schema: ..., database: ...}}`. -#}
{% macro project_ledger() %}
  {% set settings = var('dbt_drift', {}) %}
  {{ return({'database': settings.get('database') or target.database, 'schema': settings.get('schema') or target.schema ~ '_drift'}) }}
{% endmacro %}
