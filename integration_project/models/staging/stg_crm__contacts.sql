select
    contact_id,
    account_id,
    -- As people typed it: a sync compares addresses without case and blanks, and nobody's spelling is changed.
    email,
    full_name,
    phone,
    -- The CRM writes (none) where somebody answered that they have no title; a null was never asked.
    case when job_title = '(none)' then '' else job_title end as job_title,
    marketing_opt_in,
    cast(newsletter_topics as json) as newsletter_topics,
    created_at
from {{ ref('raw_crm__contacts') }}
where
    created_at < {{ demo_date(days_later=1) }}
    and (deleted_at is null or deleted_at >= {{ demo_date(days_later=1) }})
