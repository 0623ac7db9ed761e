{#- A table: a sync makes the tables that it reads anew, which Postgres refuses where a view stands on them. -#}
{{ config(materialized='table') }}
{%- set syncs = dbt_drift.syncs_with('rejected') -%}
{% for sync in syncs %}
select
    cast('{{ sync.unique_id }}' as {{ dbt_drift.text_type() }}) as unique_id,
    contact_key,
    key_as_written,
    row_id,
    status,
    reason,
    attribute,
    message
from {{ sync.relation }}
{{ 'union all' if not loop.last }}
{% else %}
{{ dbt_drift.no_rows({
    'unique_id': 'string', 'contact_key': 'string', 'key_as_written': 'string', 'row_id': 'string', 'status': 'string', 'reason': 'string', 'attribute': 'string', 'message': 'string',
}) }}
{% endfor %}
