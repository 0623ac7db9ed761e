{#- The difference between a model and what Drift last accepted, written to the delta: one numbered row for each contact that
    has something to send, and one for each row that cannot be sent, with the reason. Rows in which nothing changed never leave
    the warehouse.

    A delta row holds, for each attribute and audience of the mapping, the wanted wire text (`attr_x`, `tag_x`) and the one that
    Drift last accepted (`old_attr_x`, `old_tag_x`). NULL wants nothing: a null in the model leaves in Drift what is there. -#}
{% macro stage(sync) %}
  {% set delta = dbt_drift.delta_relation(sync) %}
  {{ dbt_drift.create_table_from(delta, dbt_drift.delta_sql(sync)) }}
  {{ dbt_drift.index_delta(delta) }}
{% endmacro %}


{#- Pages are ranges of seq: an index where a scan of the delta for each page would be felt. -#}
{% macro index_delta(delta) %}{{ adapter.dispatch('index_delta', 'dbt_drift')(delta) }}{% endmacro %}
{% macro default__index_delta(delta) %}{% endmacro %}
{% macro postgres__index_delta(delta) %}
  {{ dbt_drift.execute('create unique index on ' ~ delta ~ ' (seq)') }}
  {{ dbt_drift.analyze_table(delta) }}
{% endmacro %}


{% macro delta_sql(sync) %}
  {%- set states = (sync.attributes + sync.audiences) | map(attribute='state') | list -%}
  select
    row_number() over (order by case when reason is null then 0 else 1 end, contact_key) as seq,
    '{{ sync.stage_id }}' as stage_id,
    numbered.*
  from (
    select
      differing.action,
      {{ dbt_drift.rejection_sql(sync) }},
      differing.contact_key,
      contacts.contact_id
      {%- for state in states %},
      differing.{{ state }}, differing.old_{{ state }}
      {%- endfor %}
    from (
      {{ dbt_drift.differing_sql(sync) }}
      {%- if sync.audiences | selectattr('mode', 'equalto', 'mirror') | list %}
      union all
      {{ dbt_drift.departed_sql(sync) }}
      {%- endif %}
    ) as differing
    left join {{ dbt_drift.contacts_relation(sync.ledger) }} as contacts
      on contacts.contact_key = differing.contact_key and contacts.match_on = '{{ sync.match_on }}'
  ) as numbered
{% endmacro %}


{#- The model's rows as the ledger sees them. -#}
{% macro source_sql(sync) %}
  select
    {{ dbt_drift.contact_key(sync) }} as contact_key
    {%- for attribute in sync.attributes %},
    {{ dbt_drift.wire(attribute) }} as {{ attribute.state }}
    {%- endfor %}
    {%- for audience in sync.audiences %},
    {{ adapter.quote(audience.when) if audience.when else 'true' }} as {{ audience.state }}
    {%- endfor %}
  from {{ dbt_drift.model_relation(sync) }}
{% endmacro %}


{#- Rows of the model that Drift does not know, that changed, or that share their key with another row. -#}
{% macro differing_sql(sync) %}
      select
        'upsert' as action,
        source.contact_key,
        duplicated.contact_key is not null as is_duplicated
        {%- for attribute in sync.attributes %},
        source.{{ attribute.state }}, snapshot.{{ attribute.state }} as old_{{ attribute.state }}
        {%- endfor %}
        {%- for audience in sync.audiences %},
        {{ dbt_drift.wanted_tag(audience) }} as {{ audience.state }}, snapshot.{{ audience.state }} as old_{{ audience.state }}
        {%- endfor %}
      from ({{ dbt_drift.source_sql(sync) }}) as source
      left join {{ dbt_drift.snapshot_relation(sync) }} as snapshot on snapshot.contact_key = source.contact_key
      left join (
        select contact_key from (
          select {{ dbt_drift.contact_key(sync) }} as contact_key from {{ dbt_drift.model_relation(sync) }}
        ) as keyed
        group by contact_key having count(*) > 1
      ) as duplicated on duplicated.contact_key = source.contact_key
      where snapshot.contact_key is null
         or duplicated.contact_key is not null
      {%- for attribute in sync.attributes if not attribute.is_key %}
         or {{ dbt_drift.differs('source.' ~ attribute.state, 'snapshot.' ~ attribute.state, attribute.is_email) }}
      {%- endfor %}
      {%- for audience in sync.audiences %}
         or {{ dbt_drift.differs(dbt_drift.wanted_tag(audience), 'snapshot.' ~ audience.state) }}
      {%- endfor %}
{% endmacro %}


{#- Contacts whose row left the model and who still carry a tag that a mirror audience of ours set. -#}
{% macro departed_sql(sync) %}
  {%- set mirrors = sync.audiences | selectattr('mode', 'equalto', 'mirror') | list %}
      select
        'leave' as action,
        snapshot.contact_key,
        false as is_duplicated
        {%- for attribute in sync.attributes %},
        cast(null as {{ dbt_drift.text_type() }}) as {{ attribute.state }}, snapshot.{{ attribute.state }} as old_{{ attribute.state }}
        {%- endfor %}
        {%- for audience in sync.audiences %},
        {% if audience.mode == 'mirror' -%}
          case when snapshot.{{ audience.state }} = '+' then '-' end
        {%- else -%}
          cast(null as {{ dbt_drift.text_type() }})
        {%- endif %} as {{ audience.state }}, snapshot.{{ audience.state }} as old_{{ audience.state }}
        {%- endfor %}
      from {{ dbt_drift.snapshot_relation(sync) }} as snapshot
      left join (
        select {{ dbt_drift.contact_key(sync) }} as contact_key from {{ dbt_drift.model_relation(sync) }}
      ) as source on source.contact_key = snapshot.contact_key
      where source.contact_key is null
        and ({% for audience in mirrors %}{{ 'or ' if not loop.first }}snapshot.{{ audience.state }} = '+'{{ ' ' if not loop.last }}{% endfor %})
{% endmacro %}


{#- A value that is wanted and is not the one that Drift last accepted. Case makes no difference in an e-mail address. -#}
{% macro differs(wanted, accepted, ignoring_case=false) -%}
  {%- set wanted, accepted = ('lower(' ~ wanted ~ ')', 'lower(' ~ accepted ~ ')') if ignoring_case else (wanted, accepted) -%}
  {{ wanted }} <> {{ accepted }} or ({{ wanted }} is not null and {{ accepted }} is null)
{%- endmacro %}


{#- '+' wants the tag set, '-' wants it taken away, NULL leaves it alone. A mirror takes away only what it set itself. -#}
{% macro wanted_tag(audience) -%}
  {%- if audience.mode == 'add' -%}
    case when source.{{ audience.state }} then '+' end
  {%- elif audience.mode == 'remove' -%}
    case when source.{{ audience.state }} then '-' end
  {%- else -%}
    case when source.{{ audience.state }} then '+' when snapshot.{{ audience.state }} = '+' then '-' end
  {%- endif -%}
{%- endmacro %}


{#- Why a row cannot be sent, and the attribute to blame: two columns, NULL where it can. -#}
{% macro rejection_sql(sync) -%}
  {%- set numbers = sync.attributes | selectattr('kind', 'in', ['decimal', 'float', 'date', 'timestamp', 'timestamptz'])
                                    | rejectattr('as_text') | list -%}
  case
        when differing.contact_key is null then 'missing_key'
        when differing.is_duplicated then 'duplicate_key'
        when differing.action = 'leave' then null
        {%- for attribute in sync.attributes if attribute.is_email %}
        when not ({{ dbt_drift.looks_like_email('substr(differing.' ~ attribute.state ~ ', 2)') }}) then 'malformed_email'
        {%- endfor %}
        {%- for attribute in numbers %}
        when {{ dbt_drift.is_not_finite('differing.' ~ attribute.state) }} then 'not_finite'
        {%- endfor %}
      end as reason,
      case
        when differing.contact_key is null or differing.is_duplicated then '{{ sync.match_on }}'
        when differing.action = 'leave' then null
        {%- for attribute in sync.attributes if attribute.is_email %}
        when not ({{ dbt_drift.looks_like_email('substr(differing.' ~ attribute.state ~ ', 2)') }}) then 'email'
        {%- endfor %}
        {%- for attribute in numbers %}
        when {{ dbt_drift.is_not_finite('differing.' ~ attribute.state) }} then '{{ attribute.attribute | replace("'", "''") }}'
        {%- endfor %}
      end as attribute
{%- endmacro %}


{#- NaN and the infinities, as the engines spell them: JSON has no number for them. -#}
{% macro is_not_finite(wire) -%}
  {{ wire }} in ('NaN', 'Infinity', '-Infinity', 'nan', 'inf', '-inf')
{%- endmacro %}
