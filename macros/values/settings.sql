{#- A session has settings that change how the warehouse spells a value: a role's time zone, the digits of floats, a collation. What
    is sent may not depend on them, so they are fixed wherever values are made. -#}

{#- Fixes them; returns what they were, [[name, value]], for `restore_settings`. Postgres: until the transaction ends. -#}
{% macro fix_settings() %}
  {% set names = dbt_drift.fixed_settings().keys() | list %}
  {% if not names %}{{ return([]) }}{% endif %}
  {# A = in front: dbt's tables take a text of digits for a number, and an empty one for null. #}
  {% set columns = [] %}
  {% for name in names %}{% do columns.append("'=' || current_setting('" ~ name ~ "')") %}{% endfor %}
  {% set found = run_query('select ' ~ columns | join(', ')).rows[0] %}
  {% set before = [] %}
  {% for name in names %}{% do before.append([name, found[loop.index0][1:]]) %}{% endfor %}
  {{ dbt_drift.set_settings(dbt_drift.fixed_settings().items() | list) }}
  {{ return(before) }}
{% endmacro %}


{#- For a hook, whose session goes on: the user's own hooks come after it. -#}
{% macro restore_settings(before) %}
  {% if before %}{{ dbt_drift.set_settings(before) }}{% endif %}
{% endmacro %}


{#- {setting: value} -#}
{% macro fixed_settings() %}{{ return(adapter.dispatch('fixed_settings', 'dbt_drift')()) }}{% endmacro %}
{% macro default__fixed_settings() %}{{ return({}) }}{% endmacro %}
{#- 3 digits more than 15 are all that a double has, on every version. -#}
{% macro postgres__fixed_settings() %}
  {{ return({'TimeZone': 'UTC', 'DateStyle': 'ISO, MDY', 'IntervalStyle': 'postgres', 'extra_float_digits': '3',
             'bytea_output': 'hex', 'lc_monetary': 'C', 'standard_conforming_strings': 'on'}) }}
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
  {% for name, value in settings %}
    {{ dbt_drift.execute('set session ' ~ name ~ ' = ' ~ dbt_drift.text_literal(value)) }}
  {% endfor %}
{% endmacro %}
