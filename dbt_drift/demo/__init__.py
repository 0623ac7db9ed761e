"""`dbt-drift demo`: builds a complete dbt project and syncs it to a sandbox."""
