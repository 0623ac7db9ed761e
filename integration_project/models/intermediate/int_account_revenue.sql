select
    account_id,
    cast(sum(amount) as decimal(12, 2)) as lifetime_value
from {{ ref('stg_billing__invoices') }}
where paid_at is not null
group by account_id
