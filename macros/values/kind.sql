{#- What a column's type means for Drift: text, integer, decimal, float, boolean, date, timestamp, timestamptz, json or
    unsupported. Takes the type as the adapter names it. A type that is not known is taken as text, and so are ranges, whatever
    they range over: every engine can cast to it. Money is unsupported: what it amounts to depends on the session's settings. -#}
{% macro kind(dtype) %}
  {% set name = dtype | lower %}
  {% if name.endswith(']') or name.startswith(('array', 'list', 'struct', 'map', 'json', 'row', 'super', 'variant', 'object')) %}
    {{ return('json') }}
  {% elif name.endswith('range') %}
    {{ return('text') }}
  {% elif name.startswith(('bytea', 'blob', 'binary', 'varbinary', 'bytes', 'money')) %}
    {{ return('unsupported') }}
  {% elif name.startswith('bool') %}
    {{ return('boolean') }}
  {% elif name.startswith('date') and not name.startswith('datetime') %}
    {{ return('date') }}
  {% elif name.startswith(('timestamp', 'datetime')) %}
    {{ return('timestamptz' if ('with time zone' in name or name.startswith(('timestamptz', 'timestamp_tz', 'timestamp_ltz'))) else 'timestamp') }}
  {% elif name.startswith(('numeric', 'decimal', 'bignumeric', 'number')) %}
    {{ return('decimal') }}
  {% elif name.startswith(('float', 'double', 'real')) %}
    {{ return('float') }}
  {% elif name.startswith(('int', 'uint', 'bigint', 'ubigint', 'smallint', 'usmallint', 'tinyint', 'utinyint', 'uinteger', 'hugeint', 'uhugeint'))
        and not name.startswith('interval') %}
    {{ return('integer') }}
  {% endif %}
  {{ return('text') }}
{% endmacro %}
