{#- Escapes names and texts for SQL. dbt puts a name between quote characters unescaped, so a quote character in the name would
    end it. -#}

{% macro quoted(name) %}{{ return(adapter.quote(dbt_drift.doubled(name))) }}{% endmacro %}


{#- A name for use between quote characters: quote characters in it are doubled. -#}
{% macro doubled(name) %}
  {% set mark = adapter.quote('')[0] %}
  {{ return(name | replace(mark, mark ~ mark) if name is not none else none) }}
{% endmacro %}


{% macro text_literal(text) %}{{ return("'" ~ text | replace("'", "''") ~ "'") }}{% endmacro %}


{#- A relation to render. Its parts are escaped names, not those of the catalog. -#}
{% macro relation(database, schema, identifier, type=none) %}
  {{ return(api.Relation.create(database=dbt_drift.doubled(database), schema=dbt_drift.doubled(schema),
                                identifier=dbt_drift.doubled(identifier), type=type)) }}
{% endmacro %}


{#- The columns of such a relation; empty if it does not exist. -#}
{% macro columns_in(relation) %}{{ return(adapter.dispatch('columns_in', 'dbt_drift')(relation)) }}{% endmacro %}
{% macro default__columns_in(relation) %}{{ return(adapter.get_columns_in_relation(relation)) }}{% endmacro %}
{#- dbt reads the catalog, and writes the names unescaped into text literals. -#}
{% macro postgres__columns_in(relation) %}
  {{ return(adapter.get_columns_in_relation(api.Relation.create(
       database=relation.database,
       schema=relation.schema | replace('""', '"') | replace("'", "''"),
       identifier=relation.identifier | replace('""', '"') | replace("'", "''")))) }}
{% endmacro %}
