select
    invoice_id,
    account_id,
    amount,
    issued_on,
    case when paid_at < {{ demo_date(days_later=1) }} then paid_at end as paid_at
from {{ ref('raw_billing__invoices') }}
where issued_on <= {{ demo_date() }}
