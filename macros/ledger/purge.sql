{#- Deletes every row of the ledger that is about these contacts; returns {table: number of rows}, without those that had none. `keys`: their
    keys; `texts`: how people write them, in lower case, which finds rows that could not be sent; `present`: the ledger's tables,
    {table: [column]}.

    A staged difference has numbers without gaps, so one that loses a row is staged again. -#}
{% macro purge(ledger, keys, texts, present) %}
  {% set conditions, counts, found = {}, [], {} %}
  {#- A journal knows its contacts by the numbers of the delta, so it comes first. -#}
  {% for table in present | sort if table.endswith('__journal') and table[:-9] ~ '__delta' in present %}
    {% set delta = dbt_drift.ledger_relation(ledger, table[:-9] ~ '__delta') %}
    {% do conditions.update({table: 'exists (select 1 from ' ~ delta ~ ' as delta_rows where delta_rows.stage_id = entries.stage_id and delta_rows.seq = entries.seq and '
         ~ dbt_drift.is_about('delta_rows', keys, texts) ~ ')'}) %}
  {% endfor %}
  {% for table in present | sort if table == 'drift_contacts' or table.endswith(('__accepted', '__delta', '__rejected')) %}
    {% do conditions.update({table: dbt_drift.is_about('entries', keys, texts if 'key_as_written' in present[table] else [])}) %}
  {% endfor %}
  {% for table, condition in conditions.items() %}
    {% do counts.append("select '" ~ table ~ "', count(*) from " ~ dbt_drift.ledger_relation(ledger, table) ~ ' as entries where ' ~ condition) %}
  {% endfor %}
  {% for table, count in (dbt_drift.rows_of(counts | join(' union all ')) if counts else []) if count %}{% do found.update({table: count}) %}{% endfor %}
  {% for table, condition in conditions.items() if table in found %}
    {{ dbt_drift.execute('delete from ' ~ dbt_drift.ledger_relation(ledger, table) ~ ' as entries where ' ~ condition) }}
    {% if table.endswith('__delta') %}{{ dbt_drift.discard_stage({'ledger': ledger, 'slug': table[:-7]}) }}{% endif %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}


{% macro is_about(alias, keys, texts) %}
  {%- set literals = [] -%}
  {%- for text in texts %}{% do literals.append(dbt_drift.text_literal(text)) %}{% endfor -%}
  ({{ dbt_drift.has_key(alias, keys) }}
  {%- if literals %} or lower(trim({{ alias }}.key_as_written)) in ({{ literals | join(', ') }}){% endif %})
{%- endmacro %}
