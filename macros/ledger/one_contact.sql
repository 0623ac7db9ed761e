{#- What the model and the ledger say about a few contacts. -#}

{#- The keys of the contacts that a text names: by their key, or by the e-mail address if the sync matches on another attribute. -#}
{% macro matching_keys_sql(sync, texts) %}
  {%- set addresses = sync.attributes | selectattr('is_email') | rejectattr('is_key') | map(attribute='state') | list -%}
  {%- set conditions = [] -%}
  {%- for text in texts -%}
    {%- set literal = dbt_drift.text_literal(text) -%}
    {%- do conditions.append('named.contact_key = ' ~ ('lower(' ~ literal ~ ')' if sync.match_on == 'email' else literal)) -%}
    {%- for address in addresses -%}
      {%- do conditions.append("lower(ltrim(named." ~ address ~ ", '?\"')) = lower(" ~ literal ~ ')') -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for relation in ['(' ~ dbt_drift.source_sql(sync) ~ ')', dbt_drift.accepted_relation(sync)] -%}
  select contact_key from {{ relation }} as named where {{ conditions | join(' or ') }}
  {{- ' union ' if not loop.last }}
  {% endfor -%}
{% endmacro %}


{#- The rows of the model with these keys: key, key as written, id of the row, then the wire text of each attribute and whether the row is
    a member of each audience. -#}
{% macro model_rows_sql(sync, keys) %}
  select * from ({{ dbt_drift.source_sql(sync) }}) as source where {{ dbt_drift.has_key('source', keys) }} order by contact_key asc
{% endmacro %}


{#- What Drift last accepted of these contacts: key, Drift id, then each attribute and each audience. A contact that no sync has written is
    there if its Drift id is known. -#}
{% macro accepted_rows_sql(sync, keys) %}
  {%- set states = (sync.attributes + sync.audiences) | map(attribute='state') | list -%}
  select coalesce(accepted.contact_key, contacts.contact_key), contacts.contact_id, accepted.contact_key is not null
    {%- for state in states %}, accepted.{{ state }}{% endfor %}
  from (select * from {{ dbt_drift.accepted_relation(sync) }} as accepted where {{ dbt_drift.has_key('accepted', keys) }}) as accepted
  full join (select contact_key, contact_id from {{ dbt_drift.contacts_relation(sync.ledger) }} as contacts
             where match_on = '{{ sync.match_on }}' and {{ dbt_drift.has_key('contacts', keys) }}) as contacts
    on contacts.contact_key = accepted.contact_key
{% endmacro %}


{#- The rejected rows of these contacts. -#}
{% macro rejected_rows_sql(sync, keys) %}
  select contact_key, status, reason, attribute, message, first_rejected_at, last_rejected_at, tries, given_up
  from {{ dbt_drift.rejected_relation(sync) }} as rejected where {{ dbt_drift.has_key('rejected', keys) }}
{% endmacro %}
