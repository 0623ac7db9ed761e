{#- The key under which a contact is remembered: the e-mail address trimmed and in lower case, or the externalId as it is.
    An empty one is none. -#}
{% macro contact_key(sync) %}
  {%- set column = adapter.quote(sync.key_column) -%}
  {%- if sync.match_on == 'email' -%}
    nullif(lower({{ dbt_drift.trimmed(dbt_drift.as_text(column)) }}), '')
  {%- else -%}
    nullif({{ dbt_drift.canonical_text(column, sync.key_kind) }}, '')
  {%- endif -%}
{% endmacro %}


{#- Whether a text looks like an address: one @, something on both sides, a dot in the domain, no blanks. Whether it is one,
    only Drift can say. -#}
{% macro looks_like_email(text) %}{{ adapter.dispatch('looks_like_email', 'dbt_drift')(text) }}{% endmacro %}
{% macro default__looks_like_email(text) -%}
  regexp_matches({{ text }}, '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$')
{%- endmacro %}
{% macro postgres__looks_like_email(text) -%}
  {{ text }} ~ '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$'
{%- endmacro %}
