{#- The Drift that the ledger describes: its URL, and the organisation that its token opened. -#}

{% macro destination_sql(ledger) %}select api_url from {{ dbt_drift.destination_relation(ledger) }}{% endmacro %}

{% macro claim_destination(ledger, url) %}
  {% do adapter.add_query(
       'insert into ' ~ dbt_drift.destination_relation(ledger) ~ ' (api_url) values (' ~ get_binding_char() ~ ')',
       auto_begin=False, bindings=[url]) %}
{% endmacro %}


{#- The last row counts. -#}
{% macro pin_organisation(ledger, organisation, target) %}
  {{ dbt_drift.insert_row(dbt_drift.organisation_relation(ledger), {'organisation': organisation, 'target': target}, ['pinned_at']) }}
{% endmacro %}


{#- The other ledgers of the database that describe this organisation of the Drift at this URL, as far as the role may read them:
    [[schema, target]]. -#}
{% macro ledgers_of_organisation(ledger, url, organisation) %}
  {% set schemas, queries = [], [] %}
  {% for row in dbt_drift.rows_of(
       "select table_schema from information_schema.tables where table_name in ('drift_organisation', 'drift_destination') and "
       ~ dbt_drift.is_named('table_catalog', ledger.database) ~ ' and not (' ~ dbt_drift.is_named('table_schema', ledger.schema)
       ~ ') group by table_schema having count(*) = 2 order by table_schema') %}
    {% do schemas.append(row[0]) %}
  {% endfor %}
  {% for schema in schemas %}
    {% set other = {'database': ledger.database, 'schema': schema} %}
    {% do queries.append(
         'select ' ~ dbt_drift.text_literal(schema) ~ ' as schema_name, target from (select organisation, target from '
         ~ dbt_drift.organisation_relation(other) ~ ' order by pinned_at desc limit 1) as pinned where organisation = '
         ~ dbt_drift.text_literal(organisation) ~ ' and exists (select 1 from ' ~ dbt_drift.destination_relation(other)
         ~ ' where api_url = ' ~ dbt_drift.text_literal(url) ~ ')') %}
  {% endfor %}
  {{ return(dbt_drift.rows_of(queries | join(' union all ')) | map('list') | list if queries else []) }}
{% endmacro %}
