{%- set syncs = source('drift_ledger', 'drift_run_syncs') -%}
{%- set counts = [] -%}
{%- for name, type in dbt_drift.run_syncs_columns() if type == 'bigint' %}{% do counts.append(name) %}{% endfor -%}
{% if dbt_drift.is_there(syncs) %}
select
    invocation_id,
    unique_id,
    name as model_name,
    status,
    message,
    {%- for count in counts %}
    {{ count }},
    {%- endfor %}
    seconds,
    finished_at
from {{ syncs }}
{% else %}
{%- set columns = {'invocation_id': 'string', 'unique_id': 'string', 'model_name': 'string', 'status': 'string', 'message': 'string'} -%}
{%- for count in counts %}{% do columns.update({count: 'bigint'}) %}{% endfor -%}
{%- do columns.update({'seconds': 'float', 'finished_at': 'timestamp'}) -%}
{{ dbt_drift.no_rows(columns) }}
{% endif %}
