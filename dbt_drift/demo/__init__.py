"""`dbt-drift demo`: a whole dbt project, built and synced to a sandbox before one's eyes."""
