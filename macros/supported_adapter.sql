{#- The adapters that these macros are written for. On another one, the SQL may run and give wrong values: Spark, for one, reads '' in a
    text as no quote, and takes the arguments of trim in the other order. -#}

{#- The adapter type, or none. An adapter that inherits the macros of another one, as dbt-redshift does those of Postgres, inherits its
    name here. -#}
{% macro supported_adapter() %}{{ return(adapter.dispatch('supported_adapter', 'dbt_drift')()) }}{% endmacro %}
{% macro default__supported_adapter() %}{{ return(none) }}{% endmacro %}
{% macro duckdb__supported_adapter() %}{{ return('duckdb') }}{% endmacro %}
{% macro postgres__supported_adapter() %}{{ return('postgres') }}{% endmacro %}


{#- Why the adapter in use is refused; none if it is supported. -#}
{% macro why_unsupported() %}
  {% if dbt_drift.supported_adapter() != adapter.type() %}
    {{ return('dbt-drift does not support the adapter ' ~ adapter.type() ~ ': its SQL has been tried on duckdb and postgres only, and '
              ~ 'could give wrong values elsewhere.') }}
  {% endif %}
  {{ return(none) }}
{% endmacro %}


{#- Fails on an adapter that is not supported, so that no generic test passes or fails by rules that are wrong there. -#}
{% macro refuse_unsupported() %}
  {% set why = dbt_drift.why_unsupported() if execute else none %}
  {% if why %}{% do exceptions.raise_compiler_error(why ~ ' Remove this test, or run it on one of these.') %}{% endif %}
{% endmacro %}
