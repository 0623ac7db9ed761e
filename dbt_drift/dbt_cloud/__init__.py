"""dbt Cloud: the artifacts of its runs."""
