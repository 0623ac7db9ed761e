"""`dbt-drift init`: finds the models that look like contacts, and writes a first declaration for them."""
