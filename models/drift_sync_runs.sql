{%- set runs = source('drift_ledger', 'drift_runs') -%}
{% if dbt_drift.is_there(runs) %}
select
    invocation_id,
    command,
    target,
    dbt_drift_version,
    drift_url,
    started_at,
    max(finished_at) as finished_at,
    coalesce(max(case when finished_at is not null then status end), 'running') as status
from {{ runs }}
group by invocation_id, command, target, dbt_drift_version, drift_url, started_at
{% else %}
{{ dbt_drift.no_rows({
    'invocation_id': 'string', 'command': 'string', 'target': 'string', 'dbt_drift_version': 'string', 'drift_url': 'string',
    'started_at': 'timestamp', 'finished_at': 'timestamp', 'status': 'string',
}) }}
{% endif %}
