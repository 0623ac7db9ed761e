{#- Names and texts as SQL spells them, whatever is in them. dbt puts a name between quote characters as it is: a quote character in
    the name would end it there. -#}

{% macro quoted(name) %}{{ return(adapter.quote(dbt_drift.doubled(name))) }}{% endmacro %}


{#- A name as it stands between quote characters: those in it are doubled. -#}
{% macro doubled(name) %}
  {% set mark = adapter.quote('')[0] %}
  {{ return(name | replace(mark, mark ~ mark) if name is not none else none) }}
{% endmacro %}


{% macro text_literal(text) %}{{ return("'" ~ text | replace("'", "''") ~ "'") }}{% endmacro %}


{#- A relation that is to be rendered. Its parts hold the names as they stand between quotes, not as the catalog has them. -#}
{% macro relation(database, schema, identifier, type=none) %}
  {{ return(api.Relation.create(database=dbt_drift.doubled(database), schema=dbt_drift.doubled(schema),
                                identifier=dbt_drift.doubled(identifier), type=type)) }}
{% endmacro %}


{#- The columns of such a relation; none where it is not there. -#}
{% macro columns_in(relation) %}{{ return(adapter.dispatch('columns_in', 'dbt_drift')(relation)) }}{% endmacro %}
{% macro default__columns_in(relation) %}{{ return(adapter.get_columns_in_relation(relation)) }}{% endmacro %}
{#- dbt looks into the catalog, and writes the names into text literals as they are. -#}
{% macro postgres__columns_in(relation) %}
  {{ return(adapter.get_columns_in_relation(api.Relation.create(
       database=relation.database,
       schema=relation.schema | replace('""', '"') | replace("'", "''"),
       identifier=relation.identifier | replace('""', '"') | replace("'", "''")))) }}
{% endmacro %}
