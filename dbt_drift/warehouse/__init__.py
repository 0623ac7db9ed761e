"""The ledger in the warehouse: what differs, what Drift took, what is remembered."""
