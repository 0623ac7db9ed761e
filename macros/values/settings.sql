{#- Some session settings change how the warehouse spells a value: a role's time zone, the digits of floats, a collation. The
    values sent to Drift must not depend on them, so they are fixed wherever values are made. -#}

{#- Fixes these settings in a session of the program's own. DuckDB's collation applies to the ledger's own tables too. On other
    warehouses, each transaction that makes values does it: a session's setting would stay on a connection that a pooler shares. -#}
{% macro fix_session() %}{{ adapter.dispatch('fix_session', 'dbt_drift')() }}{% endmacro %}
{% macro default__fix_session() %}{% endmacro %}
{% macro duckdb__fix_session() %}{{ dbt_drift.fix_settings() }}{% endmacro %}

{% macro fix_transaction() %}{{ adapter.dispatch('fix_transaction', 'dbt_drift')() }}{% endmacro %}
{% macro default__fix_transaction() %}{{ dbt_drift.fix_settings() }}{% endmacro %}
{% macro duckdb__fix_transaction() %}{% endmacro %}


{#- Fixes these settings; on Postgres until the transaction ends. -#}
{% macro fix_settings() %}
  {% if dbt_drift.fixed_settings() %}{{ dbt_drift.set_settings(dbt_drift.fixed_settings().items() | list) }}{% endif %}
{% endmacro %}


{#- The current settings, [[name, value]]. A hook restores them, because the user's own hooks run in the same session. -#}
{% macro current_settings() %}
  {% set names = dbt_drift.fixed_settings().keys() | list %}
  {% if not names %}{{ return([]) }}{% endif %}
  {% set columns = [] %}
  {% for name in names %}{% do columns.append("current_setting('" ~ name ~ "')") %}{% endfor %}
  {% set found = dbt_drift.rows_of('select ' ~ columns | join(', '))[0] %}
  {% set current = [] %}
  {% for name in names %}{% do current.append([name, found[loop.index0]]) %}{% endfor %}
  {{ return(current) }}
{% endmacro %}


{#- {setting: value}. On Postgres also two that make staging faster: to compile its expressions costs more than it saves, and more memory
    keeps the hash of the accepted values out of files. -#}
{% macro fixed_settings() %}{{ return(adapter.dispatch('fixed_settings', 'dbt_drift')()) }}{% endmacro %}
{% macro default__fixed_settings() %}{{ return({}) }}{% endmacro %}
{#- 3 digits more than 15 are all digits of a double, on every version. -#}
{% macro postgres__fixed_settings() %}
  {{ return({'TimeZone': 'UTC', 'DateStyle': 'ISO, MDY', 'IntervalStyle': 'postgres', 'extra_float_digits': '3',
             'bytea_output': 'hex', 'lc_monetary': 'C', 'standard_conforming_strings': 'on', 'jit': 'off', 'work_mem': '64MB'}) }}
{% endmacro %}
{% macro duckdb__fixed_settings() %}{{ return({'TimeZone': 'UTC', 'default_collation': ''}) }}{% endmacro %}


{#- `settings`: [[name, value]] -#}
{% macro set_settings(settings) %}{{ adapter.dispatch('set_settings', 'dbt_drift')(settings) }}{% endmacro %}
{% macro postgres__set_settings(settings) %}
  {% set calls = [] %}
  {% for name, value in settings %}
    {% do calls.append("set_config('" ~ name ~ "', " ~ dbt_drift.text_literal(value) ~ ', true)') %}
  {% endfor %}
  {{ dbt_drift.execute('select ' ~ calls | join(', ')) }}
{% endmacro %}
{% macro duckdb__set_settings(settings) %}
  {% set statements = [] %}
  {% for name, value in settings %}{% do statements.append('set session ' ~ name ~ ' = ' ~ dbt_drift.text_literal(value)) %}{% endfor %}
  {{ dbt_drift.execute(statements | join('; ')) }}
{% endmacro %}
