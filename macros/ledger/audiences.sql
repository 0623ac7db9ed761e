{#- The members of an audience, the tags that a column names, and the audiences that a ledger knows. -#}

{#- Whether a row of the model is a member: its flag, its tag, or both. -#}
{% macro member_sql(audience) -%}
  {%- set flag = dbt_drift.quoted(audience.when) if audience.when else 'true' -%}
  {%- if not audience.tag_from -%}
    {{ flag }}
  {%- else -%}
    {%- set tag = dbt_drift.text_literal(audience.tag) -%}
    {%- if audience.is_list -%}
      ({{ flag }} and exists (select 1 from (select unnest({{ dbt_drift.quoted(audience.tag_from) }}) as tag_name) as listed
                              where {{ dbt_drift.trimmed(dbt_drift.as_text('tag_name')) }} = {{ tag }}))
    {%- else -%}
      ({{ flag }} and {{ dbt_drift.trimmed(dbt_drift.as_text(dbt_drift.quoted(audience.tag_from))) }} = {{ tag }})
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}


{#- The tags that a column names, at most `most`, without blanks around them and without empty ones. -#}
{% macro named_tags_sql(sync, audience, most) %}
  {%- set column = dbt_drift.quoted(audience.tag_from) -%}
  select distinct {{ dbt_drift.trimmed(dbt_drift.as_text('tag_name')) }} as tag_name
  from (
    select {{ 'unnest(' ~ column ~ ')' if audience.is_list else column }} as tag_name
    from {{ dbt_drift.model_relation(sync) }}
    {{ 'where ' ~ dbt_drift.quoted(audience.when) if audience.when }}
  ) as named
  where {{ dbt_drift.trimmed(dbt_drift.as_text('tag_name')) }} <> ''
  order by 1
  limit {{ most }}
{% endmacro %}


{#- Remembers each audience of the sync under its state column, also after it leaves the mapping. Writes only what is new. -#}
{% macro register_audiences(sync) %}
  {% set registry = dbt_drift.audiences_relation(sync.ledger) %}
  {% set mark = get_binding_char() %}
  {% for audience in dbt_drift.unregistered_audiences(sync) %}
    {{ dbt_drift.unregister_audience(sync.ledger, sync.slug, audience.state) }}
    {% do adapter.add_query(
         'insert into ' ~ registry ~ ' (slug, model, match_on, state, tag_name, mode, tag_from) values ('
         ~ ([mark] * 7) | join(', ') ~ ')', auto_begin=False,
         bindings=[sync.slug, sync.name, sync.match_on, audience.state, audience.tag, audience.mode, audience.tag_from]) %}
  {% endfor %}
{% endmacro %}


{#- The audiences of the sync that are not registered as they are now. -#}
{% macro unregistered_audiences(sync) %}
  {% set present, found = {}, [] %}
  {% for row in dbt_drift.rows_of(
       'select state, mode, tag_from, match_on from ' ~ dbt_drift.audiences_relation(sync.ledger) ~ " where slug = '" ~ sync.slug ~ "'") %}
    {% do present.update({row[0]: [row[1], row[2], row[3]]}) %}
  {% endfor %}
  {% for audience in sync.audiences if present.get(audience.state) != [audience.mode, audience.tag_from, sync.match_on] %}
    {% do found.append(audience) %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}


{% macro unregister_audience(ledger, slug, state) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.audiences_relation(ledger) ~ " where slug = '" ~ slug ~ "' and state = '" ~ state ~ "'") }}
{% endmacro %}


{#- Every audience that was ever registered: [{slug, model, state, tag, mode, tag_from, tagged_contacts, is_seen}].
    `tagged_contacts`: how many contacts carry its tag because of it, or may carry it after a run that did not end in order;
    `is_seen`: whether any is certain to carry it. -#}
{% macro registered_audiences(ledger) %}
  {% set present = dbt_drift.ledger_columns(ledger) %}
  {% set registry = dbt_drift.audiences_relation(ledger) %}
  {% set found, states = [], {} %}
  {% if registry.identifier in present %}
    {% for row in dbt_drift.rows_of('select slug, model, state, tag_name, mode, tag_from from ' ~ registry ~ ' order by slug, tag_name')
         if row[2] in present.get(row[0] ~ '__accepted', []) %}
      {% do found.append({'slug': row[0], 'model': row[1], 'state': row[2], 'tag': row[3], 'mode': row[4], 'tag_from': row[5]}) %}
      {% do states.setdefault(row[0], []).append(row[2]) %}
    {% endfor %}
  {% endif %}
  {% set sizes = {} %}
  {% for slug, own in states.items() %}
    {#- A select has at most 1664 columns on Postgres. -#}
    {% for part in own | batch(500) %}
      {% set counts = dbt_drift.rows_of(dbt_drift.audience_sizes_sql(ledger, slug, part, present.get(slug ~ '__delta', [])))[0] %}
      {% for state in part %}{% do sizes.update({(slug, state): counts[3 * loop.index0 : 3 * loop.index0 + 3]}) %}{% endfor %}
    {% endfor %}
  {% endfor %}
  {% for audience in found %}
    {% set certain_or_not, certain, under_way = sizes[(audience.slug, audience.state)] %}
    {% do audience.update({'tagged_contacts': certain_or_not + under_way, 'is_seen': certain > 0}) %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}


{#- For each of these states of a sync, three counts: the contacts that carry the tag because of the audience, those that certainly
    do, and those to which a run that has not been folded was giving it. `delta_columns`: the columns of the sync's delta. -#}
{% macro audience_sizes_sql(ledger, slug, states, delta_columns) %}
  {%- set delta = dbt_drift.ledger_relation(ledger, slug ~ '__delta') -%}
  select
    {%- for state in states %}
    count(case when {{ dbt_drift.was_set(state) }} then 1 end),
    count(case when {{ state }} = '+' then 1 end),
    {% if state in delta_columns -%}
    (select count(*) from {{ delta }} where {{ state }} = '+' and not coalesce({{ dbt_drift.was_set('old_' ~ state) }}, false)
       and stage_id in (select stage_id from {{ dbt_drift.ledger_relation(ledger, slug ~ '__journal') }} where status = 'sending'))
    {%- else -%}
    0
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') }}
{% endmacro %}


{#- Records the rows of another relation as members that the audience has tagged ('*'), whether or not the ledger knows them. Returns
    how many were not known as members before. `members`: the sync with that relation and its key instead of its own. -#}
{% macro adopt_members(sync, state, members) %}
  {% set accepted = dbt_drift.accepted_relation(sync) %}
  {% set folding = dbt_drift.folding_relation(sync) %}
  {% set columns = dbt_drift.columns_in(accepted) %}
  {% set adopted_sql %}
    select members.contact_key
    {%- for column in columns | map(attribute='name') | map('lower') if column != 'contact_key' %},
      {{ "cast('*' as " ~ dbt_drift.text_type() ~ ')' if column == state else 'accepted.' ~ column }} as {{ column }}
    {%- endfor %}
    from (select distinct contact_key from ({{ dbt_drift.keys_sql(members) }}) as keyed where contact_key is not null) as members
    left join {{ accepted }} as accepted on accepted.contact_key = members.contact_key
    where accepted.{{ state }} is null or not ({{ dbt_drift.was_set('accepted.' ~ state) }})
  {% endset %}
  {{ dbt_drift.discard_stage(sync) }}
  {{ dbt_drift.create_table_from(folding, adopted_sql) }}
  {% set adopted = dbt_drift.rows_of('select count(*) from ' ~ folding)[0][0] | int %}
  {{ dbt_drift.replace_rows(accepted, folding, 'contact_key', columns) }}
  {{ dbt_drift.execute('drop table ' ~ folding) }}
  {{ return(adopted) }}
{% endmacro %}


{#- Forgets one audience: the tag stays in Drift, and no sync removes it any more. -#}
{% macro drop_audience(ledger, slug, state) %}
  {{ dbt_drift.execute('update ' ~ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') ~ ' set ' ~ state ~ ' = null') }}
  {{ dbt_drift.unregister_audience(ledger, slug, state) }}
{% endmacro %}
