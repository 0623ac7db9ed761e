"""`python -m dbt_drift` is `dbt-drift`."""

from dbt_drift.cli.main import main

main()
