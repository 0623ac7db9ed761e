select
    cast({{ dbt.date_trunc('month', 'paid_at') }} as date) as revenue_month,
    count(distinct account_id) as paying_accounts,
    cast(sum(amount) as decimal(14, 2)) as revenue
from {{ ref('stg_billing__invoices') }}
where paid_at is not null
group by 1
