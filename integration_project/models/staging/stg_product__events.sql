select
    event_id,
    contact_id,
    event_name,
    occurred_at,
    cast(properties as json) ->> 'source' as source,
    cast(cast(properties as json) ->> 'board' as integer) as board_number
from {{ ref('raw_product__events') }}
where occurred_at < {{ demo_date(days_later=1) }}
