{#- What a ledger has on record beside its large tables, read in two statements: the catalog, and the rows of all small tables. Returns

    - `tables`: {table: [column]}; empty if there is no ledger
    - `is_complete`: whether this program has nothing to create or to migrate
    - `version`, `destination`, `pin`, `attribute`, `audience`, `saved_sync`, `turn`: the rows of each table, as lists of texts -#}
{% macro registry(ledger) %}
  {% set tables = dbt_drift.ledger_columns(ledger) %}
  {% set found, queries = {'tables': tables}, [] %}
  {% for kind, relation, columns in dbt_drift.registry_parts(ledger) %}
    {% do found.update({kind: []}) %}
    {% if relation.identifier in tables %}
      {% set parts = [] %}
      {% for number in range(7) %}
        {% do parts.append('cast(' ~ (columns[number] or 'null') ~ ' as ' ~ dbt_drift.text_type() ~ ') as part_' ~ number) %}
      {% endfor %}
      {% do queries.append("select '" ~ kind ~ "' as kind, " ~ parts | join(', ') ~ ' from ' ~ relation) %}
    {% endif %}
  {% endfor %}
  {% if queries %}
    {% for row in dbt_drift.rows_of(queries | join(' union all ')) %}{% do found[row[0]].append(row[1:]) %}{% endfor %}
  {% endif %}
  {% do found.update({'is_complete': not dbt_drift.lost_tables(tables) and not dbt_drift.lost_columns(tables) and found.turn | length > 0
                      and dbt_drift.ledger_version() | string in found.version | map('first') | list}) %}
  {{ return(found) }}
{% endmacro %}


{#- [[kind, relation, [column]]], at most seven columns each. -#}
{% macro registry_parts(ledger) %}
  {{ return([
    ['version', dbt_drift.version_relation(ledger), ['version', 'dbt_drift_version']],
    ['destination', dbt_drift.destination_relation(ledger), ['api_url']],
    ['pin', dbt_drift.organisation_relation(ledger), ['pinned_at', 'organisation', 'target']],
    ['attribute', dbt_drift.attributes_relation(ledger), ['name', 'label', 'type']],
    ['audience', dbt_drift.audiences_relation(ledger), ['slug', 'model', 'match_on', 'state', 'tag_name', 'mode', 'tag_from']],
    ['saved_sync', dbt_drift.saved_syncs_relation(ledger), ['unique_id', 'slug', 'version', 'spec']],
    ['turn', dbt_drift.lock_relation(ledger), ['turn']],
  ]) }}
{% endmacro %}
