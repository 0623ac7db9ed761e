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


{#- The audiences of the sync that are not registered as they are now. `registered`: [state, mode, tag_from, match_on] of those that
    are, or none to read them. -#}
{% macro unregistered_audiences(sync, registered=none) %}
  {% set present, found = {}, [] %}
  {% if registered is none %}
    {% set registered = dbt_drift.rows_of(
         'select state, mode, tag_from, match_on from ' ~ dbt_drift.audiences_relation(sync.ledger) ~ " where slug = '" ~ sync.slug ~ "'") %}
  {% endif %}
  {% for row in registered %}{% do present.update({row[0]: [row[1], row[2], row[3]]}) %}{% endfor %}
  {% for audience in sync.audiences if present.get(audience.state) != [audience.mode, audience.tag_from, sync.match_on] %}
    {% do found.append(audience) %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}


{% macro unregister_audience(ledger, slug, state) %}
  {{ dbt_drift.execute('delete from ' ~ dbt_drift.audiences_relation(ledger) ~ " where slug = '" ~ slug ~ "' and state = '" ~ state ~ "'") }}
{% endmacro %}


{#- For each of these audiences, {slug, state}, how many contacts carry its tag because of it, or may carry it after a run that did not
    end in order. `present`: the ledger's tables, {table: [column]}. -#}
{% macro tagged_contacts(ledger, audiences, present) %}
  {% set states, sizes = {}, {} %}
  {% for audience in audiences if audience.state in present.get(audience.slug ~ '__accepted', []) %}
    {% do states.setdefault(audience.slug, []).append(audience.state) %}
  {% endfor %}
  {% for slug, own in states.items() %}
    {#- A select has at most 1664 columns on Postgres. -#}
    {% for part in own | batch(800) %}
      {% set counts = dbt_drift.rows_of(dbt_drift.audience_sizes_sql(ledger, slug, part, present.get(slug ~ '__delta', [])))[0] %}
      {% for state in part %}{% do sizes.update({(slug, state): counts[2 * loop.index0] + counts[2 * loop.index0 + 1]}) %}{% endfor %}
    {% endfor %}
  {% endfor %}
  {% set found = [] %}
  {% for audience in audiences %}{% do found.append(sizes.get((audience.slug, audience.state), 0)) %}{% endfor %}
  {{ return(found) }}
{% endmacro %}


{#- For each of these states of a sync, two counts: the contacts that carry the tag because of the audience, and those to which a run
    that has not been folded was giving it. `delta_columns`: the columns of the sync's delta. -#}
{% macro audience_sizes_sql(ledger, slug, states, delta_columns) %}
  {%- set delta = dbt_drift.ledger_relation(ledger, slug ~ '__delta') -%}
  select
    {%- for state in states %}
    count(case when {{ dbt_drift.was_set(state) }} then 1 end),
    {% if state in delta_columns -%}
    (select count(*) from {{ delta }} where {{ state }} = '+' and not coalesce({{ dbt_drift.was_set('old_' ~ state) }}, false)
       and stage_id in (select stage_id from {{ dbt_drift.ledger_relation(ledger, slug ~ '__journal') }} where status = 'sending'))
    {%- else -%}
    0
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') }}
{% endmacro %}


{#- Whether any contact is certain to carry the tag of one of these audiences, {slug, state}. Stops at the first that does. -#}
{% macro a_tag_is_seen(ledger, audiences, present) %}
  {% set states, queries = {}, [] %}
  {% for audience in audiences if audience.state in present.get(audience.slug ~ '__accepted', []) %}
    {% do states.setdefault(audience.slug, []).append(audience.state ~ " = '+'") %}
  {% endfor %}
  {% for slug, seen in states.items() %}
    {% do queries.append('select 1 from ' ~ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') ~ ' where '
                         ~ dbt_drift.balanced(seen, ' or ')) %}
  {% endfor %}
  {{ return(queries | length > 0 and dbt_drift.rows_of(queries | join(' union all ') ~ ' limit 1') | length > 0) }}
{% endmacro %}


{#- Records the rows of another relation as members that the audience has tagged ('*'), whether or not the ledger knows them. Returns
    how many were not known as members before. `members`: the sync with that relation and its key instead of its own. -#}
{% macro adopt_members(sync, state, members) %}
  {% set accepted = dbt_drift.accepted_relation(sync) %}
  {% set folding = dbt_drift.folding_relation(sync, 'adopted') %}
  {% set columns = dbt_drift.ledger_columns(sync.ledger, [accepted.identifier])[accepted.identifier] %}
  {% set adopted_sql %}
    select members.contact_key
    {%- for column in columns if column != 'contact_key' %},
      {{ "cast('*' as " ~ dbt_drift.text_type() ~ ')' if column == state else 'accepted.' ~ column }} as {{ column }}
    {%- endfor %}
    from (select distinct contact_key from ({{ dbt_drift.keys_sql(members) }}) as keyed where contact_key is not null) as members
    left join {{ accepted }} as accepted on accepted.contact_key = members.contact_key
    where accepted.{{ state }} is null or not ({{ dbt_drift.was_set('accepted.' ~ state) }})
  {% endset %}
  {{ dbt_drift.discard_stage(sync) }}
  {{ dbt_drift.create_working_table(folding, adopted_sql) }}
  {% set adopted = dbt_drift.rows_of('select count(*) from ' ~ folding)[0][0] | int %}
  {{ dbt_drift.replace_rows(accepted, folding, columns) }}
  {{ dbt_drift.drop_working_table(folding) }}
  {{ return(adopted) }}
{% endmacro %}


{#- Forgets one audience: the tag stays in Drift, and no sync removes it any more. -#}
{% macro drop_audience(ledger, slug, state) %}
  {{ dbt_drift.execute('update ' ~ dbt_drift.ledger_relation(ledger, slug ~ '__accepted') ~ ' set ' ~ state ~ ' = null') }}
  {{ dbt_drift.unregister_audience(ledger, slug, state) }}
{% endmacro %}
