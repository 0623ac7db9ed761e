{%- set syncs = source('drift_ledger', 'drift_run_syncs') -%}
{%- set counts = [
    'rows_read', 'rows_unchanged', 'rows_sent', 'rows_suppressed', 'rows_missing', 'rows_invalid', 'rows_rejected', 'rows_given_up',
    'rows_unfinished', 'rows_departed',
    'created', 'updated', 'matched', 'tags_added', 'tags_removed', 'requests', 'throttled',
] -%}
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
