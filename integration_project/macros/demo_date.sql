{#- The day on which the models see the world, or one so many days later. Real projects use current_date here; a demo has to
    come out the same on every day. -#}
{% macro demo_date(days_later=0) -%}
  {%- set days = (var('demo_day') | int) + days_later -%}
  cast('{{ modules.datetime.date(2026, 3, 1) + modules.datetime.timedelta(days=days) }}' as date)
{%- endmacro %}
