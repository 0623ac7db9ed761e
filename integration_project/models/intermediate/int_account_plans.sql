with latest as (
    select
        *,
        row_number() over (partition by account_id order by started_on desc, subscription_id desc) as recency
    from {{ ref('stg_billing__subscriptions') }}
)

select
    account_id,
    case when ended_on is null then plan_tier else 'free' end as plan_tier,
    case when ended_on is null then seats end as seats,
    case when ended_on is null then trial_ends_on end as trial_ends_on,
    ended_on is null and plan_tier <> 'trial' as is_paying,
    case when cancellation_reason is not null then ended_on end as churned_on,
    cancellation_reason as churn_reason
from latest
where recency = 1
