{#- The kind of a column's type for Drift: text, integer, decimal, float, boolean, date, timestamp, timestamptz, json or
    unsupported. Takes the adapter's name of the type. Unknown types and all ranges count as text, because every engine can
    cast to it. Money is unsupported: its text depends on the session's settings. -#}
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
