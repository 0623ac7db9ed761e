{#- An address that could receive mail: one @, something before it, a dot in the domain, no blank inside. -#}
{% test email_format(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} is not null
  and (
    trim({{ column_name }}) not like '%_@_%._%'
    or {{ column_name }} like '%@%@%'
    or trim({{ column_name }}) like '% %'
  )
{% endtest %}
