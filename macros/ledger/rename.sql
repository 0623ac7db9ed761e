{#- The ledger of a model that was renamed. -#}

{#- Gives all that is remembered of one sync to another: its tables, its audiences, and how many rows it had. Both have `slug`,
    `unique_id` and `name`. Where contacts are remembered under the new name already, nothing is moved. Returns
    [whether it was done, how many contacts are remembered under the new name]. -#}
{% macro rename_sync(ledger, former, renamed) %}
  {% set present = dbt_drift.ledger_relation(ledger, renamed.slug ~ '__accepted') %}
  {% if dbt_drift.columns_in(present) | length %}
    {% set remembered = dbt_drift.rows_of('select count(*) from ' ~ present)[0][0] | int %}
    {% if remembered %}{{ return([false, remembered]) }}{% endif %}
  {% endif %}
  {% for kind in ['accepted', 'delta', 'journal', 'rejected'] %}
    {% set moved = dbt_drift.ledger_relation(ledger, former.slug ~ '__' ~ kind) %}
    {% set target = dbt_drift.ledger_relation(ledger, renamed.slug ~ '__' ~ kind) %}
    {% if former.slug != renamed.slug and dbt_drift.columns_in(moved) | length %}
      {{ dbt_drift.execute('drop table if exists ' ~ target) }}
      {{ dbt_drift.execute('alter table ' ~ moved ~ ' rename to ' ~ dbt_drift.quoted(target.identifier)) }}
    {% endif %}
  {% endfor %}
  {{ dbt_drift.discard_stage({'ledger': ledger, 'slug': former.slug}) }}
  {{ dbt_drift.rename_in(dbt_drift.audiences_relation(ledger), {'slug': renamed.slug, 'model': renamed.name}, 'slug', former.slug) }}
  {{ dbt_drift.rename_in(
       dbt_drift.run_syncs_relation(ledger), {'unique_id': renamed.unique_id, 'name': renamed.name}, 'unique_id', former.unique_id) }}
  {% do adapter.add_query(
       'delete from ' ~ dbt_drift.saved_syncs_relation(ledger) ~ ' where unique_id = ' ~ get_binding_char(), auto_begin=False,
       bindings=[former.unique_id]) %}
  {{ return([true, dbt_drift.rows_of('select count(*) from ' ~ present)[0][0] | int]) }}
{% endmacro %}


{% macro rename_in(relation, values, column, former) %}
  {% set settings = [] %}
  {% for name in values %}{% do settings.append(name ~ ' = ' ~ get_binding_char()) %}{% endfor %}
  {% do adapter.add_query(
       'update ' ~ relation ~ ' set ' ~ settings | join(', ') ~ ' where ' ~ column ~ ' = ' ~ get_binding_char(), auto_begin=False,
       bindings=values.values() | list + [former]) %}
{% endmacro %}
