"""How fast dbt-drift is, measured beside the nearest alternative in the same run: `python -m benchmarks --help`."""
