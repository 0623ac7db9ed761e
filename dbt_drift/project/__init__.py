"""The user's dbt project: the only package that imports dbt."""
