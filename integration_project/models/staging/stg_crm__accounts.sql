select
    account_id,
    account_name,
    industry,
    country_code,
    storage_bytes,
    created_at
from {{ ref('raw_crm__accounts') }}
where created_at < {{ demo_date(days_later=1) }}
