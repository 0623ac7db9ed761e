select
    ticket_id,
    contact_id,
    subject,
    priority,
    opened_at,
    case when solved_at < {{ demo_date(days_later=1) }} then solved_at end as solved_at,
    case when solved_at < {{ demo_date(days_later=1) }} then satisfaction end as satisfaction
from {{ ref('raw_support__tickets') }}
where opened_at < {{ demo_date(days_later=1) }}
