"""dbt-drift: reverse ETL from dbt models to Drift.

Kept this small on purpose: dbt imports every installed top-level module whose name starts with ``dbt_``
on each of its own commands, so whatever stands here is paid, and can fail, inside the user's ``dbt build``.
"""

__version__ = "0.1.0"
