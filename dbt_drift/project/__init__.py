"""The user's dbt project: the only room that imports dbt."""
