{#- The contact's key in the ledger: the e-mail address trimmed and in lower case, or the externalId unchanged. An empty
    text is no key. -#}
{% macro contact_key(sync) %}
  {%- set column = dbt_drift.quoted(sync.key_column) -%}
  {%- if sync.match_on == 'email' -%}
    nullif(lower({{ dbt_drift.trimmed(dbt_drift.as_text(column)) }}), '')
  {%- else -%}
    nullif({{ dbt_drift.canonical_text(column, sync.key_kind) }}, '')
  {%- endif -%}
{% endmacro %}


{#- Whether a text looks like an address: one @, text on both sides, a dot in the domain, no blanks. Only Drift can decide
    whether it is one. -#}
{% macro looks_like_email(text) -%}
  {{ dbt_drift.matches(text, '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$') }}
{%- endmacro %}


{#- Whether a text matches a regular expression in the syntax that all engines share. -#}
{% macro matches(text, pattern) %}{{ adapter.dispatch('matches', 'dbt_drift')(text, pattern) }}{% endmacro %}
{% macro default__matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}
{% macro postgres__matches(text, pattern) %}({{ text }} ~ '{{ pattern }}'){% endmacro %}
