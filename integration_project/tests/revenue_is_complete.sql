-- Every paid invoice is in exactly one month.
with monthly as (
    select sum(revenue) as total from {{ ref('fct_monthly_revenue') }}
),

paid as (
    select sum(amount) as total from {{ ref('stg_billing__invoices') }} where paid_at is not null
)

select monthly.total as monthly_total, paid.total as paid_total
from monthly
cross join paid
where monthly.total <> paid.total
