select
    subscription_id,
    account_id,
    plan_tier,
    seats,
    price_per_seat,
    started_on,
    trial_ends_on,
    -- The export knows the future, the models must not.
    case when ended_on <= {{ demo_date() }} then ended_on end as ended_on,
    case when ended_on <= {{ demo_date() }} then cancellation_reason end as cancellation_reason
from {{ ref('raw_billing__subscriptions') }}
where started_on <= {{ demo_date() }}
