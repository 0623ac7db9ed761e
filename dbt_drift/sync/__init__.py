"""A run: plan or sync the bound models, and report what happened."""
