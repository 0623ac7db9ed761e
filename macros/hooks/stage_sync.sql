{#- A post-hook for a model that declares a sync, or for a folder of them: stages the difference inside `dbt build`, in the model's
    own transaction where the warehouse has one, so that `dbt-drift sync` starts to send at once.

        models: {my_project: {marts: {+post-hook: "{{ dbt_drift.stage_sync() }}"}}}

    It does nothing for a model without a declaration. It leaves the staging to `dbt-drift sync` if the model's declaration or types
    have changed since the last sync. -#}
{% macro stage_sync() %}
  {% if execute and dbt_drift.declared_sync(model) != 'null' %}
    {% set why_not = dbt_drift.try_to_stage(dbt_drift.project_ledger()) | trim %}
    {% do log('dbt-drift: ' ~ model.name ~ (' is staged for `dbt-drift sync`' if not why_not else ' is not staged here: ' ~ why_not)) %}
  {% endif %}
{% endmacro %}


{#- Stages the current model; returns the reason if it does not, else nothing. -#}
{% macro try_to_stage(ledger) %}
  {% if dbt_drift.why_unsupported() %}
    {{ return(dbt_drift.why_unsupported()) }}
  {% endif %}
  {% if not adapter.get_relation(ledger.database, ledger.schema, dbt_drift.saved_syncs_relation(ledger).identifier) %}
    {{ return('there is no ledger yet, the first `dbt-drift sync` makes it') }}
  {% endif %}
  {% if not dbt_drift.hold_free_lock(ledger) %}
    {{ return('a run is at work on the ledger') }}
  {% endif %}
  {% set saved = dbt_drift.rows_of(dbt_drift.saved_syncs_sql(ledger) ~ ' where unique_id = ' ~ dbt_drift.text_literal(model.unique_id)) %}
  {% if not saved | length %}
    {{ return('`dbt-drift sync` has not met it yet') }}
  {% endif %}
  {% set version, spec = saved[0][1], saved[0][2] %}
  {% set sync = fromjson(spec) %}
  {{ dbt_drift.discard_stage(sync) }}
  {% if version != dbt_drift.package_version() %}
    {{ return('`dbt-drift` is ' ~ version ~ ', this package is ' ~ dbt_drift.package_version()) }}
  {% elif sync.declared != dbt_drift.declared_sync(model) %}
    {{ return('its declaration has changed since the last `dbt-drift sync`') }}
  {% elif not dbt_drift.is_typed_as_saved(sync) %}
    {{ return('its columns have changed since the last `dbt-drift sync`') }}
  {% endif %}
  {% set stage_id = 'dbt-' ~ invocation_id %}
  {% set settings = dbt_drift.current_settings() %}
  {{ dbt_drift.fix_settings() }}
  {{ dbt_drift.fold(sync) }}
  {{ dbt_drift.stage(sync, stage_id) }}
  {{ dbt_drift.remember_staged(sync, stage_id, local_md5(spec)) }}
  {% if settings %}{{ dbt_drift.set_settings(settings) }}{% endif %}
{% endmacro %}


{#- A model's declaration as JSON with sorted keys, `null` if it has none. The program spells it the same way (`Sync.declared`). A
    column with the same declaration as its model has only a copy of the model's meta, which dbt 2 adds. -#}
{% macro declared_sync(node) %}
  {% set drift = dbt_drift.drift_meta(node) %}
  {% if drift is none or drift is sameas false %}
    {{ return('null') }}
  {% endif %}
  {% set columns = {} %}
  {% for column in node.columns.values() %}
    {% set short = dbt_drift.drift_meta(column) %}
    {% if short is not none and short is not sameas false and short != drift %}
      {% do columns.update({column.name: short}) %}
    {% endif %}
  {% endfor %}
  {{ return(tojson({'drift': drift, 'columns': columns}, sort_keys=true)) }}
{% endmacro %}


{#- `config.meta.drift`, else `meta.drift`. -#}
{% macro drift_meta(part) %}
  {% set of_config = ((part.get('config') or {}).get('meta') or {}).get('drift') %}
  {{ return(of_config if of_config is not none else (part.get('meta') or {}).get('drift')) }}
{% endmacro %}


{% macro is_typed_as_saved(sync) %}
  {% set types = {} %}
  {% for column in dbt_drift.model_columns(sync) %}
    {% do types.update({column.name: column.type}) %}
  {% endfor %}
  {% for name, type in sync.types.items() if types.get(name) != type %}
    {{ return(false) }}
  {% endfor %}
  {{ return(true) }}
{% endmacro %}


{#- The version of this package. A hook does not stage syncs that a program of another version has saved. -#}
{% macro package_version() %}{{ return('0.1.0') }}{% endmacro %}
