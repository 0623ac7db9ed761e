{#- Tests for the columns that a sync sends, so that `dbt build` finds what a sync would reject, and by the same rules. A null
    passes, as in dbt's own tests: `not_null` stands beside them where the column is the key. -#}

{#- Fails for each value that is not an e-mail address. -#}
{% test valid_contact_email(model, column_name) %}
  {%- do dbt_drift.refuse_unsupported() %}
  {%- set email = dbt_drift.trimmed(dbt_drift.as_text(dbt_drift.quoted(dbt_drift.bare(column_name)))) %}
  select {{ dbt_drift.quoted(dbt_drift.bare(column_name)) }}
  from {{ model }}
  where {{ dbt_drift.quoted(dbt_drift.bare(column_name)) }} is not null and not ({{ dbt_drift.looks_like_email(email) }})
{% endtest %}


{#- The name of a test's column. dbt has already quoted it if its properties say `quote: true`. -#}
{% macro bare(column_name) %}
  {% set mark = adapter.quote('')[0] %}
  {% set is_quoted = column_name | length > 2 and column_name.startswith(mark) and column_name.endswith(mark) %}
  {{ return(column_name[1:-1] if is_quoted else column_name) }}
{% endmacro %}


{#- Fails for each key that several rows have; e-mail addresses that differ only in case and blanks are equal. -#}
{% test unique_contact_key(model, column_name, match_on='email') %}
  {%- do dbt_drift.refuse_unsupported() %}
  select contact_key, count(*) as contact_rows
  from (
    select {{ dbt_drift.contact_key({'key_column': dbt_drift.bare(column_name), 'match_on': match_on, 'key_kind': 'text'}) }} as contact_key
    from {{ model }}
  ) as keyed
  where contact_key is not null
  group by contact_key
  having count(*) > 1
{% endtest %}


{#- Fails for each number that JSON cannot express: NaN and the infinities. -#}
{% test finite_number(model, column_name) %}
  {%- do dbt_drift.refuse_unsupported() %}
  select {{ dbt_drift.quoted(dbt_drift.bare(column_name)) }}
  from {{ model }}
  where {{ dbt_drift.is_not_finite(dbt_drift.as_text(dbt_drift.quoted(dbt_drift.bare(column_name)))) }}
{% endtest %}
