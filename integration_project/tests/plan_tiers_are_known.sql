-- The tiers that the descriptions, and the people who filter by them in Drift, know of.
select plan_tier
from {{ ref('dim_contacts') }}
where plan_tier not in ('free', 'trial', 'starter', 'team', 'business')
