"""What a sync is: prepared from the project, planned, run, and reported."""
