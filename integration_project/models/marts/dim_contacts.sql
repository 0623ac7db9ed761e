select
    contacts.contact_id,
    contacts.email,
    contacts.full_name,
    contacts.phone,
    contacts.job_title,
    accounts.account_name as company,
    coalesce(plans.plan_tier, 'free') as plan_tier,
    plans.seats,
    coalesce(plans.is_paying, false) as is_paying,
    plans.trial_ends_on,
    coalesce(plans.trial_ends_on <= {{ demo_date(days_later=7) }}, false) as is_trial_ending,
    coalesce(revenue.lifetime_value, 0) as lifetime_value,
    accounts.storage_bytes,
    activity.last_seen_at,
    activity.open_tickets,
    coalesce(contacts.marketing_opt_in, false) as is_newsletter_reader,
    contacts.newsletter_topics,
    contacts.created_at as signed_up_at
from {{ ref('stg_crm__contacts') }} as contacts
left join {{ ref('stg_crm__accounts') }} as accounts on accounts.account_id = contacts.account_id
left join {{ ref('int_account_plans') }} as plans on plans.account_id = contacts.account_id
left join {{ ref('int_account_revenue') }} as revenue on revenue.account_id = contacts.account_id
left join {{ ref('int_contact_activity') }} as activity on activity.contact_id = contacts.contact_id
