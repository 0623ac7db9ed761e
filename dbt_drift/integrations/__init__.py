"""dbt-drift inside the programs that schedule dbt. Nothing here is imported unless somebody asks for it."""
