{#- One row for each address: case and blanks around it do not make another one. -#}
{% test unique_email(model, column_name) %}
select lower(trim({{ column_name }})) as email
from {{ model }}
where {{ column_name }} is not null
group by lower(trim({{ column_name }}))
having count(*) > 1
{% endtest %}
