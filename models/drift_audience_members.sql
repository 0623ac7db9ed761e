{%- set members = [] -%}
{%- for sync in dbt_drift.syncs_with('accepted') -%}
    {%- for audience in sync.spec.audiences -%}
        {%- do members.append({'sync': sync, 'tag': audience.tag, 'state': audience.state}) -%}
    {%- endfor -%}
{%- endfor -%}
{% for member in members %}
select
    cast('{{ member.sync.unique_id }}' as {{ dbt_drift.text_type() }}) as unique_id,
    cast('{{ member.tag | replace("'", "''") }}' as {{ dbt_drift.text_type() }}) as tag,
    contact_key
from {{ member.sync.relation }}
where {{ dbt_drift.was_set(member.state) }}
{{ 'union all' if not loop.last }}
{% else %}
{{ dbt_drift.no_rows({'unique_id': 'string', 'tag': 'string', 'contact_key': 'string'}) }}
{% endfor %}
