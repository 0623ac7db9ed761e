select
    contacts.contact_id,
    contacts.email,
    plans.churned_on,
    plans.churn_reason
from {{ ref('stg_crm__contacts') }} as contacts
inner join {{ ref('int_account_plans') }} as plans on plans.account_id = contacts.account_id
where plans.churned_on is not null
