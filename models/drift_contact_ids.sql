{%- set contacts = source('drift_ledger', 'drift_contacts') -%}
{% if dbt_drift.is_there(contacts) %}
select match_on, contact_key, contact_id
from {{ contacts }}
{% else %}
{{ dbt_drift.no_rows({'match_on': 'string', 'contact_key': 'string', 'contact_id': 'bigint'}) }}
{% endif %}
