-- Every event belongs to somebody in the CRM, deleted people included.
select events.event_id
from {{ ref('stg_product__events') }} as events
left join {{ ref('raw_crm__contacts') }} as contacts on contacts.contact_id = events.contact_id
where contacts.contact_id is null
