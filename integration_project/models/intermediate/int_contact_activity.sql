with seen as (
    select
        contact_id,
        max(occurred_at) as last_seen_at
    from {{ ref('stg_product__events') }}
    group by contact_id
),

waiting as (
    select
        contact_id,
        count(*) as open_tickets
    from {{ ref('stg_support__tickets') }}
    where solved_at is null
    group by contact_id
)

select
    contacts.contact_id,
    seen.last_seen_at,
    coalesce(waiting.open_tickets, 0) as open_tickets
from {{ ref('stg_crm__contacts') }} as contacts
left join seen on seen.contact_id = contacts.contact_id
left join waiting on waiting.contact_id = contacts.contact_id
