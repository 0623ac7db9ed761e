"""What the documentation promises of a sync, as a small program: what is counted, and what Drift holds.

It is written from README.md and docs/, and imports nothing of dbt-drift: where it and a sync differ, one of them is
wrong. Rows are plain dictionaries; there is no warehouse here, and no request.
"""
