{#- The SQL that compares the model's rows, as wire text, with the accepted values. -#}

{#- `keys`, here and below: only the contacts with these keys, or none for all. `suppressed`: only the rows that are suppressed, or only the
    others; none for all. -#}
{% macro keys_sql(sync, keys=none, suppressed=none) %}
  {%- set kept = '' if suppressed is none or not sync.suppress else ' where ' ~ ('' if suppressed else 'not ') ~ dbt_drift.is_suppressed(sync) -%}
  {%- set sql = 'select ' ~ dbt_drift.contact_key(sync) ~ ' as contact_key from ' ~ dbt_drift.model_relation(sync) ~ kept -%}
  {{ sql if keys is none else 'select contact_key from (' ~ sql ~ ') as source where ' ~ dbt_drift.has_key('source', keys) }}
{%- endmacro %}

{% macro has_key(alias, keys) -%}
  {%- set literals = [] -%}
  {%- for key in keys %}{% do literals.append(dbt_drift.text_literal(key)) %}{% endfor -%}
  {{ alias ~ '.contact_key in (' ~ literals | join(', ') ~ ')' if literals else 'false' }}
{%- endmacro %}


{#- Whether a row is suppressed. A null suppresses nobody: a person who is not on the list that a model joins has one. -#}
{% macro is_suppressed(sync) %}coalesce({{ dbt_drift.quoted(sync.suppress) }}, false){% endmacro %}

{#- The number of rows that are suppressed. -#}
{% macro suppressed_count_sql(sync, keys=none) %}
  {{- '(select count(*) from (' ~ dbt_drift.keys_sql(sync, keys, suppressed=true) ~ ') as suppressed_rows)' if sync.suppress else '0' -}}
{% endmacro %}


{#- The number of rows, of rows with a key, and of distinct keys. If the last two differ, rows share a key, changed or not. To count
    distinct hashes costs half as much as to group the keys; after a collision, the difference only looks for duplicates in vain. -#}
{% macro key_counts_sql(keys_sql) %}{{ return(adapter.dispatch('key_counts_sql', 'dbt_drift')(keys_sql)) }}{% endmacro %}
{% macro default__key_counts_sql(keys_sql) -%}
  select count(*) as row_count, count(contact_key) as keys, count(distinct contact_key) as distinct_keys from ({{ keys_sql }}) as rows_of_model
{%- endmacro %}
{#- `offset 0` keeps Postgres from computing each key twice, once for each count. -#}
{% macro postgres__key_counts_sql(keys_sql) -%}
  select count(*) as row_count, count(hash) as keys, count(distinct hash) as distinct_keys
  from (select hashtextextended(contact_key, 0) as hash from ({{ keys_sql }}) as rows_of_model offset 0) as hashed
{%- endmacro %}
{#- DuckDB hashes NULL too, which is one hash too many. -#}
{% macro duckdb__key_counts_sql(keys_sql) -%}
  select count(*) as row_count, count(contact_key) as keys,
         count(distinct hash(contact_key)) - case when count(*) > count(contact_key) then 1 else 0 end as distinct_keys
  from ({{ keys_sql }}) as rows_of_model
{%- endmacro %}


{#- The model's rows in the ledger's form. -#}
{% macro source_sql(sync) %}
  select
    {{ dbt_drift.contact_key(sync) }} as contact_key,
    {{ dbt_drift.who_sql(sync) }}
    {%- for attribute in sync.attributes %},
    {{ dbt_drift.wire(attribute) }} as {{ attribute.state }}
    {%- endfor %}
    {%- for audience in sync.audiences %},
    {{ dbt_drift.member_sql(audience) }} as {{ audience.state }}
    {%- endfor %}
    {%- if sync.suppress %},
    {{ dbt_drift.is_suppressed(sync) }} as is_suppressed
    {%- endif %}
  from {{ dbt_drift.model_relation(sync) }}
{% endmacro %}


{#- What identifies the row for people if its key does not: the key as the model has it, and the declared `row_id`. -#}
{% macro who_sql(sync) -%}
  {{ dbt_drift.as_text(dbt_drift.quoted(sync.key_column)) }} as key_as_written,
  {% if sync.row_label -%}
    {{ dbt_drift.canonical_text(dbt_drift.quoted(sync.row_label.column), sync.row_label.kind) }}
  {%- else -%}
    cast(null as {{ dbt_drift.text_type() }})
  {%- endif %} as row_id
{%- endmacro %}


{#- Everything that differs: rows of the model, and contacts whose rows have left it. -#}
{% macro difference_sql(sync, has_duplicates, everyone_left, keys=none) %}
      {%- if everyone_left %}
      {{ dbt_drift.departed_sql(sync, everyone_left, keys) }}
      {%- else %}
      {{ dbt_drift.changed_sql(sync, has_duplicates, keys) }}
      {%- if sync.audiences | selectattr('mode', 'equalto', 'mirror') | list %}
      union all
      {{ dbt_drift.departed_sql(sync, everyone_left, keys) }}
      {%- endif %}
      {%- endif %}
{% endmacro %}


{#- Rows of the model that are new, that changed, or that share their key with another row. -#}
{% macro changed_sql(sync, has_duplicates, keys=none) %}
      select
        'upsert' as action,
        source.contact_key, source.key_as_written, source.row_id,
        {{ 'duplicated.contact_key is not null' if has_duplicates else 'false' }} as is_duplicated
        {%- for attribute in sync.attributes %},
        {{ dbt_drift.wanted_value(attribute) }} as {{ attribute.state }}, accepted.{{ attribute.state }} as old_{{ attribute.state }}
        {%- endfor %}
        {%- for audience in sync.audiences %},
        {{ dbt_drift.wanted_tag(audience) }} as {{ audience.state }}, accepted.{{ audience.state }} as old_{{ audience.state }}
        {%- endfor %}
      from ({{ dbt_drift.source_sql(sync) }}) as source
      left join {{ dbt_drift.accepted_relation(sync) }} as accepted on accepted.contact_key = source.contact_key
      {%- if has_duplicates %}
      left join (
        select contact_key from ({{ dbt_drift.keys_sql(sync, keys) }}) as keyed group by contact_key having count(*) > 1
      ) as duplicated on duplicated.contact_key = source.contact_key
      {%- endif %}
      {%- set differences = ['accepted.contact_key is null'] %}
      {%- for attribute in sync.attributes if attribute.is_key %}
        {%- do differences.append(dbt_drift.is_uncertain('accepted.' ~ attribute.state)) %}
      {%- endfor %}
      {%- if has_duplicates %}{% do differences.append('duplicated.contact_key is not null') %}{% endif %}
      {%- for attribute in sync.attributes if not attribute.is_key %}
        {%- set source, accepted = 'source.' ~ attribute.state, 'accepted.' ~ attribute.state %}
        {%- set differs = dbt_drift.differs(source, accepted, attribute.is_email, attribute.clears) %}
        {%- if attribute.is_custom %}
          {%- set differs = '((' ~ differs ~ ') and not coalesce(' ~ dbt_drift.is_respelled(attribute, source, accepted) ~ ', false))' %}
        {%- endif %}
        {%- do differences.append(differs) %}
      {%- endfor %}
      {%- for audience in sync.audiences %}
        {%- do differences.append(dbt_drift.differs(dbt_drift.wanted_tag(audience), 'accepted.' ~ audience.state)) %}
      {%- endfor %}
      where {{ 'not source.is_suppressed and ' if sync.suppress }}{{ dbt_drift.has_key('source', keys) ~ ' and ' if keys is not none }}{{ dbt_drift.balanced(differences, ' or ') }}
{% endmacro %}


{#- Terms joined by an operator, as a balanced tree: DuckDB refuses expressions with a depth of 1000, and a chain is as deep as it is
    long. -#}
{% macro balanced(terms, operator) %}
  {% if terms | length <= 8 %}{{ return('(' ~ terms | join(operator) ~ ')') }}{% endif %}
  {% set half = terms | length // 2 %}
  {{ return('(' ~ dbt_drift.balanced(terms[:half], operator) ~ operator ~ dbt_drift.balanced(terms[half:], operator) ~ ')') }}
{% endmacro %}


{#- Contacts whose rows left the model and that still carry a tag that a mirror of this sync set. -#}
{% macro departed_sql(sync, everyone_left, keys=none) %}
  {%- set mirrors = sync.audiences | selectattr('mode', 'equalto', 'mirror') | list %}
      select
        'leave' as action,
        accepted.contact_key,
        cast(null as {{ dbt_drift.text_type() }}) as key_as_written, cast(null as {{ dbt_drift.text_type() }}) as row_id,
        false as is_duplicated
        {%- for attribute in sync.attributes %},
        cast(null as {{ dbt_drift.text_type() }}) as {{ attribute.state }}, accepted.{{ attribute.state }} as old_{{ attribute.state }}
        {%- endfor %}
        {%- for audience in sync.audiences %},
        {% if audience.mode == 'mirror' -%}
          case when {{ dbt_drift.was_set('accepted.' ~ audience.state) }} then '-' end
        {%- else -%}
          cast(null as {{ dbt_drift.text_type() }})
        {%- endif %} as {{ audience.state }}, accepted.{{ audience.state }} as old_{{ audience.state }}
        {%- endfor %}
      from {{ dbt_drift.accepted_relation(sync) }} as accepted
      {%- if not everyone_left %}
      left join ({{ dbt_drift.keys_sql(sync, keys, suppressed=false) }}) as source on source.contact_key = accepted.contact_key
      {%- endif %}
      where {{ 'true' if everyone_left else 'source.contact_key is null' }}
        {%- set carried = [] %}
        {%- for audience in mirrors %}{% do carried.append(dbt_drift.was_set('accepted.' ~ audience.state)) %}{% endfor %}
        and {{ dbt_drift.has_key('accepted', keys) ~ ' and ' if keys is not none }}{{ dbt_drift.balanced(carried, ' or ') }}
{% endmacro %}


{#- Whether a value is wanted and is not the one that Drift last accepted. E-mail addresses that differ in case are equal. In this
    order an equal row, which nearly every row is, costs one evaluation of the wanted value. If nulls clear, a wanted value is never
    null, and to clear what Drift was never sent is no difference. -#}
{% macro differs(wanted, accepted, ignoring_case=false, clearing=false) -%}
  {%- set wanted, accepted = ('lower(' ~ wanted ~ ')', 'lower(' ~ accepted ~ ')') if ignoring_case else (wanted, accepted) -%}
  {{ wanted }} <> {{ accepted }} or ({{ accepted }} is null and {{ wanted }} {{ "<> 'null'" if clearing else 'is not null' }})
{%- endmacro %}


{#- The wanted value in the delta. Only a value that Drift was sent can be cleared, and a value that Drift has keeps the spelling in
    which it was sent. -#}
{% macro wanted_value(attribute) -%}
  {%- set source, accepted = 'source.' ~ attribute.state, 'accepted.' ~ attribute.state -%}
  {%- set cases = [] -%}
  {%- if attribute.is_custom -%}
    {%- do cases.append('when ' ~ dbt_drift.is_respelled(attribute, source, accepted) ~ ' then ' ~ accepted) -%}
  {%- endif -%}
  {%- if attribute.clears -%}
    {%- do cases.append('when ' ~ source ~ " = 'null' and " ~ accepted ~ ' is null then null') -%}
  {%- endif -%}
  {{ 'case ' ~ cases | join(' ') ~ ' else ' ~ source ~ ' end' if cases else source }}
{%- endmacro %}


{#- Whether two wire texts are the same value, as a string and as a number or boolean. The type that Drift lists decides which one is
    sent, and a value is not sent again only because the list has changed. -#}
{% macro is_respelled(attribute, wanted, accepted) -%}
  (left({{ wanted }}, 1) = '"') <> (left({{ accepted }}, 1) = '"') and {{ wanted }} <> 'null' and {{ accepted }} <> 'null'
  and {{ dbt_drift.spelled_out(attribute, wanted) }} = {{ dbt_drift.spelled_out(attribute, accepted) }}
{%- endmacro %}
{% macro spelled_out(attribute, wire) -%}
  {%- set text = 'regexp_replace(' ~ wire ~ ", '^\"', '')" -%}
  {{ dbt_drift.plain_number(dbt_drift.trimmed_seldom(text)) if attribute.kind == 'text' else text }}
{%- endmacro %}


{#- '+' adds the tag, '-' removes it, NULL leaves it alone. A mirror removes only tags that it set itself. -#}
{% macro wanted_tag(audience) -%}
  {%- if audience.mode == 'add' -%}
    case when source.{{ audience.state }} then '+' end
  {%- elif audience.mode == 'remove' -%}
    case when source.{{ audience.state }} then '-' end
  {%- else -%}
    case when source.{{ audience.state }} then '+' when {{ dbt_drift.was_set('accepted.' ~ audience.state) }} then '-' end
  {%- endif -%}
{%- endmacro %}


{#- Whether the sync set the tag: '+', or '*' if it may have set it or has to set it again. -#}
{% macro was_set(state) -%}
  {{ state }} in ('+', '*')
{%- endmacro %}
